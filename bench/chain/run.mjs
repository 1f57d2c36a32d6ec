/** A chain of tiny stages, cold and warm, each run a whole process of its own. */
import { mkdirSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/lib/paths.mjs";
import { print } from "../../scripts/lib/print.mjs";
import { mustRun } from "../../scripts/lib/processes.mjs";
import { removeFolder, temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { figure, pythonEnv, reason, time } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/measure.mjs").Done} Done */
/** @typedef {import("../lib/measure.mjs").Timing} Timing */
/** @typedef {import("../lib/table.mjs").Row} Row */
/** @typedef {import("../context.mjs").Context} Context */

/** Who realizes it, and the folder in which each leaves what it caches. */
const stores = { stageloom: ".stageloom", joblib: "cache", pyplant: "plant", pylightnix: "storage" };

/** @typedef {keyof typeof stores} Who */

const who = /** @type {Who[]} */ (Object.keys(stores));

/** A chain of one who's, ready to be run. */
class Chain {
  /** @type {Done[]} */ cold = [];
  /** @type {Done[]} */ warm = [];
  /** @type {string | null} why it is not measured */ skipped = null;
  #context;
  #folder;

  /** @param {Context} context @param {Who} who @param {number} length @param {string} parent */
  constructor(context, who, length, parent) {
    this.who = who;
    this.length = length;
    this.#context = context;
    this.#folder = path.join(parent, `${who}-${length}`);
    mkdirSync(this.#folder);
  }

  async write() {
    const file = path.join(this.#folder, "chain.py");
    const args = [path.join(import.meta.dirname, "write.py"), this.who, String(this.length), file];
    await mustRun("Writing a chain", this.#context.python, ["-I", ...args], { env: pythonEnv() });
  }

  /** Runs it with nothing cached. */
  async runCold() {
    removeFolder(path.join(this.#folder, stores[this.who]));
    await this.#run(this.cold);
  }

  /** Runs it with all cached. */
  async runWarm() {
    if (this.cold.length > 0) await this.#run(this.warm);
  }

  /** @param {Done[]} times */
  async #run(times) {
    if (this.skipped !== null) return;
    const { python, peers, limit } = this.#context;
    // ours is measured however long it takes
    const options = { cwd: this.#folder, limit: this.who === ours ? 500 : limit };
    const target = `chain.py:s${this.length - 1}`;
    const timing =
      this.who === ours
        ? await time(python, python, ["-m", "stageloom", "realize", "-q", target], {
            ...options,
            env: { PYTHONPATH: path.join(root, "python-kernel/src") },
          })
        : await time(python, peers, ["chain.py"], options);
    if (timing.is === "done") times.push(timing);
    else this.skipped = reason(timing);
  }
}

/**
 * What a run at `length` would take, were it to grow as it did between the two lengths before.
 *
 * @param {readonly Chain[]} earlier of the same peer, shortest first
 * @param {number} length
 * @returns {number} milliseconds
 */
const projected = (earlier, length) => {
  const [shorter, longer] = earlier.slice(-2);
  const [a, b] = [shorter, longer].map((chain) => (chain === undefined ? Number.NaN : median(chain.cold, "wall")));
  if (shorter === undefined || longer === undefined || a === undefined || b === undefined) return 0;
  const growth = Math.max(1, Math.log(b / a) / Math.log(longer.length / shorter.length));
  return b * (length / longer.length) ** growth;
};

/** @param {readonly Done[]} times @param {"wall" | "cpu"} clock */
const median = (times, clock) => figure(times.map((one) => one[clock] ?? Number.NaN)).median;

/** Whether there is time for one more: what takes long is measured less often. @param {readonly Done[]} times @param {number} turn */
const mayAgain = (times, turn) => turn === 0 || turn * median(times, "wall") < 10_000;

/** Measures one length, who after who in turns, so that a busy moment of the machine meets them all. @param {readonly Chain[]} chains @param {number} repeats */
const measure = async (chains, repeats) => {
  for (const chain of chains) if (chain.skipped === null) await chain.write();
  for (let turn = 0; turn < repeats; turn += 1) {
    for (const chain of chains) if (mayAgain(chain.cold, turn)) await chain.runCold();
  }
  for (let turn = 0; turn < repeats * 2; turn += 1) {
    for (const chain of chains) if (mayAgain(chain.warm, turn)) await chain.runWarm();
  }
};

/**
 * The whole command, and what a stage adds to it, by both clocks: the wall clock is what a user waits for, the
 * processor's is what other work on the machine disturbs least.
 *
 * @param {Chain} chain
 * @param {Chain} one the chain of one stage
 * @param {"cold" | "warm"} state
 * @returns {Row[]}
 */
const rowsOf = (chain, one, state) => {
  const what = `${chain.length} stage${chain.length === 1 ? "" : "s"}`;
  if (chain[state].length === 0 || one[state].length === 0) {
    const skipped = chain.skipped ?? "not run";
    return kinds.map((kind) => ({ bench: `${state}, ${kind}`, what, who: chain.who, skipped }));
  }
  const named = { what, who: chain.who, unit: "ms", repeats: chain[state].length };
  return /** @type {const} */ (["wall", "cpu"]).flatMap((clock) => {
    const total = figure(chain[state].map((taken) => taken[clock] ?? Number.NaN));
    const base = figure(one[state].map((taken) => taken[clock] ?? Number.NaN));
    const row = { ...named, bench: `${state}, whole command, ${clock}`, value: total };
    if (chain.length === 1) return [row];
    const stages = chain.length - 1;
    const each = { min: (total.min - base.min) / stages, median: (total.median - base.median) / stages };
    return [row, { ...named, bench: `${state}, a stage, ${clock}`, value: each }];
  });
};

/** What is told of each, in the order of the tables. */
const kinds = ["a stage, cpu", "a stage, wall", "whole command, cpu", "whole command, wall"];

/** @param {Context} context @returns {Promise<Row[]>} */
export const benchChain = async (context) => {
  const parent = temporaryFolder("bench-chain");
  const lengths = context.quick ? [1, 10, 100, 1000] : [1, 10, 100, 1000, 10_000];
  /** @type {Chain[]} */
  const all = [];
  for (const length of lengths) {
    print(`… chains of ${length}`);
    const chains = who.map((name) => new Chain(context, name, length, parent));
    for (const chain of chains) {
      const earlier = all.filter((other) => other.who === chain.who);
      const before = earlier.at(-1)?.skipped;
      const wait = projected(earlier, length) / 1000;
      if (typeof before === "string") chain.skipped = `at ${earlier.at(-1)?.length ?? 0} already ${before}`;
      else if (wait > context.limit && chain.who !== ours) {
        chain.skipped = `would take about ${wait.toFixed(0)} s, as its time grows; the limit is ${context.limit} s`;
      }
    }
    await measure(chains, context.repeats);
    all.push(...chains);
  }
  const rows = /** @type {const} */ (["warm", "cold"]).flatMap((state) =>
    all.flatMap((chain) => rowsOf(chain, all.find((one) => one.who === chain.who) ?? chain, state)),
  );
  return ["warm", "cold"].flatMap((state) =>
    kinds.flatMap((kind) => rows.filter(({ bench }) => bench === `${state}, ${kind}`)),
  );
};
