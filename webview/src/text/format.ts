/** Figures as people read them. */

const units = ["B", "KB", "MB", "GB", "TB"] as const;

export const formatSize = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 99.5 ? Math.round(value).toString() : value.toFixed(1)} ${units[unit] ?? ""}`;
};

/** A duration in seconds. */
export const formatDuration = (seconds: number): string => {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000)).toString()} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60).toString()} min ${(whole % 60).toString()} s`;
  return `${Math.floor(whole / 3600).toString()} h ${Math.floor((whole % 3600) / 60).toString()} min`;
};

/** How long ago `at` was; both in seconds since the epoch. */
export const formatAgo = (at: number, now: number): string => {
  const seconds = Math.max(0, now - at);
  if (seconds < 45) return "just now";
  if (seconds < 3600) return `${Math.max(1, Math.round(seconds / 60)).toString()} min ago`;
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600).toString()} h ago`;
  const days = Math.round(seconds / 86_400);
  return days < 60 ? `${days.toString()} days ago` : `${Math.round(days / 30.4).toString()} months ago`;
};

/** A number with four significant digits or so, in as few characters as say it. */
export const formatNumber = (value: number): string => {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return value.toString();
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(3).replace("e+", "e");
  return Number(value.toPrecision(5)).toString();
};

export const formatPercent = (fraction: number): string =>
  `${Math.round(Math.min(1, Math.max(0, fraction)) * 100).toString()} %`;

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
