// Asks several models the same in one request and shows each answer in its column as it arrives.
import { events, refusal, span } from "./streamed.js";
import { onContent, within } from "./swaps.js";

const SETTINGS = ["system", "temperature", "top_p", "max_tokens", "seed", "tools", "response_format"];
const MAY_ASK_AGAIN = ["failed", "cut", "none"];

// Laying out a long text takes long: six in one frame are seen as a stutter, also at their common end.
// So one is drawn in each frame, in turn, and a longer one less often while it grows.
const CHARACTERS_A_MS = 100;
const waiting = new Set();
let frame = 0;

function drawInTurn(answer) {
  waiting.add(answer);
  frame ||= requestAnimationFrame(drawNext);
}

function drawNext(now) {
  const next = [...waiting].find((one) => one.kept || now >= one.drawnAt + one.text.length / CHARACTERS_A_MS);
  if (next) {
    waiting.delete(next);
    next.drawnAt = now;
    next.draw();
  }
  frame = waiting.size > 0 ? requestAnimationFrame(drawNext) : 0;
}

/** One model's answer: text is only ever set as text. */
class Answer {
  constructor(article) {
    this.article = article;
    this.words = article.querySelector("[data-answer-text]");
    this.calls = article.querySelector("[data-answer-calls]");
    this.foot = article.querySelector("[data-answer-foot]");
    this.error = article.querySelector("[data-answer-error]");
    this.again = article.querySelector("[data-answer-again]");
    this.stop = article.querySelector("[data-answer-stop]");
    this.save = article.querySelector("[data-answer-save]");
    this.chances = article.querySelector("[data-answer-chances]");
  }

  begin() {
    this.text = "";
    this.pieces = 0;
    this.called = [];
    this.drawnAt = 0;
    this.words.textContent = "";
    this.calls.replaceChildren();
    this.showChances([]);
    this.foot.replaceChildren();
    this.fail("");
    this.again.hidden = this.save.hidden = true;
    this.stop.hidden = this.stop.disabled = false;
    this.caret = document.createElement("span");
    this.caret.className = "caret";
    this.caret.setAttribute("aria-hidden", "true");
    this.words.after(this.caret);
    this.article.setAttribute("aria-busy", "true");
    this.kept = null;
    this.isOpen = true;
    this.began = performance.now();
  }

  take(piece) {
    this.firstAfter ??= (performance.now() - this.began) / 1000;
    if (piece.text) {
      this.pieces += 1;
      this.text += piece.text;
    }
    for (const call of piece.calls ?? []) {
      const known = (this.called[call.index] ??= { name: "", arguments: "" });
      known.name += call.name;
      known.arguments += call.arguments;
    }
    drawInTurn(this);
  }

  /** What has come so far. */
  draw() {
    if (this.kept) return this.finish(this.kept);
    this.words.textContent = this.text;
    if (this.called.length > 0) this.showCalls(Object.values(this.called));
    this.foot.replaceChildren(
      span(`first token ${this.firstAfter.toFixed(2)} s`),
      span(`${this.pieces} ${this.pieces === 1 ? "piece" : "pieces"} so far`),
    );
  }

  showCalls(calls) {
    this.calls.replaceChildren(...calls.map((call) => {
      const line = document.createElement("p");
      line.className = "call";
      const name = document.createElement("b");
      name.textContent = call.name;
      line.append(name, `(${call.arguments})`);
      return line;
    }));
  }

  /** Each token shaded by how sure the model was of it; the list says it in words. */
  showChances(chances) {
    this.chances.hidden = chances.length === 0;
    this.chances.querySelector("[data-chances]").replaceChildren(...chances.map(([text, step, words]) => {
      const token = span(text);
      token.className = `chance chance--${step}`;
      token.title = words;
      return token;
    }));
    this.chances.querySelector("[data-chance-list]").replaceChildren(...chances.map(([, , words]) => {
      const line = document.createElement("li");
      line.textContent = words;
      return line;
    }));
  }

  fail(words) {
    this.error.hidden = !words;
    this.error.querySelector("[data-answer-message]").textContent = words;
  }

  /** It ended, and this is what was kept of it. */
  end(kept) {
    this.isOpen = false;
    this.kept = kept;
    drawInTurn(this);
  }

