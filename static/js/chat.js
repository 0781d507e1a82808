// Asks the tuned model and its base the same question and shows both answers as they arrive.
import { events, refusal, span } from "./streamed.js";
import { duration } from "./words.js";
import { onContent, within } from "./swaps.js";

class Answer {
  constructor(chat, side, asked) {
    this.chat = chat;
    this.side = side;
    this.stopper = new AbortController();
    this.started = performance.now();
    this.tokens = 0;
    this.text = "";
    this.build();
    this.done = this.read(asked);
  }

  build() {
    const copy = this.chat.template("answer");
    this.article = copy.querySelector("article");
    this.article.classList.add(`versus__${this.side.letter}`);
    this.article.setAttribute("aria-label", this.side.name);
    this.words = copy.querySelector("[data-answer-text]");
    this.caret = copy.querySelector("[data-answer-caret]");
    this.foot = copy.querySelector("[data-answer-foot]");
    this.error = copy.querySelector("[data-answer-error]");
    this.stop = copy.querySelector("[data-answer-stop]");
    this.stop.addEventListener("click", () => {
      this.stopped = true;
      this.stopper.abort();
    });
    this.chat.log.append(copy);
  }

  async read(asked) {
    try {
      const response = await fetch(this.side.url, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "text/event-stream, application/json",
          "X-CSRF-Token": this.chat.csrf,
        },
        body: JSON.stringify({ ...asked, stream: true }),
        signal: this.stopper.signal,
      });
      if (!response.ok) throw new Error(await refusal(response));
      for await (const data of events(response.body)) {
        if (data === "[DONE]") break;
        this.take(JSON.parse(data));
      }
      if (this.tokens === 0 && !this.failed) this.note("the answer is empty");
    } catch (error) {
      if (this.stopped) this.note("stopped");
      else this.fail(error instanceof TypeError ? "The connection broke." : error.message);
    }
    this.end();
  }

  take(chunk) {
    if (chunk.error) {
      this.failed = true;
      throw new Error(chunk.error.message ?? String(chunk.error));
    }
    const delta = chunk.choices?.[0]?.delta?.content;
    if (chunk.usage?.completion_tokens) this.usage = chunk.usage.completion_tokens;
    if (!delta) return;
    this.tokens += 1;
    this.firstAfter ??= (performance.now() - this.started) / 1000;
    this.text += delta;
    this.words.textContent = this.text.trimStart();
    this.measure(true);
    this.chat.follow();
  }

  measure(arriving) {
    const count = this.usage ?? this.tokens;
    const facts = [];
    if (this.firstAfter !== undefined) facts.push(`first token ${this.firstAfter.toFixed(2)} s`);
    if (count > 0) facts.push(`${count} ${count === 1 ? "token" : "tokens"}${arriving ? " so far" : ""}`);
    if (!arriving && this.firstAfter !== undefined) {
      const whole = (performance.now() - this.started) / 1000;
      facts.push(whole < 60 ? `${whole.toFixed(2)} s in all` : `${duration(whole)} in all`);
    }
    this.foot.replaceChildren(...facts.map(span));
  }

  note(words) {
    this.noted = words;
  }

  fail(words) {
    this.failed = true;
    this.error.hidden = false;
    this.error.querySelector("[data-answer-message]").textContent = words;
  }

  end() {
    this.caret.remove();
    this.stop.remove();
    this.article.setAttribute("aria-busy", "false");
    this.measure(false);
    if (this.noted) this.foot.append(span(this.noted));
  }
}

class Chat {
  constructor(form) {
    this.form = form;
    this.csrf = form.querySelector("[name=csrf]").value;
    this.log = document.getElementById(form.dataset.log);
    this.input = form.querySelector("textarea[name=message]");
    form.querySelector("[type=submit]").disabled = false; // until now nobody would have heard it
    this.template = (name) =>
      document.getElementById(`${form.dataset.log}-${name}`).content.cloneNode(true);
    this.sides = [
      { letter: "a", name: form.dataset.tunedName, url: form.dataset.tunedUrl, turns: [] },
      { letter: "b", name: form.dataset.baseName, url: form.dataset.baseUrl, turns: [] },
    ];
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.ask(this.input.value.trim());
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
    });
    document.addEventListener("click", (event) => {
      const example = event.target.closest("[data-ask]");
      if (example) this.ask(example.dataset.ask);
      if (event.target.closest("[data-chat-clear]")) this.clear();
    });
  }

  field(name) {
    return document.querySelector(`[form="${this.form.id}"][name="${name}"], #${this.form.id} [name="${name}"]`);
  }

  /** Both sides get the same words; each keeps its own answers. */
  async ask(question) {
    if (!question || this.asking) return;
    this.asking = true;
    const send = this.form.querySelector("[type=submit]");
    send.setAttribute("aria-disabled", "true");
    this.log.hidden = false;
    const asked = this.template("ask");
    asked.querySelector("[data-ask-text]").textContent = question;
    this.log.append(asked);
    this.input.value = "";
    const answers = this.sides.map((side) => {
      side.turns.push({ role: "user", content: question });
      return new Answer(this, side, this.request(side));
    });
    this.follow();
    await Promise.all(answers.map((answer) => answer.done));
    for (const answer of answers) {
      if (answer.text) answer.side.turns.push({ role: "assistant", content: answer.text });
      else answer.side.turns.pop();
    }
    this.asking = false;
    send.removeAttribute("aria-disabled");
    this.input.focus({ preventScroll: true });
  }

  request(side) {
    const system = this.field("system")?.value.trim();
    const messages = system ? [{ role: "system", content: system }, ...side.turns] : [...side.turns];
    const request = { messages };
    for (const [name, read] of [["temperature", Number], ["max_tokens", Number], ["seed", Number]]) {
      const value = this.field(name)?.value.trim();
      if (value && Number.isFinite(read(value))) request[name] = read(value);
    }
    return request;
  }

  clear() {
    for (const side of this.sides) side.turns = [];
    for (const old of this.log.querySelectorAll("[data-turn]")) old.remove();
    this.input.focus();
  }

  /** Keep the newest words in sight, unless the reader has scrolled away. */
  follow() {
    const box = this.form.getBoundingClientRect();
    if (box.top > innerHeight && box.top - innerHeight < 400) this.form.scrollIntoView({ block: "nearest" });
  }
}

onContent((root) => within(root, "form[data-chat]").forEach((form) => {
  if (form.dataset.ready) return;
  form.dataset.ready = "true";
  new Chat(form);
}));
