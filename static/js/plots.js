// How uPlot draws our curves: colours from the tokens, square points on a dashed line, what is still to come.

const AXIS_SIZE = 54;
// So many raw points may lie side by side before they smear into a band: beyond them each is fainter.
const MANY_POINTS = 400;
const RAW_ALPHA = 0.32;
const RAW_ALPHA_LEAST = 0.1;

/** The tokens as the browser resolves them now, by name without dashes in front. */
export function colours(element) {
  const probe = document.createElement("span");
  // Where colours are forced every text has one: the curves keep their own, mixed for that ground.
  probe.style.forcedColorAdjust = "none";
  element.append(probe);
  const resolve = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const names = ["train", "valid", "full-valid", "ground", "ink-2", "ink-3", "edge", "grid", "sunken", "warn"];
  const found = Object.fromEntries(names.map((name) => [name, resolve(name)]));
  probe.remove();
  return found;
}

const faint = (colour, alpha) => colour.replace(/^rgba?\(([^)]+)\)$/, (_, parts) => {
  const [red, green, blue] = parts.split(/[ ,/]+/);
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
});

const line = (colour, width, extra = {}) => ({
  stroke: colour,
  width,
  spanGaps: true,
  points: { show: false },
  ...extra,
});

// Raw points do not stretch the axis: one lucky batch would flatten every curve.
const raw = (colour) => {
  const alpha = (count) => Math.max(RAW_ALPHA_LEAST, RAW_ALPHA * Math.min(1, Math.sqrt(MANY_POINTS / count)));
  return line((plot) => faint(colour, alpha(plot.data[0].length || 1)), 1, { auto: false });
};

/** Series of the loss plot, in the order of its data: raw and smoothed training, raw and smoothed validation, full. */
export function lossSeries(tint) {
  return [
    {},
    raw(tint.train),
    raw(tint.valid),
    line(tint.train, 2, { mark: "dot" }),
    line(tint.valid, 2, { mark: "triangle" }),
    line(tint["full-valid"], 1.25, { dash: [4, 4], mark: "square" }),
  ];
}

/** Series of the accuracy plot: raw and smoothed training, smoothed validation. */
export function accuracySeries(tint) {
  return [{}, raw(tint.train), line(tint.train, 2, { mark: "dot" }), line(tint.valid, 2, { mark: "triangle" })];
}

function axis(tint, font, extra) {
  return { stroke: tint["ink-3"], font, ticks: { show: false }, gap: 6, ...extra };
}

/** Everything a plot needs but its size, series and data. `frame` answers what the plot asks while it draws. */
export function options({ tint, font, frame, series, scale, valueAxis }) {
  return {
    legend: { show: false },
    padding: [8, 14, 0, 0],
    cursor: {
      sync: { key: frame.key },
      y: false,
      drag: { x: false, y: false },
      points: {
        size: 9,
        width: 2,
        stroke: () => tint.ground,
        fill: (plot, index) => series[index].stroke,
        show: (plot, index) => series[index].width >= 1.25 && cursorPoint(),
      },
    },
    scales: { x: { time: false, range: () => frame.range() }, y: scale },
    axes: [
      axis(tint, font, {
        size: 26,
        grid: { show: false },
        border: { show: true, stroke: tint.edge, width: 1 },
        values: (plot, splits) => splits.map((value) => frame.label(value)),
        incrs: frame.increments,
        space: 72,
      }),
      axis(tint, font, {
        size: AXIS_SIZE,
        ...valueAxis,
        grid: { stroke: tint.grid, width: 1, filter: scale.log === 10 ? wholeTenths : everyLine },
      }),
    ],
    series,
    hooks: {
      drawClear: [(plot) => ground(plot, tint, frame)],
      draw: [(plot) => marks(plot, tint), frame.drawn],
      setCursor: [(plot) => frame.moved(plot)],
    },
  };
}

const everyLine = (plot, splits) => splits;

/** Of the nine lines of a decade only its first is drawn. */
const wholeTenths = (plot, splits) =>
  splits.map((value) => (Math.abs(Math.log10(value) % 1) < 1e-6 ? value : null));

/** A point under the crosshair, in the colour of its line. */
function cursorPoint() {
  const point = document.createElement("div");
  point.className = "u-cursor-pt";
  return point;
}

/** Behind the curves: what is still to come, the epochs, and where validation turned. */
function ground(plot, tint, frame) {
  const { ctx, bbox } = plot;
  const across = (value) => Math.round(plot.valToPos(value, "x", true));
  ctx.save();
  if (frame.last() !== null && frame.last() < frame.range()[1]) {
    ctx.fillStyle = tint.sunken;
    ctx.fillRect(across(frame.last()), bbox.top, bbox.left + bbox.width - across(frame.last()), bbox.height);
  }
  const turned = frame.turned();
  if (turned !== null && frame.showsTurn(plot)) {
    ctx.fillStyle = faint(tint.warn, 0.09);
    ctx.fillRect(across(turned), bbox.top, across(frame.last()) - across(turned), bbox.height);
  }
  ctx.strokeStyle = tint["ink-3"];
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of frame.epochs()) {
    ctx.beginPath();
    ctx.moveTo(across(mark) + 0.5, bbox.top);
    ctx.lineTo(across(mark) + 0.5, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function triangle(ctx, left, top, reach) {
  ctx.moveTo(left, top - reach);
  ctx.lineTo(left + reach, top + reach);
  ctx.lineTo(left - reach, top + reach);
  ctx.closePath();
}

/** Above the curves: a square for each measurement on the full validation set; where the others end, each its own shape. */
function marks(plot, tint) {
  const { ctx } = plot;
  const size = 7 * devicePixelRatio;
  const draw = (x, y, shape, colour) => {
    const left = plot.valToPos(x, "x", true);
    const top = plot.valToPos(y, "y", true);
    if (!Number.isFinite(left) || !Number.isFinite(top)) return;
    ctx.beginPath();
    if (shape === "square") ctx.rect(left - size / 2, top - size / 2, size, size);
    else if (shape === "dot") ctx.arc(left, top, size / 2, 0, 2 * Math.PI);
    else triangle(ctx, left, top, size * 0.65);
    ctx.fillStyle = colour;
    ctx.strokeStyle = tint.ground;
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.stroke();
    ctx.fill();
  };
  ctx.save();
  plot.series.forEach((series, index) => {
    if (!series.mark) return;
    const values = plot.data[index];
    const isThere = (value) => value !== null && value !== undefined;
    const colour = series.stroke(plot, index);
    if (series.mark === "square") {
      values.forEach((value, at) => isThere(value) && draw(plot.data[0][at], value, "square", colour));
      return;
    }
    const at = values.findLastIndex(isThere);
    if (at >= 0) draw(plot.data[0][at], values[at], series.mark, colour);
  });
  ctx.restore();
}
