// The dialog in which a change is made, seen and confirmed. Nothing is sent before Apply.

import { putValue } from "./api.js";
import { byId, element } from "./element.js";
import { editable, full, isSame, parsed, typeOf } from "./value.js";

const dialog = byId("confirm");
const apply = byId("confirm-apply");
const typeCheck = byId("confirm-type");
const errorText = byId("confirm-error");

// What the dialog is about while it is open: { flag, value, problem, onDone, newest }.
let change = null;

export function confirmChange(flag, { clients, newest, onDone }) {
  change = { flag, value: flag.value, problem: null, onDone, newest };
  const isSwitch = flag.type === "boolean" && !flag.variants;
  const verb = isSwitch ? (flag.value ? "Switch off" : "Switch on") : "Change";
  byId("confirm-title").replaceChildren(`${verb} `, element("code", {}, flag.key), isSwitch ? "?" : "");
  byId("confirm-description").textContent = flag.description;
  byId("confirm-effect").textContent = effect(flag, clients);
  apply.textContent = isSwitch ? verb : "Apply";
  typeCheck.firstElementChild.checked = false;
  sayError("");
  const input = isSwitch ? null : editor(flag);
  byId("confirm-editor").replaceChildren(...(input ? [element("label", { class: "field", for: "confirm-input" }, label(flag)), input] : []));
  if (isSwitch) change.value = !flag.value;
  show();
  dialog.showModal();
  (input ?? apply).focus();
  input?.select?.();
}

function label(flag) {
  if (flag.variants) return "Variant";
  return { string: "Text", number: "Number" }[flag.type] ?? "JSON";
}

function effect(flag, clients) {
  const streams = clients.filter((each) => each.mode === "stream").length;
  const polls = clients.length - streams;
  const who = [];
  if (streams) who.push(`${streams} connected ${streams === 1 ? "client follows" : "clients follow"} at once`);
  if (polls) who.push(`${polls} polling ${polls === 1 ? "client" : "clients"} at the next request`);
  const first = [flag.overrides.length ? "overrides" : "", flag.rules.length ? "rules" : ""].filter(Boolean).join(" and ");
  const overridden = first ? ` Its ${first} stay as they are, and decide first.` : "";
  return (who.length ? `${who.join(", ")}.` : "Nobody is connected now.") + overridden;
}

function editor(flag) {
  const about = { id: "confirm-input", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "confirm-error" };
  let made;
  if (flag.variants) {
    made = element("select", about, ...Object.keys(flag.variants).map((name) => element("option", { value: name }, name)));
  } else if (flag.type === "number") {
    made = element("input", { ...about, type: "text", inputmode: "decimal" });
  } else {
    const text = editable(flag.value);
    made = element("textarea", { ...about, rows: String(Math.min(14, Math.max(flag.type === "string" ? 1 : 3, text.split("\n").length))) });
  }
  made.value = flag.variants ? flag.value : editable(flag.value);
  made.addEventListener("input", () => {
    try {
      change.value = parsed(made.value, flag.variants ? "string" : flag.type);
      change.problem = null;
    } catch (error) {
      change.problem = error.message;
    }
    made.setAttribute("aria-invalid", String(change.problem !== null));
    show();
  });
  // In one line of text Enter is Apply, as in any form; a longer text keeps its line breaks.
  made.addEventListener("keydown", (event) => {
    const sends = event.key === "Enter" && (event.ctrlKey || event.metaKey || (flag.type === "string" && !event.shiftKey));
    if (sends && made.tagName === "TEXTAREA") {
      event.preventDefault();
      if (!apply.disabled) apply.click();
    }
  });
  return made;
}

// What a value means to who reads it: a variant's payload beside its name.
function shown(value) {
  const variants = change.flag.variants;
  return variants ? `${value}\n${full(variants[value])}` : full(value);
}

function show() {
  const { flag, value, problem } = change;
  const before = shown(flag.value);
  const isUnchanged = isSame(flag.value, value);
  const after = problem === null && !isUnchanged ? shown(value) : "";
  const differing = after.split("\n").filter((line) => !before.split("\n").includes(line));
  byId("confirm-before").textContent = before;
  byId("confirm-after").replaceChildren(...(after ? marked(after, differing) : [element("span", { class: "nothing" }, problem ? "not a value yet" : "unchanged")]));
  const isOtherType = !flag.variants && problem === null && flag.value !== null && typeOf(value) !== typeOf(flag.value);
  typeCheck.hidden = !isOtherType;
  typeCheck.lastElementChild.textContent = `This turns ${flag.type} into ${typeOf(value)}. Programs that read it can take that.`;
  sayError(problem ?? "");
  apply.disabled = problem !== null || isUnchanged || (isOtherType && !typeCheck.firstElementChild.checked);
}

function marked(text, differing) {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const isWhole = lines.length === 1 || !differing.includes(line);
    return [isWhole ? line : element("span", { class: "differs" }, line), index < lines.length - 1 ? "\n" : ""];
  });
}

function sayError(text) {
  errorText.textContent = text && text[0].toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");
  errorText.hidden = text === "";
}

async function send() {
  const { flag, value, onDone } = change;
  apply.disabled = true;
  try {
    const changed = await putValue(flag, value, typeCheck.firstElementChild.checked);
    dialog.close();
    onDone(changed);
  } catch (error) {
    apply.disabled = false;
    if (error.status === 412) {
      // Somebody else was first. What is there now is shown, and Apply then means: over that.
      change.flag = change.newest() ?? flag;
      if (error.facts.current) change.flag = { ...change.flag, ...error.facts.current };
      show();
    }
    sayError(error.status ? error.message : "The server cannot be reached: nothing was changed.");
  }
}

typeCheck.addEventListener("change", show);
byId("confirm-cancel").addEventListener("click", () => dialog.close());
dialog.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
// A click beside the dialog is a way out, as Escape is.
dialog.addEventListener("mousedown", (event) => {
  if (event.target === dialog) dialog.close();
});
