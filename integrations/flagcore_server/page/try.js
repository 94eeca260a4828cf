// Trying a context: what is typed, checked here and by the server, and the answers that come back.

import { tryContext } from "./api.js";
import { contextOf, typed, typeName, valueOf } from "./context.js";
import { byId, element } from "./element.js";

const KEY = "targeting_key";
// Attributes that get a field unasked; the others are offered as names.
const MOST_FIELDS = 8;

const form = byId("try-form");
const fields = byId("try-fields");
const json = byId("try-json");
const key = byId("try-key");

let onAnswers = () => {};
// The JSON text of the context whose answers are shown; null while none is.
let shown = null;
let asked = 0;
let made = 0;

export function startTrying(listener) {
  onAnswers = listener;
}

// Fields for the attributes that the file's rules look at. What has been typed stays, and so does where one is typing.
export function offerAttributes(names) {
  byId("try-names").replaceChildren(...names.map((name) => element("option", { value: name })));
  const offered = names.slice(0, MOST_FIELDS);
  for (const each of [...fields.children]) {
    const row = rowOf.get(each);
    const isInUse = row.value.value !== "" || each.contains(document.activeElement);
    if (row.offered && !offered.includes(row.offered) && !isInUse) each.remove();
  }
  const present = rows().map((row) => row.name());
  const firstAdded = [...fields.children].find((each) => !rowOf.get(each).offered) ?? null;
  for (const name of offered) if (!present.includes(name)) fields.insertBefore(attribute(name), firstAdded);
}

// Ask again: the flags are others by now.
export function tryAgain() {
  if (shown !== null) ask(shown);
}

const isJson = () => form.elements.mode.value === "json";
// The field of each row of the form: { name(), value, type, problem, offered }.
const rowOf = new WeakMap();
const rows = () => [...fields.children].map((made) => rowOf.get(made));
const plain = { autocomplete: "off", autocapitalize: "off", spellcheck: "false" };

// A row of the form: for an attribute that is offered, or, without a name, for one whose name is typed as well.
function attribute(offered = "", text = "") {
  const number = (made += 1);
  const [id, typeId, problemId] = [`try-value-${number}`, `try-type-${number}`, `try-problem-${number}`];
  const name = offered
    ? element("label", { class: "name", for: id, title: offered }, offered)
    : element("input", { ...plain, class: "name", list: "try-names", "aria-label": "Attribute", placeholder: "name" });
  const value = element("input", { ...plain, id, placeholder: "missing", "aria-describedby": `${typeId} ${problemId}` });
  const type = element("span", { class: "type", id: typeId });
  const problem = element("p", { class: "problem", id: problemId, role: "alert" });
  const whole = element("div", { class: "attribute" }, name, element("div", { class: "typed" }, value, type), problem);
  const row = { offered, nameInput: name, name: () => offered || name.value.trim(), value, type, problem };
  rowOf.set(whole, row);
  if (!offered) {
    value.setAttribute("aria-label", "Value");
    name.addEventListener("input", () => value.setAttribute("aria-label", row.name() || "Value"));
  }
  value.value = text;
  value.addEventListener("input", () => look(row));
  look(row);
  return whole;
}

function look(row) {
  try {
    check(row);
  } catch {
    // It has been said beside the field.
  }
}

// The value of a field, or undefined; what is wrong with it is said beside it.
function check(row) {
  try {
    const value = valueOf(row.value.value);
    row.type.textContent = typeName(value);
    complain(row.value, row.problem, "");
    return value;
  } catch (error) {
    row.type.textContent = "";
    complain(row.value, row.problem, error.message);
    throw error;
  }
}

function complain(input, problem, text) {
  input.setAttribute("aria-invalid", String(text !== ""));
  if (problem.textContent !== text) problem.textContent = text;
}

