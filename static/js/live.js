// One event stream per tab: a nudge names a topic, and every panel with that data-topic fetches itself anew.
import { onContent } from "./swaps.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const NUDGE_GAP_MS = 200;

let source = null;
let openTopics = "";
let wait = FIRST_WAIT_MS;
let retry = 0;
const lastNudge = new Map();
const pendingNudge = new Map();
const stale = new Set();

const topicsOnPage = () =>
  [...new Set([...document.querySelectorAll("[data-topic]")].map((element) => element.dataset.topic).filter(Boolean))].sort();

function connect() {
  clearTimeout(retry);
  const topics = topicsOnPage();
  if (document.hidden || topics.length === 0) {
    close();
    show(topics.length === 0 ? "" : "paused");
    return;
  }
  const wanted = topics.join("\n");
  if (source && wanted === openTopics && source.readyState !== EventSource.CLOSED) return;
  close();
  const address = new URL(document.body.dataset.stream ?? "/live", location.href);
  for (const topic of topics) address.searchParams.append("topic", topic);
  openTopics = wanted;
  const opened = new EventSource(address);
  source = opened;
  if (wait > FIRST_WAIT_MS) show("reconnecting");
  opened.addEventListener("open", () => {
    wait = FIRST_WAIT_MS;
    show("live");
  });
  opened.addEventListener("nudge", (event) => receive(event.data));
  opened.addEventListener("error", () => {
    if (source !== opened) return;
    close();
    show("reconnecting");
    retry = setTimeout(connect, wait * (0.8 + 0.4 * Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  });
}

function close() {
  source?.close();
  source = null;
  openTopics = "";
}

/** At most one refetch a topic in each gap; the last nudge of a burst is never lost. */
function receive(topic) {
  const since = performance.now() - (lastNudge.get(topic) ?? -Infinity);
  if (since >= NUDGE_GAP_MS) {
    nudge(topic);
  } else if (!pendingNudge.has(topic)) {
    pendingNudge.set(
      topic,
      setTimeout(() => nudge(topic), NUDGE_GAP_MS - since),
    );
  }
}

function nudge(topic) {
  clearTimeout(pendingNudge.get(topic));
  pendingNudge.delete(topic);
  lastNudge.set(topic, performance.now());
  refetch(topic);
  document.dispatchEvent(new CustomEvent("luthier:nudge", { detail: topic }));
}

/** A panel that is being fetched is swapped away, and with it whatever htmx would queue on it: it is asked once more. */
function refetch(topic) {
  for (const panel of document.querySelectorAll("[data-topic][hx-get]")) {
    if (panel.dataset.topic !== topic) continue;
    if (panel.classList.contains("htmx-request")) stale.add(panel);
    else window.htmx.trigger(panel, "changed");
  }
}

// Each panel for itself: panels of one topic that wake each other would fetch for ever.
document.addEventListener("htmx:afterRequest", (event) => {
  const asked = event.detail.requestConfig.elt;
  if (!stale.delete(asked)) return;
  const panel = asked.isConnected ? asked : document.getElementById(asked.id);
  if (panel) window.htmx.trigger(panel, "changed");
});

function show(state) {
  for (const element of document.querySelectorAll("[data-live]")) {
    element.hidden = state === "";
    element.dataset.state = state;
    element.textContent = { live: "Live", reconnecting: "Reconnecting", paused: "Paused" }[state] ?? "";
  }
}

document.addEventListener("visibilitychange", () => {
  wait = FIRST_WAIT_MS;
  connect();
});
window.addEventListener("pagehide", close);
window.addEventListener("pageshow", (event) => {
  if (event.persisted) connect();
});
onContent(connect);
