// The curves of a job, drawn as they come: <figure data-chart data-url="…" data-topic="job:12" data-while="…">.
import { number, loss, percent, tick } from "./words.js";
import { onContent, within } from "./swaps.js";
import { Series } from "./series.js";
import { accuracySeries, colours, lossSeries, options } from "./plots.js";

const POLL_MS = 5000;
const TABLE_ROWS = 500;
const EPOCH_MARKS_AT_MOST = 24;
const HALVES_RANGE = 80;
// A canvas does not follow the style sheet by itself: on paper, in forced colours and in the other scheme it is drawn anew.
const REDRAWN_FOR = ["print", "(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"];
let charts = 0;

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.key = `chart-${(charts += 1)}`;
    this.part = (name) => figure.querySelector(`[data-chart-${name}]`);
    this.series = new Series(figure.dataset.measure === "reward");
    this.plots = [];
    this.at = null;
    for (const radio of figure.querySelectorAll("input[type=radio]")) {
      radio.addEventListener("change", () => this.build());
    }
    for (const place of [this.part("loss"), this.part("accuracy")]) {
      place.addEventListener("keydown", (event) => this.pressed(event));
      place.addEventListener("blur", () => this.hide());
    }
    this.part("table").addEventListener("toggle", () => this.drawTable());
    this.resize = new ResizeObserver(() => this.fit());
    this.resize.observe(this.part("loss"));
    this.watch();
    this.fetch();
  }

  watch() {
    document.addEventListener("luthier:nudge", (event) => {
      if (event.detail === this.figure.dataset.topic) this.fetch();
    });
    document.addEventListener("htmx:afterSettle", () => this.settled());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.live) this.fetch();
    });
    this.live = this.isLive();
    setInterval(() => {
      if (this.live && !document.hidden) this.fetch();
    }, POLL_MS);
    new MutationObserver(() => this.build()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    for (const query of REDRAWN_FOR) matchMedia(query).addEventListener("change", () => this.build());
  }

  isLive() {
    const selector = this.figure.dataset.while;
    return Boolean(selector && document.querySelector(selector));
  }

  /** A panel was redrawn: the job may have ended (then one last look), or its plan may be known now. */
  settled() {
    const live = this.isLive();
    if (this.live && !live) this.fetch();
    const planned = `${this.planned("steps")} ${this.planned("epochs")}`;
    if (this.live !== live || planned !== this.plannedBefore) this.redraw();
    this.live = live;
    this.plannedBefore = planned;
  }

  planned(name) {
    const place = document.querySelector(this.figure.dataset.plan) ?? this.figure;
    return Number(place.dataset[name]) || null;
  }

  get stepsPerEpoch() {
    const steps = this.planned("steps");
    const epochs = this.planned("epochs");
    return steps && epochs ? steps / epochs : null;
  }

  async fetch() {
    if (this.fetching) {
      this.again = true;
      return;
    }
    this.fetching = true;
    try {
      const address = new URL(this.figure.dataset.url, location.href);
      // The newest step is asked for again: a validation loss may have joined it since.
      if (this.series.lastStep >= 0) address.searchParams.set("after_step", String(this.series.lastStep - 1));
      const answer = await fetch(address, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
      const isNew = this.series.merge(await answer.json());
      this.say("");
      if (isNew || !this.drawn) this.redraw();
    } catch (error) {
      this.say(`The curve could not be fetched: ${error.message}. Trying again.`);
    } finally {
      this.fetching = false;
      if (this.again) {
        this.again = false;
        this.fetch();
      }
    }
  }

  say(words) {
    const place = this.part("note");
    place.textContent = words;
    place.hidden = words === "";
  }

  choice(name) {
    return this.figure.querySelector(`input[name$="-${name}"]:checked`)?.value;
  }

  redraw() {
    this.drawn = true;
    const count = this.series.count;
    this.figure.dataset.points = String(count);
    this.part("empty").hidden = count > 0;
    this.part("empty").textContent = this.isLive()
      ? "No point yet. The curve begins with the first training step."
      : "No point. It ended before the first training step.";
    this.part("accuracy-part").hidden = !this.series.has("train_mean_token_accuracy") && count > 0;
    this.offerEpochs();
    if (this.plots.length === 0 || this.hadValid !== this.series.has("valid_loss") || this.hadBase !== this.base()) {
      this.build();
    } else {
      this.plots[0].setData(this.lossData());
      this.plots[1].setData(this.accuracyData());
    }
    this.label();
    this.drawTable();
    if (this.at === null) this.rest();
  }

  offerEpochs() {
    const radio = this.figure.querySelector('input[name$="-x"][value="epoch"]');
    if (!radio) return;
    radio.disabled = this.stepsPerEpoch === null;
    radio.parentElement.title = radio.disabled ? "Known once the provider says how many steps an epoch has" : "";
  }

  byEpoch() {
    return this.choice("x") === "epoch" && this.stepsPerEpoch !== null;
  }

  across(step) {
    return this.byEpoch() ? step / this.stepsPerEpoch : step;
  }

  xs() {
    return this.byEpoch() ? this.series.steps.map((step) => this.across(step)) : this.series.steps;
  }

  lossData() {
    const { columns } = this.series;
    // A logarithm has no zero: such a point is left out of the log view.
    const fit = (values) => (this.isLog() ? values.map((value) => (value > 0 ? value : null)) : values);
    return [
      this.xs(),
      fit(columns.train_loss),
      fit(columns.valid_loss),
      fit(this.series.smooth("train_loss")),
      fit(this.series.smooth("valid_loss")),
      fit(columns.full_valid_loss),
    ];
  }

  accuracyData() {
    return [
      this.xs(),
      this.series.columns.train_mean_token_accuracy,
      this.series.smooth("train_mean_token_accuracy"),
      this.series.smooth("valid_mean_token_accuracy"),
    ];
  }

  /** Halves read well over a few of them; over many, tenths do. */
  base() {
    const losses = this.series.smooth("train_loss").filter((value) => value > 0);
    return Math.max(...losses) / Math.min(...losses) > HALVES_RANGE ? 10 : 2;
  }

  isLog() {
    return this.choice("y") === "log";
  }

  /** What the plots ask while they draw. */
  frame() {
    return {
      key: this.key,
      increments: this.byEpoch() ? [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100] : undefined,
      range: () => {
        const last = this.series.lastStep;
        const planned = this.live || this.isLive() ? this.planned("steps") : null;
        return [0, Math.max(this.across(Math.max(planned ?? 0, last)), this.byEpoch() ? 0.01 : 1)];
      },
      label: (value) => (this.series.count ? number(Math.round(value * 100) / 100) : ""),
      last: () => (this.series.lastStep < 0 ? null : this.across(this.series.lastStep)),
      turned: () => {
        const step = this.series.overfittingSince();
        return step === null ? null : this.across(step);
      },
      showsTurn: (plot) => plot.root.parentElement === this.part("loss"),
      epochs: () => {
        const epochs = this.planned("epochs");
        if (this.stepsPerEpoch === null || epochs > EPOCH_MARKS_AT_MOST) return [];
        return Array.from({ length: Math.ceil(epochs) - 1 }, (_, index) =>
          this.across((index + 1) * this.stepsPerEpoch),
        );
      },
      moved: (plot) => this.moved(plot),
      drawn: (plot) => plot === this.plots[0] && this.label(),
    };
  }

  build() {
    for (const plot of this.plots) plot.destroy();
    this.plots = [];
    const tint = colours(this.figure);
    const font = `11px ${getComputedStyle(this.figure).fontFamily}`;
    this.hadValid = this.series.has("valid_loss");
    this.hadBase = this.base();
    const log = this.isLog();
    const lossOptions = options({
      tint,
      font,
      frame: this.frame(),
      series: lossSeries(tint),
      scale: log ? { distr: 3, log: this.base() } : { range: (plot, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.05 || 1] },
      valueAxis: { values: (plot, splits) => splits.map((value) => (value === null ? "" : tick(value))) },
    });
    const accuracyOptions = options({
      tint,
      font,
      frame: this.frame(),
      series: accuracySeries(tint),
      scale: { range: (plot, low) => [Math.min(Math.floor((low ?? 0) * 5) / 5, 0.8), 1] },
      valueAxis: {
        values: (plot, splits) => splits.map((value) => `${Math.round(value * 100)} %`),
        incrs: [0.1, 0.2, 0.25, 0.5],
      },
    });
    this.plots = [
      this.plot(lossOptions, this.lossData(), this.part("loss")),
      this.plot(accuracyOptions, this.accuracyData(), this.part("accuracy")),
    ];
    this.label();
  }

  plot(settings, data, place) {
    return new window.uPlot({ ...settings, width: place.clientWidth, height: place.clientHeight }, data, place);
  }

  fit() {
    for (const plot of this.plots) {
      const place = plot.root.parentElement;
      const size = { width: place.clientWidth, height: place.clientHeight };
      if (size.width > 0 && (size.width !== plot.width || size.height !== plot.height)) plot.setSize(size);
    }
    this.label();
  }

  /** The label of the band stands where the band begins. */
  label() {
    const place = this.part("turn");
    const since = this.series.overfittingSince();
    place.hidden = since === null || this.plots.length === 0;
    if (place.hidden) return;
    place.textContent = `Overfitting since step ${number(since)}`;
    const plot = this.plots[0];
    const left = plot.valToPos(this.across(since), "x") + plot.bbox.left / devicePixelRatio;
    place.style.left = `${Math.min(left + 6, this.part("loss").clientWidth - place.offsetWidth - 4)}px`;
  }

  moved(plot) {
    const { idx, left } = plot.cursor;
    if (idx === null || idx === undefined || left < 0) {
      if (plot === this.plots[0]) this.rest();
      return;
    }
    this.at = idx;
    if (plot !== this.plots[0]) return;
    this.fill(idx);
    const tip = this.part("tip");
    tip.classList.remove("tip--off");
    const place = this.part("loss");
    const x = left + plot.bbox.left / devicePixelRatio;
    const rightHalf = x > place.clientWidth / 2;
    tip.style.left = rightHalf ? "auto" : `${x + 12}px`;
    tip.style.right = rightHalf ? `${place.clientWidth - x + 12}px` : "auto";
  }

  fill(index) {
    const { steps, columns } = this.series;
    const step = steps[index];
    const epoch = this.stepsPerEpoch ? `, epoch ${(step / this.stepsPerEpoch).toFixed(2)}` : "";
    this.part("tip-caption").textContent = `Step ${number(step)}${epoch}`;
    for (const row of this.part("tip").querySelectorAll("[data-column]")) {
      const name = row.dataset.column;
      row.hidden = !this.series.has(name);
      const [rawCell, smoothCell] = row.querySelectorAll("td");
      const write = name.endsWith("accuracy") ? percent : loss;
      // Validation is measured now and then: its last value stands until the next.
      const at = columns[name].findLastIndex((value, place) => place <= index && value !== null);
      rawCell.textContent = at < 0 ? "none yet" : write(columns[name][at]);
      rawCell.title = at < 0 || at === index ? "" : `measured at step ${number(steps[at])}`;
      smoothCell.textContent = at < 0 || name === "full_valid_loss" ? "" : write(this.series.smooth(name)[at]);
    }
  }

  pressed(event) {
    if (event.key === "Escape") {
      this.hide();
      return;
    }
    const last = this.series.steps.length - 1;
    if (last < 0) return;
    const stride = event.shiftKey ? Math.max(10, Math.round(last / 20)) : 1;
    const at = this.at ?? last + (event.key === "ArrowLeft" ? 1 : 0);
    const wanted = {
      ArrowLeft: at - stride,
      ArrowRight: at + stride,
      Home: 0,
      End: last,
    }[event.key];
    if (wanted === undefined) return;
    event.preventDefault();
    this.at = Math.min(last, Math.max(0, wanted));
    for (const plot of this.plots) {
      plot.setCursor({ left: plot.valToPos(plot.data[0][this.at], "x"), top: plot.over.clientHeight / 2 });
    }
    const rows = [...this.part("tip").querySelectorAll("[data-column]:not([hidden])")];
    const words = rows.map((row) => `${row.querySelector("th").textContent} ${row.querySelector("td").textContent}`);
    this.part("spoken").textContent = `${this.part("tip-caption").textContent}: ${words.join(", ")}`;
  }

  /** No crosshair: the tip goes, and where it has a place of its own it tells the newest values. */
  rest() {
    this.part("tip").classList.add("tip--off");
    if (this.series.steps.length) this.fill(this.series.steps.length - 1);
  }

  hide() {
    this.at = null;
    this.rest();
    for (const plot of this.plots) plot.setCursor({ left: -10, top: -10 });
  }

  /** Every value as a table: all steps, or evenly chosen ones where there are too many to read. */
  drawTable() {
    const details = this.part("table");
    if (!details.open) return;
    const { steps, columns } = this.series;
    const stride = Math.ceil(steps.length / TABLE_ROWS) || 1;
    const body = details.querySelector("tbody");
    const rows = [];
    for (let index = steps.length - 1; index >= 0; index -= stride) {
      const row = document.createElement("tr");
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = number(steps[index]);
      row.append(head);
      for (const name of this.series.tabled) {
        const cell = document.createElement("td");
        cell.className = "num";
        const value = columns[name][index];
        cell.textContent = value === null ? "" : name.endsWith("accuracy") ? percent(value) : loss(value);
        row.append(cell);
      }
      rows.push(row);
    }
    body.replaceChildren(...rows);
    const shown = `${stride === 1 ? "All" : `One of every ${stride} of`} ${number(steps.length)} steps`;
    this.part("table-note").textContent = `${shown}, newest first. The CSV has them all.`;
  }
}

const drawn = new WeakSet();

onContent((root) => {
  for (const figure of within(root, "[data-chart]")) {
    if (drawn.has(figure)) continue;
    drawn.add(figure);
    new Chart(figure);
  }
});

