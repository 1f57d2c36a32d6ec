/** What was measured, as rows: printed as a table, kept as JSON. */
import { print } from "../../scripts/lib/print.mjs";

/** @typedef {import("./measure.mjs").Figure} Figure */

/**
 * One measured thing. The `ratio` is its figure divided by ours of the same round of measuring: above 1 we need less.
 *
 * @typedef {object} Row
 * @property {string} bench
 * @property {string} what for which size, of which kind
 * @property {string} who
 * @property {string} [unit]
 * @property {Figure} [value]
 * @property {number} [repeats]
 * @property {Figure} [ratio]
 * @property {Readonly<Record<string, unknown>>} [more]
 * @property {string} [skipped] why there is no value
 */

/** Ours, in every table. */
export const ours = "stageloom";

/**
 * Gives each row its ratio to ours of the same benchmark and kind.
 *
 * @param {readonly Row[]} rows
 * @returns {Row[]}
 */
export const withRatios = (rows) =>
  rows.map((row) => {
    const own = rows.find(({ bench, what, who }) => who === ours && bench === row.bench && what === row.what);
    if (row.who === ours || row.value === undefined || own?.value === undefined) return row;
    const { min, median } = own.value;
    // a difference below what can be told apart has no ratio
    if (![min, median, row.value.min, row.value.median].every((value) => value > 0)) return row;
    return { ...row, ratio: { min: row.value.min / min, median: row.value.median / median } };
  });

/** @param {number} value */
const digits = (value) => {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  return size >= 100
    ? value.toFixed(0)
    : size >= 10
      ? value.toFixed(1)
      : size >= 1
        ? value.toFixed(2)
        : value.toFixed(3);
};

/** @param {Figure | undefined} figure @param {keyof Figure} key @param {string} [mark] */
const cell = (figure, key, mark = "") => (figure === undefined ? "" : `${mark}${digits(figure[key])}`);

const head = ["what", "who", "unit", "min", "median", "ratio min", "ratio median", ""];

/** @param {Row} row */
const cells = ({ what, who, unit = "", value, ratio, more = {}, skipped }) => [
  ...[
    what,
    who,
    unit,
    cell(value, "min"),
    cell(value, "median"),
    cell(ratio, "min", "× "),
    cell(ratio, "median", "× "),
  ],
  skipped === undefined
    ? Object.entries(more)
        .map(([name, told]) => `${name} ${typeof told === "number" ? digits(told) : String(told)}`)
        .join(", ")
    : `skipped: ${skipped}`,
];

/** Prints the rows of one benchmark. @param {string} title @param {readonly Row[]} rows */
export const printTable = (title, rows) => {
  const lines = [head, ...rows.map(cells)];
  const widths = head.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  print(`\n${title}`);
  for (const line of lines) {
    const padded = line.map((text, at) =>
      at < 3 || at === 7 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0),
    );
    print(`  ${padded.join("  ").trimEnd()}`);
  }
};