  finish(kept) {
    this.stop.hidden = true;
    this.caret.remove();
    this.article.setAttribute("aria-busy", "false");
    this.article.dataset.state = kept.state;
    if (this.words.textContent !== kept.text) this.words.textContent = kept.text;
    this.showCalls(kept.calls);
    this.showChances(kept.chances ?? []);
    this.fail(kept.error ?? "");
    this.foot.replaceChildren(...kept.facts.map(span));
    this.again.hidden = !MAY_ASK_AGAIN.includes(kept.state);
    this.save.hidden = !kept.text && kept.calls.length === 0;
  }

  /** Nothing more will be heard; the server keeps what it had. */
  breakOff(words) {
    if (this.isOpen) this.end({ state: "cut", text: this.text, calls: Object.values(this.called), facts: [words] });
  }
}

class Playground {
  constructor(form) {
    this.form = form;
    this.log = document.getElementById("asked");
    this.text = form.querySelector("textarea[name=text]");
    this.sender = form.querySelector("[type=submit]");
    this.stop = form.querySelector("[data-ask-stop]");
    this.editing = form.querySelector("[data-editing]");
    this.sender.disabled = false; // until now nobody would have heard it
    this.columns = [...document.querySelectorAll("template[data-asked-answer]")];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.ask();
    });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
    });
    this.stop.addEventListener("click", () => {
      this.stopped = true;
      this.stopper.abort();
    });
    form.querySelector("[data-editing-off]").addEventListener("click", () => this.edit(null));
    document.addEventListener("click", (event) => {
      const taken = event.target.closest("[data-take-prompt]");
      if (!taken || !form.isConnected) return;
      this.field("system").value = taken.dataset.takePrompt;
      this.field("system").dispatchEvent(new Event("input", { bubbles: true }));
    });
    this.log.addEventListener("click", (event) => {
      const turn = event.target.closest("[data-turn]");
      const again = event.target.closest("[data-answer-again]");
      const stop = event.target.closest("[data-answer-stop]");
      if (stop) this.stopOne(turn, stop);
      if (again) this.again(turn, again.closest("[data-answer]"));
      if (event.target.closest("[data-edit]")) this.edit(turn);
    });
  }

  ask() {
    const text = this.text.value.trim();
    if (!text || this.columns.length === 0) return;
    const question = { text, columns: this.columns.map(column), settings: this.settings(), stream: true };
    if (this.number) question.number = this.number;
    this.stream(this.form.dataset.askUrl, question, (head) => {
      this.follow(head);
      this.text.value = "";
      this.edit(null);
      return this.addTurn(head.number, text);
    });
  }

  again(turn, article) {
    const place = Number(article.dataset.place);
    const wanted = { number: Number(turn.dataset.turn), place, stream: true };
    this.stream(this.form.dataset.againUrl, wanted, () => {
      const answer = new Answer(article);
      answer.begin();
      return new Map([[place, answer]]);
    });
  }

  /** The server hears it and ends this column within a second or so; the others go on. */
  async stopOne(turn, button) {
    button.disabled = true;
    const place = Number(button.closest("[data-answer]").dataset.place);
    try {
      const response = await this.send(this.form.dataset.stopUrl, { number: Number(turn.dataset.turn), place });
      if (!response.ok) this.explain(await refusalOf(response));
    } catch {
      this.explain({ message: "The connection broke: it was not stopped." });
      button.disabled = false;
    }
  }

  send(url, body, signal) {
    return fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "text/event-stream, application/json",
        "X-CSRF-Token": this.form.querySelector("[name=csrf]").value,
      },
      body: JSON.stringify(body),
      signal,
    });
  }

  /** One request for all columns; `begin` makes the answers once the server has taken the question. */
  async stream(url, body, begin) {
    if (this.asking) return;
    this.busy(true);
    this.explain(null);
    let answers = new Map();
    try {
      const response = await this.send(url, body, this.stopper.signal);
      if (!response.ok) {
        this.explain(await refusalOf(response));
        return;
      }
      for await (const data of events(response.body)) {
        if (data === "[DONE]") break;
        const piece = JSON.parse(data);
        const answer = answers.get(piece.place);
        if (piece.number !== undefined) answers = begin(piece);
        else if (piece.answer) answer?.end(piece.answer);
        else answer?.take(piece);
      }
    } catch {
      if (answers.size === 0 && !this.stopped) this.explain({ message: "The connection broke." });
    } finally {
      const words = this.stopped ? "stopped" : "the connection broke; what came is kept";
      for (const answer of answers.values()) answer.breakOff(words);
      this.busy(false);
    }
  }

  busy(is) {
    this.asking = is;
    this.stop.hidden = !is;
    if (is) {
      this.stopper = new AbortController();
      this.stopped = false;
      this.sender.setAttribute("aria-disabled", "true");
    } else {
      this.sender.removeAttribute("aria-disabled");
      this.text.focus({ preventScroll: true });
    }
  }

  /** The conversation has an address now: the page, its forms and links go on with it. */
  follow(head) {
    Object.assign(this.form.dataset, {
      askUrl: head.ask_url,
      againUrl: head.again_url,
      stopUrl: head.stop_url,
      saveUrl: head.save_url,
    });
    history.replaceState(history.state, "", head.url);
    for (const one of document.querySelectorAll("[data-of-here]")) {
      if (one.tagName === "A") one.pathname = head.url;
      else one.action = head.url;
    }
    this.form.querySelector("[data-kept]").hidden = false;
  }

  addTurn(number, text) {
    for (const old of this.log.querySelectorAll("[data-turn]"))
      if (Number(old.dataset.turn) >= number) old.remove();
    const turn = document.getElementById("asked-turn").content.cloneNode(true).firstElementChild;
    turn.dataset.turn = number;
    turn.querySelector("[data-ask-text]").textContent = text;
    const answers = this.columns.map((template, place) => {
      const article = template.content.cloneNode(true).querySelector("[data-answer]");
      turn.querySelector(".abreast").append(article);
      const answer = new Answer(article);
      answer.begin();
      answer.save.href = `${this.form.dataset.saveUrl}?number=${number}&place=${place}`;
      return [place, answer];
    });
    this.log.append(turn);
    this.form.scrollIntoView({ block: "nearest" });
    return new Map(answers);
  }

  /** Ask a question anew, or with null: the next one. */
  edit(turn) {
    this.number = turn ? Number(turn.dataset.turn) : null;
    this.editing.hidden = !turn;
    if (!turn) return;
    this.editing.querySelector("[data-editing-number]").textContent = this.number;
    this.text.value = turn.querySelector("[data-ask-text]").textContent;
    this.text.focus();
  }

  settings() {
    const found = {};
    for (const name of SETTINGS) {
      const value = this.field(name).value.trim();
      if (value) found[name] = value;
    }
    if (this.field("logprobs").checked) found.logprobs = true;
    return found;
  }

  field(name) {
    return document.querySelector(`[form="${this.form.id}"][name="${name}"]`);
  }

  /** Say what is wrong with the question, by field; null takes it away. */
  explain(refused) {
    const errors = new Map((refused?.errors ?? []).map((one) => [one.field.split(".")[1], one.message]));
    for (const name of SETTINGS) {
      const place = document.querySelector(`[data-error-for="${name}"]`);
      place.hidden = !errors.has(name);
      place.querySelector("[data-words]").textContent = errors.get(name) ?? "";
      this.field(name).toggleAttribute("aria-invalid", errors.has(name));
      if (errors.has(name)) place.closest("details").open = true;
    }
    const general = this.form.querySelector("[data-ask-error]");
    general.hidden = !refused;
    general.querySelector("[data-words]").textContent = refused?.message ?? "";
  }
}

function column(template) {
  const { connection, model, examplesFrom, examples } = template.dataset;
  const found = { connection_id: Number(connection), model };
  if (examples) Object.assign(found, { examples_from: Number(examplesFrom), examples: Number(examples) });
  return found;
}

async function refusalOf(response) {
  const copy = response.clone();
  const message = await refusal(response);
  try {
    const { errors } = await copy.json();
    const first = errors?.[0];
    return { errors, message: first ? `${first.field}: ${first.message}` : message };
  } catch {
    return { message };
  }
}

// The dialog that the same press opens asks how to save the answer.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-answer-save]");
  if (!link) return;
  event.preventDefault();
  document.getElementById("saving").replaceChildren();
  window.htmx.ajax("GET", link.href, { target: "#saving", swap: "innerHTML" });
});

onContent((root) => within(root, "form[data-playground]").forEach((form) => {
  if (form.dataset.ready) return;
  form.dataset.ready = "true";
  new Playground(form);
}));
