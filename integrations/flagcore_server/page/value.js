// A flag's value: its type, how it reads, and how what a person typed becomes one.

export function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

// On one line, as a row shows it. A space after colons and commas, so that it can be read.
export function brief(value) {
  if (value === true) return "on";
  if (value === false) return "off";
  if (typeof value === "string") return value === "" ? "\u201c\u201d" : value;
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  return json(value);
}

function json(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${json(each)}`).join(", ")}}`;
}

// In full, over several lines where it has them, as the confirmation shows it.
export function full(value) {
  return value !== null && typeof value === "object" ? JSON.stringify(value, null, 2) : brief(value);
}

// What to put into the editor.
export const editable = (value) => (typeof value === "string" ? value : full(value));

export const isSame = (one, other) => json(one) === json(other);

// The value that a text stands for in an editor for this type; throws an Error that says what is wrong with it.
export function parsed(text, type) {
  if (type === "string") return text;
  if (type === "number") {
    const number = Number(text.trim().replace(",", "."));
    if (text.trim() === "" || !Number.isFinite(number)) throw new Error("Expected a number, such as 12 or 0.5.");
    return number;
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Expected JSON: ${error.message}`);
  }
}
