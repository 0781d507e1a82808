// Shows stored UTC times in the reader's own zone. <time datetime="…" data-when="time|date|">.
import { onContent, within } from "./swaps.js";

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const exactClock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

function daysAgo(moment) {
  const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
  return Math.round((midnight(new Date()) - midnight(moment)) / 86_400_000);
}

function words(moment, form) {
  const ago = daysAgo(moment);
  const date = moment.getFullYear() === new Date().getFullYear() ? day.format(moment) : dayAndYear.format(moment);
  if (form === "time") return ago === 0 ? exactClock.format(moment) : `${date} ${clock.format(moment)}`;
  if (form === "date") return ago === 0 ? "today" : ago === 1 ? "yesterday" : date;
  if (form === "sentence") {
    if (ago === 0) return `today at ${clock.format(moment)}`;
    return ago === 1 ? `yesterday at ${clock.format(moment)}` : `on ${date} at ${clock.format(moment)}`;
  }
  if (ago === 0) return clock.format(moment);
  return ago === 1 ? "yesterday" : date;
}

onContent((root) => {
  for (const element of within(root, "time[data-when]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.textContent = words(moment, element.dataset.when);
    element.title = full.format(moment);
  }
});
