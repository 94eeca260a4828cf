// A flag's rules in words: for whom, what, and to which share.

import { condition } from "./condition.js";
import { element } from "./element.js";
import { day } from "./moment.js";
import { brief } from "./value.js";

export function rules(flag) {
  const items = flag.rules.map((rule, number) =>
    element(
      "li",
      { "data-step": `rule ${number + 1}` },
      element("span", { class: "when" }, ...when(rule)),
      element("span", { class: "then" }, ...then(rule)),
      rule.description ? element("span", { class: "soft" }, rule.description) : null,
    ),
  );
  const otherwise = element(
    "li",
    { "data-step": "fallback", class: "otherwise" },
    element("span", { class: "when" }, "otherwise"),
    element("span", { class: "then" }, strong(flag.value)),
  );
  return element("ol", { class: "rules", "aria-label": `Rules of ${flag.key}: the first that decides, decides` }, ...items, otherwise);
}

// What a search looks through.
export const ruleWords = (flag) => flag.rules.map((rule) => `${rule.if ?? ""} ${rule.description ?? ""} ${rule.by ?? ""}`);

const when = (rule) => (rule.if === undefined ? ["everyone"] : ["if ", condition(String(rule.if))]);

function then(rule) {
  if (rule.split !== undefined) return [...split(rule.split), ...drawn(rule)];
  if (rule.rollout === undefined) return [strong(rule.value)];
  const value = strong(rule.value === undefined ? true : rule.value);
  if (typeof rule.rollout === "object") return [value, ...ramp(rule.rollout), ...drawn(rule)];
  return [value, ` for ${percent(rule.rollout)}`, bar([rule.rollout], 100), ...drawn(rule)];
}

function ramp({ from = 0, to = 100, start, end }) {
  const times = element("span", { class: "soft drawn" }, `moving from ${moment(start)} to ${moment(end)}`);
  return [` for ${from} to ${percent(to)}`, bar([Math.min(from, to), Math.abs(to - from)], 100), times];
}

function split(weights) {
  const named = Object.entries(weights);
  const total = named.reduce((sum, [, weight]) => sum + weight, 0);
  const parts = named.flatMap(([name, weight], index) => [index ? ", " : "", strong(name), ` ${percent((100 * weight) / total)}`]);
  return [...parts, bar(named.map(([, weight]) => weight), total)];
}

function drawn({ by, salt }) {
  const found = [by === undefined ? "" : `by ${by}`, salt === undefined ? "" : `salt ${salt}`].filter(Boolean);
  return found.length ? [element("span", { class: "soft drawn" }, found.join(", "))] : [];
}

const strong = (value) => element("b", {}, brief(value));
const percent = (number) => `${Math.round(number * 100) / 100}\u202f%`;
const moment = (text) => (text.length > 10 ? text : day(text));

// The shares as a strip, and what is left. It says nothing that the words beside it do not.
function bar(shares, total) {
  const left = total - shares.reduce((sum, each) => sum + each, 0);
  const parts = [...shares.map((share) => [share, null]), [left, "rest"]].filter(([share]) => share > 0);
  return element("span", { class: "shares", "aria-hidden": "true" }, ...parts.map(([share, name]) => part(share, name)));
}

function part(share, name) {
  const made = element("span", { class: name });
  made.style.flexGrow = share;
  return made;
}
