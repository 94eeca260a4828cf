// How long ago something was, in words that stay true: they are refreshed while the page is open.

import { element } from "./element.js";

const STEPS = [[60, "second"], [3600, "minute"], [86400, "hour"], [86400 * 30, "day"], [86400 * 365, "month"], [Infinity, "year"]];
const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86400, month: 86400 * 30, year: 86400 * 365 };
const WORDS = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const REFRESH_MS = 5000;

function ago(epochSeconds) {
  const passed = Math.max(0, Date.now() / 1000 - epochSeconds);
  if (passed < 5) return "just now";
  const unit = STEPS.find(([below]) => passed < below)[1];
  return WORDS.format(-Math.floor(passed / SECONDS[unit]), unit);
}

export function moment(epochSeconds) {
  const date = new Date(epochSeconds * 1000);
  const made = element("time", { datetime: date.toISOString(), title: date.toLocaleString(), "data-epoch": epochSeconds });
  made.textContent = ago(epochSeconds);
  return made;
}

export function day(isoDate) {
  const date = new Date(`${isoDate.slice(0, 10)}T00:00:00Z`);
  return date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
}

setInterval(() => {
  for (const each of document.querySelectorAll("time[data-epoch]")) {
    const words = ago(Number(each.dataset.epoch));
    if (each.textContent !== words) each.textContent = words;
  }
}, REFRESH_MS);
