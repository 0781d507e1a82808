// Tells the page when something on it changed its state: "status-changed" on the body, after a [data-status] was redrawn.
import { onContent } from "./swaps.js";

const known = new Map();

onContent(() => {
  let changed = false;
  for (const element of document.querySelectorAll("[data-status][id]")) {
    const before = known.get(element.id);
    changed ||= before !== undefined && before !== element.dataset.status;
    known.set(element.id, element.dataset.status);
  }
  if (changed) window.htmx.trigger(document.body, "status-changed");
});