// The context as JSON text. Throws, after saying where, if something typed can't be.
function collected() {
  if (isJson()) return checkJson();
  const found = {};
  let failed = null;
  if (key.value.trim() !== "") found[KEY] = key.value.trim();
  for (const row of rows()) {
    try {
      const value = check(row);
      const name = row.name();
      if (value === undefined) continue;
      if (name === "") throw refused(row.offered ? row.value : row.nameInput, row.problem, "Expected the attribute\u2019s name beside its value.");
      if (Object.hasOwn(found, name)) throw refused(row.offered ? row.value : row.nameInput, row.problem, `Expected each attribute once, got ${name} again.`);
      Object.defineProperty(found, name, { value, enumerable: true });
    } catch (error) {
      failed ??= error;
    }
  }
  if (failed) throw failed;
  return JSON.stringify(found);
}

// As it was typed: numbers that JavaScript cannot hold are the server's to read.
function checkJson() {
  try {
    contextOf(json.value);
    complain(json, byId("try-json-problem"), "");
    return json.value.trim() || "{}";
  } catch (error) {
    throw refused(json, byId("try-json-problem"), error.message);
  }
}

function refused(input, problem, text) {
  complain(input, problem, text);
  return new Error(text);
}

async function ask(text) {
  const turn = (asked += 1);
  form.setAttribute("aria-busy", "true");
  try {
    const answers = await tryContext(text);
    if (turn !== asked) return;
    shown = text;
    complain(isJson() ? json : key, problemOf(), "");
    byId("try-clear").hidden = false;
    say(onAnswers(answers.flags), answers.left_out);
  } catch (error) {
    if (turn !== asked) return;
    const message = error.status ? error.message : "The server cannot be reached.";
    complain(isJson() ? json : key, problemOf(), message);
  } finally {
    if (turn === asked) form.removeAttribute("aria-busy");
  }
}

const problemOf = () => byId(isJson() ? "try-json-problem" : "try-problem");

function say(differing, leftOut) {
  const some = differing === 1 ? "1 flag gives something else than its own value." : `${differing} flags give something else than their own values.`;
  const words = differing === 0 ? "Every flag gives its own value." : some;
  byId("try-said").textContent = leftOut ? `${words} There was no time for ${leftOut} more.` : words;
}

function clear() {
  asked += 1;
  shown = null;
  byId("try-clear").hidden = true;
  byId("try-said").textContent = "";
  onAnswers(null);
}

// From one way of typing to the other, with what has been typed.
function changeMode() {
  byId("try-as-json").hidden = !isJson();
  byId("try-as-fields").hidden = isJson();
  if (isJson()) toJson();
  else toFields();
}

function toJson() {
  form.elements.mode.value = "fields";
  try {
    const found = JSON.parse(collected());
    json.value = JSON.stringify({ [KEY]: null, ...found }, null, 2);
    if (found[KEY] === undefined) json.value = JSON.stringify(found, null, 2);
  } catch {
    // What is wrong there stays there to be mended.
  }
  form.elements.mode.value = "json";
}

function toFields() {
  let found;
  try {
    found = contextOf(json.value);
  } catch {
    return;
  }
  const { targeting_key: own, targetingKey: camel, ...attributes } = found;
  key.value = own ?? camel ?? "";
  const offered = rows().map((row) => row.offered).filter(Boolean);
  const names = new Set([...offered, ...Object.keys(attributes)]);
  fields.replaceChildren(...[...names].map((name) => attribute(name, Object.hasOwn(attributes, name) ? typed(attributes[name]) : "")));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  try {
    ask(collected());
  } catch {
    form.querySelector('[aria-invalid="true"]:not([hidden])')?.focus();
  }
});
json.addEventListener("input", () => complain(json, byId("try-json-problem"), ""));
key.addEventListener("input", () => complain(key, byId("try-problem"), ""));
byId("try-clear").addEventListener("click", clear);
byId("try-add").addEventListener("click", () => {
  const added = attribute();
  fields.append(added);
  rowOf.get(added).nameInput.focus();
});
for (const each of form.elements.mode) each.addEventListener("change", changeMode);

// Open where there is room for it beside the flags.
byId("try").open = matchMedia("(min-width: 901px)").matches;
