// A job's metric series in the browser: merged by step as they arrive, smoothed, and judged.

export const COLUMNS = [
  "train_loss",
  "valid_loss",
  "full_valid_loss",
  "train_mean_token_accuracy",
  "valid_mean_token_accuracy",
];

// A run that learns from a grader has rewards where the others have losses.
const REWARDS = { train_loss: "train_mean_reward", full_valid_loss: "full_valid_mean_reward" };
const WINDOWS = 50;
const EARLY_WINDOWS = 10;
const MOST_KEPT = 0.999;
const CLEARLY_WORSE = 1.05;
const STANDARD_ERRORS = 4;
const FULL_POINTS_NEEDED = 3;
const BUCKETS = 12;
const BUCKET_POINTS = 5;

export class Series {
  constructor(isReward = false) {
    this.isReward = isReward;
    this.steps = [];
    this.columns = Object.fromEntries(COLUMNS.map((name) => [name, []]));
  }

  get lastStep() {
    return this.steps.length ? this.steps[this.steps.length - 1] : -1;
  }

  /** The columns of the table. */
  get tabled() {
    return this.isReward ? Object.keys(REWARDS) : COLUMNS.slice(0, 4);
  }

  /** Points drawn: steps that have a training loss. */
  get count() {
    return this.columns.train_loss.reduce((sum, value) => sum + (value === null ? 0 : 1), 0);
  }

  /** Take in an answer of the metrics address; a step that is known is replaced. True when anything is new. */
  merge(answer) {
    const before = `${this.steps.length} ${JSON.stringify(this.tail())}`;
    (answer.step ?? []).forEach((step, index) => {
      const at = this.place(step);
      for (const name of COLUMNS) {
        const value = answer[this.isReward ? REWARDS[name] : name]?.[index] ?? null;
        if (value !== null || this.columns[name][at] === undefined) this.columns[name][at] = value;
      }
    });
    return before !== `${this.steps.length} ${JSON.stringify(this.tail())}`;
  }

  tail() {
    return COLUMNS.map((name) => this.columns[name].slice(-2));
  }

  place(step) {
    if (step > this.lastStep) return this.steps.push(step) - 1;
    const at = nearest(this.steps, step);
    if (this.steps[at] === step) return at;
    const insert = this.steps[at] < step ? at + 1 : at;
    this.steps.splice(insert, 0, step);
    for (const name of COLUMNS) this.columns[name].splice(insert, 0, null);
    return insert;
  }

  has(name) {
    return this.columns[name].some((value) => value !== null);
  }

  smooth(name) {
    return smooth(this.steps, this.columns[name]);
  }

  /**
   * The step since which validation only got worse by a clear margin, or null. The full set is believed first;
   * the small batches between are averaged, and a rise within their noise is none.
   */
  overfittingSince() {
    if (this.isReward) return null;
    const full = this.known("full_valid_loss").map((point) => ({ ...point, error: 0 }));
    if (full.length >= FULL_POINTS_NEEDED) return turningPoint(full);
    if (full.length > 1 && turningPoint(full) === null) return null;
    const valid = this.known("valid_loss");
    return valid.length >= BUCKETS * BUCKET_POINTS ? turningPoint(averaged(valid)) : null;
  }

  known(name) {
    return this.steps.flatMap((step, index) => {
      const value = this.columns[name][index];
      return value === null ? [] : [{ step, value }];
    });
  }
}

/** Equal shares of the points as means, each with its standard error and the step in its middle. */
function averaged(points) {
  const size = points.length / BUCKETS;
  return Array.from({ length: BUCKETS }, (_, index) => {
    const share = points.slice(Math.round(index * size), Math.round((index + 1) * size));
    const mean = share.reduce((sum, point) => sum + point.value, 0) / share.length;
    const spread = share.reduce((sum, point) => sum + (point.value - mean) ** 2, 0) / (share.length - 1);
    return { step: share[share.length >> 1].step, value: mean, error: Math.sqrt(spread / share.length) };
  });
}

function turningPoint(points) {
  const best = points.reduce((low, point) => (point.value < low.value ? point : low));
  const last = points[points.length - 1];
  const isFar = last.step - best.step >= 0.1 * last.step;
  const noise = STANDARD_ERRORS * Math.hypot(best.error, last.error);
  const isWorse = last.value >= best.value * CLEARLY_WORSE && last.value - best.value > noise;
  return isFar && isWorse ? best.step : null;
}

/**
 * Exponential moving average over about a fiftieth of the range, without the bias of its start, so that a curve of
 * fifty points and one of fifty thousand are smoothed alike; steps without a value are left out. It begins with a
 * tenth of the way come so far, or it would lag behind the steep fall at the start.
 */
export function smooth(steps, values) {
  const range = (steps[steps.length - 1] ?? 0) - (steps[0] ?? 0);
  let average = 0;
  let mass = 0;
  let last = null;
  return values.map((value, index) => {
    if (value === null) return null;
    const reach = Math.min(range / WINDOWS, (steps[index] - steps[0]) / EARLY_WINDOWS);
    const kept = last === null || reach === 0 ? 1 : Math.exp(-(steps[index] - last) / reach);
    last = steps[index];
    average = average * kept + value * (1 - Math.min(kept, MOST_KEPT));
    mass = mass * kept + (1 - Math.min(kept, MOST_KEPT));
    return average / mass;
  });
}

/** The index of the value nearest to `wanted` in an ascending list. */
export function nearest(values, wanted) {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - values[low - 1] <= values[low] - wanted ? low - 1 : low;
}
