// One flag as a row of the list.

import { anchor } from "./condition.js";
import { element, pencil } from "./element.js";
import { day, moment } from "./moment.js";
import { rules, ruleWords } from "./rule.js";
import { brief } from "./value.js";

export function row(flag, number, isEditable, onEdit) {
  const made = element(
    "li",
    {
      class: flag.type === "boolean" && !flag.variants ? "flag" : "flag wide",
      "data-flag": flag.key,
      id: anchor("flag", flag.key),
      tabindex: "-1",
    },
    element(
      "div",
      { class: "what" },
      element("h3", { id: `flag-${number}` }, flag.key),
      flag.description ? element("p", { class: "description" }, flag.description) : null,
    ),
    element("div", { class: "control" }, control(flag, number, isEditable, onEdit)),
    element(
      "div",
      { class: "more" },
      facts(flag),
      flag.variants ? variants(flag.variants) : null,
      flag.overrides.length ? overrides(flag.overrides) : null,
    ),
    element("div", { class: "decision" }, flag.rules.length ? rules(flag) : null),
  );
  return made;
}

// What a search looks through.
export function searchable(flag) {
  const overridden = flag.overrides.map((each) => [...Object.values(each.path), brief(each.value)]);
  const words = [flag.key, flag.description, flag.owner, flag.expired ? "expired" : "", brief(flag.value), ...flag.tags, ...overridden, ...ruleWords(flag)];
  return words.flat().join("\n").toLowerCase();
}

function facts(flag) {
  const found = [];
  if (flag.owner) found.push(element("span", { class: "owner" }, element("span", { class: "hidden" }, "Owner: "), flag.owner));
  for (const tag of flag.tags) found.push(element("span", {}, element("span", { class: "hidden" }, "Tag: "), `#${tag}`));
  if (flag.expires) {
    const word = flag.expired ? "expired" : "expires";
    found.push(element("span", { class: flag.expired ? "late" : null }, `${word} ${day(flag.expires)}`));
  }
  if (flag.changed_at) {
    const what = flag.changed_by === "start" ? "file saved " : "changed ";
    found.push(element("span", {}, what, moment(flag.changed_at), flag.changed_by === "page" ? " on the page" : ""));
  }
  return element("p", { class: "facts" }, ...found);
}

function overrides(list) {
  const items = list.map((each) => {
    const path = Object.entries(each.path).flatMap(([name, id]) => [element("span", { class: "name" }, name), element("span", {}, String(id))]);
    return element("li", {}, ...path, element("span", { class: "to", "aria-label": "gets" }, "\u2192"), element("span", { class: "value" }, brief(each.value)));
  });
  return element("ul", { class: "overrides", "aria-label": "Overrides" }, ...items);
}

function variants(named) {
  const items = Object.entries(named).map(([name, value]) =>
    element("li", {}, element("b", {}, name), element("span", { class: "value" }, brief(value))),
  );
  return element("ul", { class: "overrides", "aria-label": "Variants" }, ...items);
}

function control(flag, number, isEditable, onEdit) {
  const isSwitch = flag.type === "boolean" && !flag.variants;
  const made = isSwitch
    ? element(
        "button",
        { type: "button", role: "switch", "aria-checked": String(flag.value), "aria-labelledby": `flag-${number}` },
        element("span", { class: "word", "aria-hidden": "true" }, `${flag.rules.length ? "otherwise " : ""}${brief(flag.value)}`),
        element("span", { class: "track" }),
      )
    : element(
        "button",
        { type: "button", class: "edit", title: brief(flag.value), "aria-label": `Edit ${flag.key}, now ${brief(flag.value)}` },
        element("span", { class: "text" }, brief(flag.value)),
        pencil(),
      );
  made.disabled = !isEditable;
  made.addEventListener("click", onEdit);
  return made;
}
