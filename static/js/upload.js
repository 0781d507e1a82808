// Uploads a file dropped on the page or chosen, with bytes, speed and time left in words; goes on with one that broke off.
import { Transfer } from "./transfer.js";
import { bytes, duration } from "./words.js";
import { onContent, within } from "./swaps.js";

const SPEED_WINDOW_MS = 3000;
const LOST = "The connection is lost. The upload waits, and goes on by itself.";
const BUSY = "The server still holds the last attempt. The upload waits, and goes on by itself.";
const BACK = "The upload goes on.";

class Upload {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=file]");
    this.drop = form.querySelector("[data-drop]");
    this.state = form.querySelector("[data-upload-state]");
    this.part = (name) => form.querySelector(`[data-upload-${name}]`);
    this.part("submit")?.setAttribute("hidden", "");
    this.input.addEventListener("change", () => this.take(this.input.files[0]));
    this.input.addEventListener("cancel", () => (this.wanted = null));
    this.part("cancel").addEventListener("click", () => {
      this.cancel();
      this.input.focus();
    });
    this.part("retry").addEventListener("click", () => (this.transfer ? this.go() : this.take(this.file)));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.take(this.input.files[0]);
    });
    this.broken = [...form.parentElement.querySelectorAll("[data-broken-off]")];
    for (const row of this.broken) this.offer(row);
  }

  /** Only who has the file can go on: ask for it. */
  offer(row) {
    const button = row.querySelector("[data-upload-continue]");
    button.hidden = false;
    button.addEventListener("click", () => {
      this.wanted = row;
      this.input.click();
    });
  }

  take(file) {
    if (!file || this.busy) return;
    const wanted = this.wanted;
    this.file = file;
    this.transfer = this.wanted = null;
    this.show({ error: "", busy: true });
    this.part("name").textContent = file.name;
    const limit = Number(this.form.dataset.limit || Infinity);
    if (file.size === 0) return this.fail(`${file.name} is empty.`);
    if (file.size > limit) return this.fail(`${file.name} has ${bytes(file.size)}; this server takes ${bytes(limit)}.`);
    const row = this.broken.find((one) => one.isConnected && isOf(file, one.dataset));
    if (wanted && row !== wanted) return this.fail(`${file.name} is not the file that broke off, or it was changed since. Try again to upload it from its beginning.`);
    this.row = row;
    this.transfer = new Transfer(file, {
      to: this.form.dataset.uploads,
      url: row?.dataset.brokenOff,
      token: this.form.querySelector("[name=csrf]").value,
      on: {
        progress: (sent, total) => this.draw(sent, total),
        waiting: (isWaiting, isLost) => this.wait(isWaiting, isLost),
        done: (where) => location.assign(where),
        failed: (message, status) => this.fail(message, status),
      },
    });
    this.go();
  }

  go() {
    this.show({ error: "", busy: true });
    if (this.row) this.row.hidden = true;
    this.samples = [];
    this.draw(0, this.file.size);
    this.transfer.start();
  }

  draw(sent, total) {
    const now = performance.now();
    if (sent < (this.samples.at(-1)?.[1] ?? 0)) this.samples = []; // it goes on from where the server is
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_WINDOW_MS) this.samples.shift();
    const [since, before] = this.samples[0];
    const speed = now > since ? ((sent - before) / (now - since)) * 1000 : 0;
    const bar = this.part("bar");
    bar.max = total;
    bar.value = sent;
    this.part("bytes").textContent = `${bytes(sent)} of ${bytes(total)}`;
    this.part("speed").textContent = speed > 0 ? `${bytes(speed)}/s` : "";
    const left = this.part("left");
    if (sent >= total) left.textContent = "stored, waiting for the answer";
    else left.textContent = speed > 0 ? `${duration((total - sent) / speed)} left` : "";
  }

  wait(isWaiting, isLost) {
    this.part("said").textContent = isWaiting ? (isLost ? LOST : BUSY) : BACK;
    if (isWaiting) this.part("speed").textContent = this.part("left").textContent = "";
    this.samples = [];
  }

  /** A person gives it up. */
  cancel() {
    this.transfer?.remove();
    this.row?.remove();
    this.reset();
  }

  reset() {
    this.transfer?.end();
    this.transfer = null;
    if (this.row) this.row.hidden = false;
    this.input.value = "";
    this.show({ error: "", busy: false });
  }

  fail(message, status) {
    if (status === 404) this.transfer = null; // what had arrived is gone: the next try begins anew
    if (status === 404) this.row?.remove();
    this.input.value = "";
    this.show({ error: message, busy: false });
    this.part("retry").hidden = false;
  }

  show({ error, busy }) {
    this.busy = busy;
    this.state.hidden = !busy && !error;
    this.part("error").hidden = !error;
    this.part("message").textContent = error;
    this.part("said").textContent = "";
    this.part("running").hidden = !busy;
    this.part("cancel").hidden = !busy;
    this.part("retry").hidden = true;
    this.drop.classList.toggle("drop--busy", busy);
    this.form.setAttribute("aria-busy", String(busy));
  }
}

/** Whether this is the file of which some has arrived: nobody compares gigabytes, the hash is the server's business. */
const isOf = (file, { file: name, size, modified }) =>
  name === file.name && Number(size) === file.size && modified === String(file.lastModified);

const uploads = new Map();

onContent((root) => {
  if (!window.tus) return; // the plain form works without
  for (const form of within(root, "form[data-uploads]")) {
    if (!uploads.has(form)) uploads.set(form, new Upload(form));
  }
});

// The back button may bring the page back with a bar that has long ended.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) uploads.forEach((upload) => upload.reset());
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
