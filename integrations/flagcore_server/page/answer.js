// What one flag gives the context that is tried, and how it comes to that. The server explains; this only shows it.

import { condition } from "./condition.js";
import { element } from "./element.js";
import { brief, full, isSame } from "./value.js";

// Put the answer into a flag's row, in place of the one before; null takes it away.
export function showAnswer(row, flag, answer) {
  const before = row.querySelector(".answer");
  for (const each of row.querySelectorAll("[data-step]")) each.classList.remove("decides");
  if (answer === null) {
    before?.remove();
    return;
  }
  const made = answer === undefined ? missing() : answered(flag, answer);
  const isFocused = before?.contains(document.activeElement);
  if (before?.open) made.open = true;
  if (before) before.replaceWith(made);
  else row.querySelector(".decision").append(made);
  if (isFocused) made.querySelector("summary")?.focus({ preventScroll: true });
  const step = answer?.steps.find((each) => each.decided);
  if (step) row.querySelector(`[data-step="${step.name}"]`)?.classList.add("decides");
}

// Whether the context gets something else than the flag's own value.
export const differs = (flag, answer) => !isSame(flag.value, flag.variants ? answer.variant : answer.value);

const missing = () => element("p", { class: "answer none" }, "Not tried: there was no time for all flags.");

function answered(flag, answer) {
  const made = element(
    "details",
    { class: differs(flag, answer) ? "answer differs" : "answer" },
    element(
      "summary",
      {},
      element("span", { class: "label" }, "This context gets"),
      element("b", { class: "value" }, shortly(answer)),
      element("span", { class: answer.error_code ? "why bad" : "why" }, why(answer)),
    ),
  );
  // Made when it is opened: there may be thousands, of which a person reads two.
  made.addEventListener("toggle", () => made.append(...explained(answer)), { once: true });
  return made;
}

function explained(answer) {
  const isWhole = answer.variant !== null || isLong(answer);
  return [
    element("ol", { class: "steps" }, ...answer.steps.map(step)),
    element("p", { class: "facts" }, ...facts(answer)),
    ...(isWhole ? [element("pre", { tabindex: "0", "aria-label": "The whole value" }, full(answer.value))] : []),
  ];
}

const isLong = ({ value }) => value !== null && typeof value === "object";

function shortly(answer) {
  if (!answer.served) return "the caller\u2019s default";
  return answer.variant ?? brief(answer.value);
}

function why(answer) {
  if (answer.error_code) return answer.error_message;
  const decided = answer.steps.find((each) => each.decided);
  if (!decided) return "the same for everybody";
  return decided.name === "fallback" ? decided.outcome : `${decided.name}: ${decided.outcome}`;
}

function facts({ reason, error_code: code, origin, version }) {
  return [`reason ${reason}`, code, `from ${origin}`, `version ${version.slice(0, 8)}`].filter(Boolean).map((each) => element("span", {}, each));
}

function step({ name, decided, outcome, findings }) {
  return element(
    "li",
    { class: decided ? "decided" : null },
    element("p", {}, element("b", {}, name), ` ${outcome}`, decided ? element("span", { class: "hidden" }, " \u2013 this decided") : null),
    findings.length ? element("ul", { class: "findings" }, ...findings.map(finding)) : null,
  );
}

function finding({ text, result, values, missing: absent = [], within = [], buckets, below }) {
  const seen = [...Object.entries(values).map(([name, value]) => `${name} is ${value}`), ...absent.map((name) => `${name} is missing`)];
  const [word, kind] = verdict(result, buckets, below);
  return element(
    "li",
    {},
    word ? element("span", { class: `verdict ${kind}` }, word) : null,
    element(
      "div",
      {},
      within.length ? element("span", { class: "soft" }, `${within.join(" \u203a ")}: `) : null,
      buckets === undefined ? condition(text) : text,
      word ? null : ` \u2192 ${rounded(result)}`,
      seen.length ? element("span", { class: "soft seen" }, seen.join(", ")) : null,
    ),
  );
}

// The word for what a finding gave, where there is one; and what it looks like.
function verdict(result, buckets, below) {
  if (buckets === undefined) return ["true", "false"].includes(result) ? [result, result === "true" ? "yes" : "no"] : [];
  if (result === "null") return ["nobody", "no"];
  if (below === undefined) return ["drawn", ""];
  return Number(result) < below ? ["in", "yes"] : ["out", "no"];
}

const rounded = (text) => (Number.isFinite(Number(text)) ? String(Math.round(Number(text) * 100) / 100) : text);
