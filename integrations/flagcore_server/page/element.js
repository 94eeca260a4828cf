// Making elements. Text goes in as text, never as markup: a flag's name and value are other people's words.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(attribute, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(attribute, value);
  }
  made.append(...children.filter((each) => each !== null));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function pencil() {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", "M10.8 2.7l2.5 2.5-7.6 7.6-3.2.7.7-3.200z");
  for (const [name, value] of Object.entries({ fill: "none", stroke: "currentColor", "stroke-width": "1.4", "stroke-linejoin": "round" })) {
    line.setAttribute(name, value);
  }
  drawing.append(line);
  return drawing;
}
