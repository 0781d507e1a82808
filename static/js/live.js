// One event stream for all tabs: a nudge names a topic, and every panel with that data-topic fetches itself anew.
import { onContent } from "./swaps.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
const NUDGE_GAP_MS = 200;
const GATHER_MS = 50;
const NAME = "luthier-live";

// A browser has six connections for a host: the visible tabs share one stream. The tab that has the lock holds it, for the
// topics of all, and passes every nudge on; when it is hidden, closed or killed, the lock goes to another.
const tabs = new BroadcastChannel(NAME);
const me = `${Date.now()}-${Math.random()}`;
const others = new Map();

let mine = [];
let asked = null; // our place in the queue for the lock
let release = null; // gives the lock back
let source = null;
let covered = new Set();
let state = "";
let wait = FIRST_WAIT_MS;
let retry = 0;
const lastNudge = new Map();
const pendingNudge = new Map();
const stale = new Set();

const tell = (message) => tabs.postMessage({ from: me, ...message });
const isLive = () => source?.readyState === EventSource.OPEN;

const topicsOnPage = () =>
  [...new Set([...document.querySelectorAll("[data-topic]")].map((element) => element.dataset.topic).filter(Boolean))].sort();

/** Say what this tab wants to hear of, and be ready to hold the stream; a hidden tab wants nothing. */
function attend() {
  const onPage = topicsOnPage();
  const wanted = document.hidden ? [] : onPage;
  const isNew = wanted.join("\n") !== mine.join("\n");
  mine = wanted;
  if (isNew) tell({ topics: mine });
  if (mine.length === 0) {
    leave();
    show(onPage.length === 0 ? "" : "paused");
  } else if (release) {
    if (isNew) soon();
  } else {
    queueUp();
  }
  if (mine.length > 0 && state) show(state);
}

function queueUp() {
  if (asked) return;
  const place = new AbortController();
  asked = place;
  const lead = () =>
    new Promise((done) => {
      if (asked !== place) return done();
      release = done;
      others.clear();
      tell({ who: true });
      soon();
    });
  navigator.locks.request(NAME, { signal: place.signal }, lead).catch(() => {});
}

function leave() {
  asked?.abort();
  asked = null;
  clearTimeout(retry);
  close();
  release?.();
  release = null;
}

function close() {
  source?.close();
  source = null;
  covered = new Set();
}

tabs.addEventListener("message", ({ data }) => {
  if (data.to && data.to !== me) return;
  if (data.who && mine.length > 0) tell({ topics: mine });
  if (mine.includes(data.nudge)) receive(data.nudge);
  if (mine.length > 0 && data.state) show(data.state);
  if (data.ended) mine.forEach(receive);
  if (data.topics && release) welcome(data.from, data.topics);
});

/** A tab has come, or wants something else: what is heard already it looks at once, for the rest there is a new stream. */
function welcome(tab, topics) {
  if (topics.length > 0) others.set(tab, topics);
  else others.delete(tab);
  if (isLive()) {
    for (const topic of topics) if (covered.has(topic)) tell({ to: tab, nudge: topic });
  }
  tell({ to: tab, state });
  soon();
}

/** Tabs come in bursts, and say what they want one after the other. */
function soon() {
  clearTimeout(retry);
  retry = setTimeout(connect, GATHER_MS);
}

function connect() {
  const topics = [...new Set([mine, ...others.values()].flat())].sort();
  if (source && source.readyState !== EventSource.CLOSED && topics.every((topic) => covered.has(topic))) return;
  const address = new URL(document.body.dataset.stream ?? "/live", location.href);
  for (const topic of topics) address.searchParams.append("topic", topic);
  // The old stream is closed when the new one speaks: nothing is missed between them.
  const old = source;
  const known = isLive() ? covered : new Set();
  const greeted = new Set();
  const opened = new EventSource(address);
  source = opened;
  covered = new Set(topics);
  if (wait > FIRST_WAIT_MS) proclaim("reconnecting");
  opened.addEventListener("open", () => {
    wait = FIRST_WAIT_MS;
    proclaim("live");
    setTimeout(() => old?.close(), FIRST_WAIT_MS);
  });
  opened.addEventListener("nudge", ({ data: topic }) => {
    old?.close();
    // A stream begins with a nudge for every topic; who listened until now has seen all of it.
    const isGreeting = !greeted.has(topic) && known.has(topic);
    greeted.add(topic);
    if (isGreeting) return;
    tell({ nudge: topic });
    if (mine.includes(topic)) receive(topic);
  });
  // Rights have changed: each panel asks whether it is still for this person.
  opened.addEventListener("ended", () => {
    tell({ ended: true });
    mine.forEach(receive);
  });
  opened.addEventListener("error", () => {
    old?.close();
    opened.close();
    if (source !== opened) return;
    close();
    proclaim("reconnecting");
    retry = setTimeout(connect, wait * (0.8 + 0.4 * Math.random()));
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  });
}

/** The holder's stream is everybody's. */
function proclaim(words) {
  tell({ state: words });
  show(words);
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

// What a panel shows is gone, or no longer for this person: nothing of the page may stay on the screen.
document.addEventListener("htmx:responseError", (event) => {
  const { elt, xhr } = event.detail;
  const ended = document.getElementById("ended");
  if (!ended || xhr.status !== 404 || !elt.closest?.("[data-topic][hx-get]")) return;
  mine = [];
  tell({ topics: [] });
  leave();
  document.title = ended.dataset.title;
  document.body.className = "";
  document.body.replaceChildren(ended.content.cloneNode(true));
  document.querySelector("h1").focus();
});

/** What the page says about itself; a page on which nothing can change any more says nothing. */
function show(words) {
  state = words;
  const isFollowed = document.querySelector("main [data-topic][hx-get]") !== null;
  for (const element of document.querySelectorAll("[data-live]")) {
    element.hidden = words === "" || !isFollowed;
    element.dataset.state = words;
    element.textContent = { live: "Live", reconnecting: "Reconnecting", paused: "Paused" }[words] ?? "";
  }
}

document.addEventListener("visibilitychange", () => {
  wait = FIRST_WAIT_MS;
  attend();
});
// Who signs out wants no last answers.
document.addEventListener("submit", (event) => {
  if (event.target.id !== "sign-out") return;
  mine = [];
  leave();
});
window.addEventListener("pagehide", () => {
  mine = [];
  tell({ topics: [] });
  leave();
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) attend();
});
onContent(attend);
