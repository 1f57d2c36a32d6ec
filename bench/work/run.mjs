/** What is stale after a save, what a large array costs, and what durability does: each in a process that measures itself. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/lib/paths.mjs";
import { mustRun } from "../../scripts/lib/processes.mjs";
import { temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { figure, pythonEnv, time } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/table.mjs").Row} Row */
/** @typedef {import("../context.mjs").Context} Context */
/** @typedef {"numpy" | "make" | "hash" | "store" | "realize" | "numpy opens" | "opens" | "small"} Taken */

const env = { PYTHONPATH: path.join(root, "python-kernel/src") };

/**
 * Runs a program that prints JSON last.
 *
 * @param {Context} context @param {string} name @param {readonly string[]} args
 * @returns {Promise<unknown>}
 */
const told = async ({ python }, name, args) => {
  const program = path.join(import.meta.dirname, name);
  const printed = await mustRun(`Measuring ${name}`, python, [program, ...args], { env: pythonEnv(env) });
  /** @type {unknown} */
  const parsed = JSON.parse(printed.trimEnd().split("\n").at(-1) ?? "");
  return parsed;
};

/** @param {Context} context @param {string} who @param {number} length @param {string} folder */
const write = async ({ python }, who, length, folder) => {
  mkdirSync(folder);
  const writer = path.join(import.meta.dirname, "../chain/write.py");
  const args = ["-I", writer, who, "chain", String(length), path.join(folder, "chain.py")];
  await mustRun("Writing a chain", python, args, { env: pythonEnv() });
};

/**
 * @param {Context} context @param {string} folder @param {readonly string[]} [more]
 * @returns {Promise<{ wall: number; cpu: number }>}
 */
const realize = async ({ python }, folder, more = []) => {
  const args = ["-m", "stageloom", "realize", "-q", ...more, "chain.py"];
  const timing = await time(python, python, args, { cwd: folder, env, limit: 500 });
  if (timing.is !== "done") throw new Error("a chain could not be realized");
  return { wall: timing.wall, cpu: timing.cpu ?? Number.NaN };
};

/**
 * @param {Context} context @param {string} parent @param {number} length
 * @returns {Promise<Row[]>}
 */
const edits = async (context, parent, length) => {
  const folder = path.join(parent, `edits-${length}`);
  await write(context, ours, length, folder);
  const cold = await realize(context, folder);
  const args = [folder, String(length), length > 1000 ? "3" : "8"];
  // safe: edits.py writes exactly this
  const found = /** @type {Record<string, number[]>} */ (await told(context, "edits.py", args));
  const what = `${length} stages, the third changed`;
  /** @type {Row[]} */
  const rows = /** @type {const} */ (["cpu", "wall"]).flatMap((clock) => {
    const bench = `what is stale after a save, ${clock}`;
    return [
      { bench, what, who: ours, unit: "ms", value: figure(found[clock] ?? []) },
      { bench, what: `${what}, lines moved`, who: ours, unit: "ms", value: figure(found[`moved ${clock}`] ?? []) },
    ];
  });
  const whole = `${what}: the answer as JSON`;
  const bench = "what is stale after a save, cpu";
  rows.push({ bench, what: whole, who: ours, unit: "ms", value: figure(found["told"] ?? []) });
  return length > 1000 ? rows : [...rows, ...(await durability(context, parent, folder, length, cold))];
};

/**
 * @param {Context} context @param {string} parent @param {string} folder @param {number} length
 * @param {{ wall: number; cpu: number }} cold
 * @returns {Promise<Row[]>}
 */
const durability = async (context, parent, folder, length, cold) => {
  const place = path.join(parent, "durable");
  mkdirSync(place);
  const args = [path.join(folder, ".stageloom/store"), place];
  // safe: durable.py writes exactly this
  const found = /** @type {{ files: number; bytes: number; each: [number, number]; groups: [number, number] }} */ (
    await told(context, "durable.py", args)
  );
  const bench = "cold, and the same files written bare, wall";
  const what = `${length} stages, ${found.files} files`;
  /** @param {string} who @param {number} value @returns {Row} */
  const row = (who, value) => ({ bench, what, who, unit: "ms", value: { min: value, median: value } });
  return [
    row(ours, cold.wall),
    row("write, fsync and rename each", found.each[1]),
    row("write and rename, a sync for 256", found.groups[1]),
  ];
};

/**
 * What a stage costs where it runs in another process: the same chain of cold stages, inline and with `--jobs 1`.
 *
 * @param {Context} context @param {string} parent @returns {Promise<Row[]>}
 */
const processes = async (context, parent) => {
  const lengths = context.quick ? [1, 100] : [1, 300];
  const kinds = [
    { who: "in this process", args: [] },
    { who: "in a worker process", args: ["--jobs", "1"] },
  ];
  /** @type {Map<string, number[]>} */
  const walls = new Map();
  for (let turn = 0; turn < context.repeats; turn += 1) {
    for (const { who, args } of kinds) {
      for (const length of lengths) {
        const folder = path.join(parent, `processes-${who.replaceAll(" ", "-")}-${length}-${turn}`);
        await write(context, ours, length, folder);
        const { wall, cpu } = await realize(context, folder, args);
        for (const [clock, value] of Object.entries({ wall, cpu })) {
          const key = `${who} ${length} ${clock}`;
          walls.set(key, [...(walls.get(key) ?? []), value]);
        }
      }
    }
  }
  const [one = 1, many = 1] = lengths;
  return /** @type {const} */ (["cpu", "wall"]).flatMap((clock) =>
    kinds.map(({ who }) => {
      const [first, last] = [one, many].map((length) => figure(walls.get(`${who} ${length} ${clock}`) ?? []));
      const each = (/** @type {"min" | "median"} */ key) =>
        ((last?.[key] ?? Number.NaN) - (first?.[key] ?? Number.NaN)) / (many - one);
      const value = { min: each("min"), median: each("median") };
      return { bench: `a stage and where it runs, ${clock}`, what: `a chain of ${many}`, who, unit: "ms", value };
    }),
  );
};

/** @param {Context} context @param {string} parent @returns {Promise<Row[]>} */
const arrays = async (context, parent) => {
  const folder = path.join(parent, "arrays");
  mkdirSync(folder);
  // safe: arrays.py writes exactly this
  const found = /** @type {Record<Taken, number[]>} */ (await told(context, "arrays.py", [folder]));
  const bench = "an array of 100 MB, wall";
  /** @param {string} what @param {string} who @param {number[]} values @returns {Row} */
  const row = (what, who, values) => ({ bench, what, who, unit: "ms", value: figure(values), repeats: values.length });
  return [
    row("made and stored", ours, found.realize),
    row("made and stored", "made alone, numpy.full", found.make),
    row("stored, having been made", ours, found.store),
    row("stored, having been made", "numpy.save and fsync alone", found.numpy),
    row("stored, having been made", "its SHA-256 alone", found.hash),
    row("opened, mapped", ours, found.opens),
    row("opened, mapped", "numpy.load alone", found["numpy opens"]),
    row("read, planned and given to the next stage", ours, found.small),
  ];
};

/** @param {Context} context @returns {Promise<Row[]>} */
export const benchWork = async (context) => {
  const parent = temporaryFolder("bench-work");
  const lengths = context.quick ? [1000] : [1000, 10_000];
  /** @type {Row[]} */
  const rows = [];
  for (const length of lengths) rows.push(...(await edits(context, parent, length)));
  rows.push(...(await arrays(context, parent)), ...(await processes(context, parent)));
  return rows;
};
