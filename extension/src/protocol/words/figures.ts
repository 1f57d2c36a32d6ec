/** Figures as people read them. The command line has the same (`cli/show.py`); `tests/shared/words.json` compares. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took: `3.4 s`, `2 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 0.001) return "< 1 ms";
  if (seconds < 0.9995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return parts(whole, MINUTE, "min", 1, "s");
  return parts(whole, HOUR, "h", MINUTE, "min");
}

function parts(whole: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeUnit}${rest === 0 ? "" : ` ${rest} ${smallUnit}`}`;
}

/** How long something has been going on: whole seconds, so that it does not flicker. */
export function elapsed(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 10 ? `${whole} s` : duration(whole);
}

/** How long ago a time was, both in seconds since the epoch: `just now`, `2 h ago`. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, now - at);
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/** How large something is, in units of 1000 bytes: `1.2 MB`. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.5) return `${value < 9.95 && unit !== "B" ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** A part of the whole, never told as done before it is. */
export function percent(fraction: number): string {
  return `${Math.floor(Math.min(1, Math.max(0, fraction)) * 100)} %`;
}

/** A count with its noun: `1 stage`, `3 stages`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** A few names, or how many there are: `a, b, c`, `12 stages`. */
export function listed(names: readonly string[], one: string): string {
  return names.length > 3 ? plural(names.length, one) : names.join(", ");
}

/** A number with five significant digits or so, in as few characters as say it. */
export function shortNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toString();
  const most = Math.abs(value);
  if (most !== 0 && (most < 1e-3 || most >= 1e7)) return value.toExponential(3).replace(/\.?0*e\+?/, "e");
  return Number(value.toPrecision(5)).toString();
}
