// Shows stored UTC times in the zone the reader chose, else the browser's. <time datetime="…" data-when="time|date|">.
// Loaded without defer in <head>: a time is put into words before it is painted, or lines would break anew under the eyes.
{
  const timeZone = known(document.documentElement.dataset.zone);
  const format = (words) => new Intl.DateTimeFormat("en-GB", { timeZone, ...words });
  const clock = format({ hour: "2-digit", minute: "2-digit" });
  const exactClock = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = format({ day: "numeric", month: "short" });
  const dayAndYear = format({ day: "numeric", month: "short", year: "numeric" });
  const year = format({ year: "numeric" });
  const full = format({ dateStyle: "full", timeStyle: "long" });
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone });

  /** A zone this browser does not know is as good as none. */
  function known(zone) {
    try {
      new Intl.DateTimeFormat("en-GB", { timeZone: zone || undefined });
      return zone || undefined;
    } catch {
      return undefined;
    }
  }

  /** Days between two calendar days of the reader's zone. */
  function daysAgo(moment) {
    const midnight = (at) => Date.parse(parts.format(at));
    return Math.round((midnight(new Date()) - midnight(moment)) / 86_400_000);
  }

  function words(moment, form) {
    const ago = daysAgo(moment);
    const date = year.format(moment) === year.format(new Date()) ? day.format(moment) : dayAndYear.format(moment);
    if (form === "time") return ago === 0 ? exactClock.format(moment) : `${date} ${clock.format(moment)}`;
    if (form === "date") return ago === 0 ? "today" : ago === 1 ? "yesterday" : date;
    if (form === "sentence") {
      if (ago === 0) return `today at ${clock.format(moment)}`;
      return ago === 1 ? `yesterday at ${clock.format(moment)}` : `on ${date} at ${clock.format(moment)}`;
    }
    if (ago === 0) return clock.format(moment);
    return ago === 1 ? "yesterday" : date;
  }

  const dress = (element) => {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    const said = words(moment, element.dataset.when);
    if (element.textContent === said) return;
    element.textContent = said;
    element.title = full.format(moment);
  };

  // The parser may bring a time first and its words later: a time that changed is looked at again.
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      if (target.matches?.("time[data-when]")) dress(target);
      for (const added of addedNodes) {
        if (!(added instanceof Element)) continue;
        if (added.matches("time[data-when]")) dress(added);
        else added.querySelectorAll("time[data-when]").forEach(dress);
      }
    }
  }).observe(document, { childList: true, subtree: true });
}
