// Sends one file by the tus protocol, and goes on where it broke for as long as the server keeps what has arrived.

const CHUNK_BYTES = 64 * 2 ** 20; // behind a proxy that collects whole requests, no more than this is sent twice
const DELAYS = Array.from({ length: 5000 }, (_, n) => Math.min(500 * 2 ** n, 15_000)); // for most of a day
const SILENT_MS = 45_000; // a line that died says nothing
const PASSING = new Set([408, 409, 423, 425, 429]);
const FULL = 507;

/** True for an answer, or none, after which the same request may do better. */
const mayPass = (status) => status === 0 || PASSING.has(status) || (status >= 500 && status !== FULL);

export class Transfer {
  /** `to`: where an upload is begun; `url`: the one to go on with, if any; `on`: progress, waiting, done, failed. */
  constructor(file, { to, url, token, on }) {
    this.file = file;
    this.on = on;
    this.headers = { "X-CSRF-Token": token, Accept: "application/json" };
    this.upload = new window.tus.Upload(file, {
      endpoint: url ? null : new URL(to, location.href).href,
      uploadUrl: url ? new URL(url, location.href).href : null,
      chunkSize: CHUNK_BYTES,
      retryDelays: DELAYS,
      storeFingerprintForResuming: false, // the server keeps the list, for every browser of this person
      headers: this.headers,
      metadata: { filename: file.name, modified: String(file.lastModified) },
      // From here on an answer that is none, like a proxy's 502, must not begin another upload.
      onUploadUrlAvailable: () => (this.upload.options.endpoint = null),
      onProgress: (sent, total) => this.heard(sent, total),
      onShouldRetry: (error) => this.mayGoOn(error.originalResponse?.getStatus() ?? 0),
      onSuccess: () => this.complete(),
      onError: (error) => this.fail(error.originalResponse?.getBody(), error.originalResponse?.getStatus()),
    });
    this.hurry = () => this.isWaiting && this.again();
  }

  start() {
    this.isOver = false;
    window.addEventListener("online", this.hurry);
    window.addEventListener("beforeunload", askBeforeLeaving);
    this.watch = setInterval(() => performance.now() - this.heardAt > SILENT_MS && this.again(), 5000);
    this.again();
  }

  /** Stop, and have the server forget what has arrived. */
  remove() {
    this.end();
    this.upload.abort(true).catch(() => {}); // it goes by itself after a day
  }

  again() {
    this.heardAt = performance.now();
    clearTimeout(this.timer);
    if (this.isSent) return this.complete();
    this.upload.abort();
    this.upload.start();
  }

  heard(sent, total) {
    this.heardAt = performance.now();
    this.wait(false);
    this.on.progress(sent, total);
  }

  mayGoOn(status) {
    if (this.isOver || !mayPass(status)) return false;
    this.wait(true, status);
    if (status === 0) this.read();
    return true;
  }

  /** A browser says of a file that was changed or taken away what it says of a broken line. */
  read() {
    this.file
      .slice(0, 1)
      .arrayBuffer()
      .catch(() => {
        this.upload.abort();
        if (!this.isOver) this.fail(JSON.stringify({ detail: `${this.file.name} was changed or moved since it was chosen. Choose it again.` }));
      });
  }

  wait(isWaiting, status = 0) {
    if (isWaiting) this.heardAt = performance.now();
    if (Boolean(this.isWaiting) !== isWaiting) this.on.waiting(isWaiting, status === 0 || status >= 500);
    this.isWaiting = isWaiting;
  }

  /** All bytes are there: have them made a dataset. The server makes one, however often it is asked. */
  async complete(attempt = 0) {
    this.isSent = true;
    this.heardAt = Infinity; // it may read all of them once more
    const answer = await fetch(`${this.upload.url}/complete`, { method: "POST", headers: this.headers }).catch(() => null);
    if (this.isOver) return;
    const text = (await answer?.text().catch(() => "")) ?? "";
    if (answer?.ok) {
      this.end();
      this.on.done(new URL(JSON.parse(text).location, location.href));
    } else if (mayPass(answer?.status ?? 0)) {
      this.wait(true, answer?.status);
      this.timer = setTimeout(() => this.complete(attempt + 1), DELAYS[attempt] ?? DELAYS.at(-1));
    } else {
      this.fail(text, answer.status);
    }
  }

  fail(body, status) {
    this.end();
    this.on.failed(detail(body) || `Refused: the server answered ${status ?? "nothing"}.`, status);
  }

  end() {
    this.isOver = true;
    this.isWaiting = false;
    clearInterval(this.watch);
    clearTimeout(this.timer);
    window.removeEventListener("online", this.hurry);
    window.removeEventListener("beforeunload", askBeforeLeaving);
  }
}

function askBeforeLeaving(event) {
  event.preventDefault();
}

function detail(text) {
  try {
    const said = JSON.parse(text);
    return said.errors?.[0]?.message ?? said.detail;
  } catch {
    return "";
  }
}
