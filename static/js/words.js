// Numbers in the words of the product: the same forms the server's filters use.

const grouped = new Intl.NumberFormat("en-US");

/** 12345 → "12,345". */
export const number = (value) => grouped.format(value);

/** Bytes in decimal units, three figures: 1240000000 → "1.24 GB". */
export function bytes(value) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let rest = value;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[unit]}`;
}

/** Seconds as a person says them: 4 → "4 s", 372 → "6 min", 4800 → "1 h 20". */
export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.round(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")}`;
}

/** A loss with three figures: 0.30912 → "0.309", 0.5 → "0.500". */
export function loss(value) {
  if (value === null || value === undefined) return "none yet";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toPrecision(2);
  return Math.abs(value) < 10 ? value.toFixed(3) : value.toPrecision(3);
}

/** The same on an axis, where round numbers stand: 0.5. */
export const tick = (value) => Number(value.toPrecision(value < 0.1 ? 2 : 3)).toString();

/** A share as percent: 0.931 → "93.1 %". */
export const percent = (share) => `${(share * 100).toFixed(1)} %`;
