// A condition as it is written, with its references as links to what they name.

import { element } from "./element.js";

// Strings are found so that nothing within one is taken for a reference.
const PART = /\b(segment|flag)(\(\s*)("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|r?"(?:[^"\\\n]|\\.)*"|r?'(?:[^'\\\n]|\\.)*'/g;

export const anchor = (what, name) => `${what}-${encodeURIComponent(name)}`;

export function condition(text) {
  const made = element("code", { class: "condition" });
  let end = 0;
  for (const found of text.matchAll(PART)) {
    const [whole, what, opening, quoted] = found;
    if (what === undefined) continue;
    made.append(text.slice(end, found.index + what.length + opening.length), reference(what, quoted));
    end = found.index + whole.length;
  }
  made.append(text.slice(end));
  return made;
}

function reference(what, quoted) {
  const name = unquoted(quoted);
  return name === null ? quoted : element("a", { href: `#${anchor(what, name)}` }, quoted);
}

// The name that a quoted string stands for; null for one that JSON would spell otherwise, which is shown as text.
function unquoted(quoted) {
  try {
    return JSON.parse(quoted[0] === "'" ? `"${quoted.slice(1, -1).replaceAll('"', '\\"')}"` : quoted);
  } catch {
    return null;
  }
}
