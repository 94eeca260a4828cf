// Who reads flags from here, live.

import { byId, element } from "./element.js";
import { moment } from "./moment.js";

const PROTOCOLS = { native: "flagcore", foff: "Foff", soasap: "SOASAP", ofrep: "OFREP" };

export function showClients(clients) {
  byId("clients").replaceChildren(...clients.map(client));
  byId("clients-count").textContent = clients.length || "";
  byId("clients-empty").hidden = clients.length > 0;
}

function client(each) {
  const when = element("p", { class: "when" });
  if (each.mode === "stream") when.append(element("span", { class: "open" }, "connected"), " ", moment(each.since));
  else when.append(`${each.requests === 1 ? "1 request" : `${each.requests} requests`}, last `, moment(each.seen));
  if (each.address) when.append(` \u00b7 ${each.address}`);
  return element(
    "li",
    { class: "client" },
    element(
      "div",
      { class: "who" },
      element("span", { class: "agent", title: each.agent }, each.agent || "Unnamed client"),
      element("span", { class: "protocol" }, PROTOCOLS[each.protocol]),
    ),
    when,
  );
}
