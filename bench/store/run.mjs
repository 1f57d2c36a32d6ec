/** A store of many realizations: verified, indexed anew and collected, beside the same files alone. */
import path from "node:path";
import { root } from "../../scripts/lib/paths.mjs";
import { mustRun } from "../../scripts/lib/processes.mjs";
import { removeFolder, temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { pythonEnv } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/table.mjs").Row} Row */

/** What is measured of ours, with what the files alone need for it. */
const pairs = /** @type {const} */ ([
  ["stored in groups of 500", "make", "the same files written, one sync", "write bare"],
  ["verified", "verify", "the same files read and hashed", "read bare"],
  ["half of them collected", "gc", "half of the files removed", "remove bare"],
  ["what would be collected", "gc, dry", "", ""],
  ["opened", "open", "", ""],
  ["opened, the index made anew", "index", "", ""],
]);

/** @param {import("../context.mjs").Context} context @returns {Promise<Row[]>} */
export const benchStore = async ({ python, quick }) => {
  const folder = temporaryFolder("bench-store");
  const count = quick ? 2000 : 100_000;
  const env = pythonEnv({ PYTHONPATH: path.join(root, "python-kernel/src") });
  const program = path.join(import.meta.dirname, "many.py");
  const printed = await mustRun("Measuring a store", python, [program, folder, String(count)], { env });
  removeFolder(folder);
  /** @type {unknown} */
  const parsed = JSON.parse(printed.trimEnd().split("\n").at(-1) ?? "");
  // safe: many.py writes exactly this
  const { files, times } = /** @type {{ files: number; times: Record<string, [number, number]> }} */ (parsed);
  return /** @type {const} */ (["cpu", "wall"]).flatMap((clock, at) =>
    pairs.flatMap(([what, own, bareWhat, bare]) => {
      /** @param {string} who @param {string} key @returns {Row[]} */
      const row = (who, key) => {
        const value = times[key]?.[at];
        if (value === undefined) return [];
        const bench = `${count} realizations, ${files} files, ${clock}`;
        return [{ bench, what, who, unit: "ms", value: { min: value, median: value } }];
      };
      return [...row(ours, own), ...row(bareWhat, bare)];
    }),
  );
};
