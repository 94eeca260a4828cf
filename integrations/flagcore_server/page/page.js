// The page: what the server says, shown; what a person does, handed on.

import { differs, showAnswer } from "./answer.js";
import { follow } from "./api.js";
import { showClients } from "./clients.js";
import { confirmChange } from "./confirm.js";
import { byId, element } from "./element.js";
import { row, searchable } from "./row.js";
import { showSegments } from "./segment.js";
import { offerAttributes, startTrying, tryAgain } from "./try.js";
import { brief } from "./value.js";

const list = byId("flags");
const search = byId("search");

let state = { flags: [], editable: true };
let clients = [];
// {key: { made: its row, from: what it was made from, text: what a search looks through }}
let rows = new Map();
// {key: what it gives the context that is tried}; null while none is.
let answers = null;

const newest = (key) => state.flags.find((each) => each.key === key);

function showFlags(next) {
  const isFirst = rows.size === 0;
  state = next;
  byId("file").textContent = next.name;
  document.title = `${next.name} \u00b7 flagcore`;
  const focused = document.activeElement?.closest?.("[data-flag]")?.dataset.flag;
  const control = document.activeElement?.closest?.("summary") ? "summary" : "button";
  rows = new Map(next.flags.map((flag, number) => [flag.key, kept(flag, number, isFirst)]));
  list.replaceChildren(...next.flags.map((flag) => rows.get(flag.key).made));
  if (focused !== undefined) rows.get(focused)?.made.querySelector(control)?.focus({ preventScroll: true });
  showBanner(next);
  showSegments(next.segments);
  offerAttributes(next.attributes);
  filter();
  tryAgain();
}

// The row there is, if it still says the same; else a new one, which lights up for a moment.
function kept(flag, number, isFirst) {
  const from = JSON.stringify([flag, number, state.editable]);
  const before = rows.get(flag.key);
  if (before?.from === from) return before;
  const made = row(flag, number, state.editable, () => edit(flag.key));
  if (!isFirst && JSON.parse(before?.from ?? "[{}]")[0].version !== flag.version) made.classList.add("changed");
  if (answers) {
    showAnswer(made, flag, answers[flag.key]);
    made.querySelector("details")?.toggleAttribute("open", isOpen(before?.made));
  }
  return { made, from, text: searchable(flag) };
}

const isOpen = (made) => made?.querySelector("details")?.open === true;

// Show what each flag gives; says how many give something else than their own value.
function showAnswers(next) {
  answers = next;
  for (const flag of state.flags) showAnswer(rows.get(flag.key).made, flag, next && next[flag.key]);
  return next ? state.flags.filter(({ key }) => next[key]).filter((flag) => differs(flag, next[flag.key])).length : 0;
}

function edit(key) {
  confirmChange(newest(key), {
    clients,
    newest: () => newest(key),
    onDone: (flag) => {
      byId("announcement").textContent = `${flag.key} is now ${brief(flag.value)}`;
      rows.get(key)?.made.querySelector("button").focus();
    },
  });
}

function showBanner({ error, editable, name }) {
  const banner = byId("banner");
  banner.hidden = !error && editable;
  if (error) {
    const kept = state.flags.length ? " The last good state stays served." : "";
    banner.replaceChildren(element("strong", {}, `${name} is not well-formed.${kept}`), error.message);
  } else if (!editable) {
    banner.replaceChildren(`${name} is TOML: served live, and changed in the file itself.`);
  }
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const { made, text } of rows.values()) {
    made.hidden = !words.every((word) => text.includes(word));
    if (!made.hidden) shown += 1;
  }
  byId("flags-count").textContent = words.length ? `${shown} of ${rows.size}` : rows.size || "";
  list.hidden = shown === 0;
  const empty = byId("flags-empty");
  empty.hidden = shown > 0;
  empty.textContent = rows.size ? `No flag matches \u201c${search.value.trim()}\u201d.` : "There are no flags in the file yet.";
}

function say(status, text) {
  byId("status").dataset.state = status;
  byId("status").textContent = text;
}

search.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
  if (event.key === "Escape" && event.target === search) {
    search.value = "";
    filter();
    search.blur();
  }
});

startTrying(showAnswers);
follow({
  flags: showFlags,
  clients(next) {
    clients = next;
    showClients(next);
  },
  live: () => say("live", "Live"),
  lost(error) {
    say("lost", "Reconnecting");
    if (error?.status) {
      byId("banner").hidden = false;
      byId("banner").replaceChildren(error.message);
    }
  },
});
