// Who is asking, as a person types it: one value a field, or the whole of it as JSON.

import { typeOf } from "./value.js";

const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

// What a text in a field stands for; undefined for nothing. What looks like JSON is, anything else is text as it is.
export function valueOf(text) {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (["true", "false", "null"].includes(trimmed)) return JSON.parse(trimmed);
  if (NUMBER.test(trimmed) && isExact(trimmed)) return Number(trimmed);
  if (!/^[["{]/.test(trimmed)) return trimmed;
  try {
    return JSON.parse(trimmed);
  } catch (error) {
    throw new Error(`What begins with ${trimmed[0]} is read as JSON; a text like that goes in quotes. ${error.message}.`);
  }
}

// An id of twenty digits is no number here: it would come out as another.
const isExact = (text) => !Number.isInteger(Number(text)) || Number.isSafeInteger(Number(text));

export function typeName(value) {
  if (value === undefined) return "";
  return { string: "text", array: "list" }[typeOf(value)] ?? typeOf(value);
}

// The context that a text is; throws an Error that says what is wrong with it.
export function contextOf(text) {
  if (text.trim() === "") return {};
  let found;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON yet: ${error.message}.`);
  }
  if (typeOf(found) !== "object") throw new Error(`Expected an object such as {"targeting_key": "user-1"}, got ${typeName(found)}.`);
  return found;
}

// How a value reads in a field, so that typing it again gives the same.
export function typed(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  let again;
  try {
    again = valueOf(value);
  } catch {
    again = null;
  }
  return again === value ? value : JSON.stringify(value);
}
