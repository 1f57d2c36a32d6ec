/** Figures as people read them, in the same words as the lenses have. */

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A size in bytes, in units of a thousand. */
export const formatSize = (bytes: number): string => {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.5) return `${value < 10 && unit !== "B" ? value.toFixed(1) : Math.round(value).toString()} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
};

const inTwo = (seconds: number, [large, largeName]: [number, string], [small, smallName]: [number, string]): string => {
  const rest = Math.floor((seconds % large) / small);
  const first = `${Math.floor(seconds / large).toString()} ${largeName}`;
  return rest === 0 ? first : `${first} ${rest.toString()} ${smallName}`;
};

/** A duration in seconds. */
export const formatDuration = (seconds: number): string => {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000)).toString()} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole.toString()} s`;
  return whole < HOUR ? inTwo(whole, [MINUTE, "min"], [1, "s"]) : inTwo(whole, [HOUR, "h"], [MINUTE, "min"]);
};

/** How long something has been going on: whole seconds, so that it does not flicker. */
export const formatElapsed = (seconds: number): string => {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 10 ? `${whole.toString()} s` : formatDuration(whole);
};

/** How long ago `at` was; both in seconds since the epoch. */
export const formatAgo = (at: number, now: number): string => {
  const seconds = Math.max(0, now - at);
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE).toString()} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR).toString()} h ago`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "yesterday" : `${days.toString()} days ago`;
};

/** A number with four significant digits or so, in as few characters as say it. */
export const formatNumber = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toString();
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace(/\.?0*e\+?/, "e");
  return Number(value.toPrecision(5)).toString();
};

export const formatPercent = (fraction: number): string =>
  `${Math.round(Math.min(1, Math.max(0, fraction)) * 100).toString()} %`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
