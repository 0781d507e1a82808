// Uploads a file dropped on the page or chosen: the raw bytes by PUT, with bytes, speed and time left in words.
import { bytes, duration } from "./words.js";
import { onContent, within } from "./swaps.js";

const SPEED_WINDOW_MS = 3000;

class Upload {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.drop = form.querySelector("[data-drop]");
    this.state = form.querySelector("[data-upload-state]");
    this.part = (name) => form.querySelector(`[data-upload-${name}]`);
    this.part("submit")?.setAttribute("hidden", "");
    this.input.addEventListener("change", () => this.take(this.input.files[0]));
    this.part("cancel").addEventListener("click", () => {
      this.cancel();
      this.input.focus();
    });
    this.part("retry").addEventListener("click", () => this.take(this.file));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.take(this.input.files[0]);
    });
  }

  take(file) {
    if (!file || this.request) return;
    this.file = file;
    this.show({ error: "", busy: true });
    this.part("name").textContent = file.name;
    const limit = Number(this.form.dataset.limit || Infinity);
    if (file.size === 0) return this.fail(`${file.name} is empty.`);
    if (file.size > limit) return this.fail(`${file.name} has ${bytes(file.size)}; this server takes ${bytes(limit)}.`);
    this.send(file);
  }

  send(file) {
    const address = new URL(this.form.dataset.url, location.href);
    address.searchParams.set("name", file.name);
    address.searchParams.set("size", String(file.size));
    const request = new XMLHttpRequest();
    this.request = request;
    this.samples = [[performance.now(), 0]];
    this.draw(0, file.size);
    request.upload.addEventListener("progress", (event) => this.draw(event.loaded, file.size));
    request.addEventListener("load", () => this.answered(request));
    request.addEventListener("error", () => this.broke(file));
    request.open("PUT", address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRF-Token", this.form.querySelector("[name=csrf]").value);
    request.send(file);
  }

  draw(loaded, total) {
    this.loaded = loaded;
    const now = performance.now();
    this.samples.push([now, loaded]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_WINDOW_MS) this.samples.shift();
    const [since, before] = this.samples[0];
    const speed = now > since ? ((loaded - before) / (now - since)) * 1000 : 0;
    const bar = this.part("bar");
    bar.max = total;
    bar.value = loaded;
    this.part("bytes").textContent = `${bytes(loaded)} of ${bytes(total)}`;
    this.part("speed").textContent = speed > 0 ? `${bytes(speed)}/s` : "";
    const left = this.part("left");
    if (loaded >= total) left.textContent = "stored, waiting for the answer";
    else left.textContent = speed > 0 ? `${duration((total - loaded) / speed)} left` : "";
  }

  answered(request) {
    const answer = parse(request.responseText);
    this.request = null;
    if (request.status >= 200 && request.status < 300 && answer.location) {
      location.assign(new URL(answer.location, location.href));
      return;
    }
    this.fail(answer.detail || answer.title || `Refused: the server answered ${request.status}.`);
  }

  broke(file) {
    const far = this.loaded > 0 ? ` after ${bytes(this.loaded)} of ${bytes(file.size)}` : "";
    this.fail(`The connection broke${far}. Nothing was kept.`);
  }

  cancel() {
    const request = this.request;
    this.request = null;
    request?.abort();
    this.input.value = "";
    this.show({ error: "", busy: false });
  }

  fail(message) {
    this.request = null;
    this.show({ error: message, busy: false });
    this.part("retry").hidden = false;
  }

  show({ error, busy }) {
    this.state.hidden = !busy && !error;
    this.part("error").hidden = !error;
    this.part("message").textContent = error;
    this.part("running").hidden = !busy;
    this.part("cancel").hidden = !busy;
    this.part("retry").hidden = true;
    this.drop.classList.toggle("drop--busy", busy);
    this.form.setAttribute("aria-busy", String(busy));
  }
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

const uploads = new Map();

onContent((root) => {
  for (const form of within(root, "form[data-upload]")) {
    if (!uploads.has(form)) uploads.set(form, new Upload(form));
  }
});

// The back button may bring the page back with a bar that has long ended.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) uploads.forEach((upload) => upload.cancel());
});

/** The one upload form of the page that is still there: a file may be dropped anywhere on it. */
function target() {
  return [...uploads.values()].find((upload) => upload.form.isConnected);
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

document.addEventListener("dragover", (event) => {
  const upload = target();
  if (!upload || !carriesFiles(event)) return;
  event.preventDefault();
  upload.drop.classList.add("drop--over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) target()?.drop.classList.remove("drop--over");
});
document.addEventListener("drop", (event) => {
  const upload = target();
  if (!upload || !carriesFiles(event)) return;
  event.preventDefault();
  upload.drop.classList.remove("drop--over");
  upload.take(event.dataTransfer.files[0]);
});
