// Talking to the server: the token, one request, and the stream of what changes.

import { byId } from "./element.js";

const TOKEN = "flagcore-admin-token";
// After a lost connection: soon once, then patiently. Milliseconds.
const RETRY_MS = [500, 1000, 2000, 5000];
// The server says something at least every 12 s; a stream silent for longer is dead.
const SILENCE_MS = 30000;

let asking = null;

// Ask for the token, once for everyone who needs it at the same time.
function askForToken(isWrong) {
  asking ??= new Promise((resolve) => {
    const dialog = byId("token");
    const input = byId("token-input");
    byId("token-error").hidden = !isWrong;
    input.value = "";
    dialog.oncancel = (event) => event.preventDefault();
    dialog.onclose = () => {
      sessionStorage.setItem(TOKEN, input.value.trim());
      input.value = "";
      asking = null;
      resolve();
    };
    dialog.showModal();
    input.focus();
  });
  return asking;
}

// As fetch, with the token; asks for it while the server wants another.
async function authorized(path, options = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const headers = { ...options.headers, ...(token ? { Authorization: `Bearer ${encodeURIComponentIfNeeded(token)}` } : {}) };
    const answer = await fetch(path, { ...options, headers, cache: "no-store" });
    if (answer.status !== 401) return answer;
    await askForToken(token !== null);
  }
}

// A header holds Latin-1; a token beyond it cannot be the right one, and must not break the request.
const encodeURIComponentIfNeeded = (text) => (/^[\x20-\xff]*$/.test(text) ? text : encodeURIComponent(text));

export class Refused extends Error {
  constructor(status, facts) {
    super(facts.error ?? `The server answered with status ${status}.`);
    this.status = status;
    this.facts = facts;
  }
}

async function refusal(answer) {
  return new Refused(answer.status, await answer.json().catch(() => ({})));
}

export async function putValue(flag, value, changeType) {
  const answer = await authorized(`api/v1/flags/${encodeURIComponent(flag.key)}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json", "If-Match": `"${flag.version}"` },
    body: JSON.stringify(changeType ? { value, change_type: true } : { value }),
  });
  if (!answer.ok) throw await refusal(answer);
  return (await answer.json()).flag;
}

// What every flag gives a context, and why: {flags: {key: answer}, left_out}. `context` is JSON text.
export async function tryContext(context) {
  const answer = await authorized("api/v1/admin/try", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: `{"context": ${context}}`,
  });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

// Follow the server for as long as the page is open. `on` has: flags(state), clients(list), live(), lost(error).
export async function follow(on) {
  for (let failures = 0; ; failures += 1) {
    try {
      const answer = await authorized("api/v1/admin/events");
      if (!answer.ok) throw await refusal(answer);
      on.live();
      await receive(answer.body, (type, data) => {
        failures = 0;
        on[type]?.(JSON.parse(data));
      });
      on.lost(null);
    } catch (error) {
      on.lost(error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS[Math.min(failures, RETRY_MS.length - 1)]));
  }
}

// EventSource cannot send a token, so the stream is taken apart here. The server's events are `event` and one `data`.
async function receive(body, dispatch) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let timer;
    const silence = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("The server went silent.")), SILENCE_MS);
    });
    const { value, done } = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop();
    for (const each of events) {
      const fields = new Map(each.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      if (fields.has("data")) dispatch(fields.get("event"), fields.get("data"));
    }
  }
}
