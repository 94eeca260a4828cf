// The segments of the file: conditions with a name.

import { anchor, condition } from "./condition.js";
import { byId, element } from "./element.js";

export function showSegments(segments) {
  const named = Object.entries(segments);
  byId("segments").replaceChildren(
    ...named.map(([name, text]) =>
      element("li", { class: "segment", id: anchor("segment", name), tabindex: "-1" }, element("h3", {}, name), condition(String(text))),
    ),
  );
  byId("segments-count").textContent = named.length || "";
  byId("segments-section").hidden = named.length === 0;
}
