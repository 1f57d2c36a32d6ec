/**
 * Tiny stages in a chain, and in a fan, cold and warm: each a whole process of its own, and again in the same process.
 */
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

/** Who realizes it, and where each leaves what it caches. */
const stores = {
  stageloom: [".stageloom"],
  ninja: ["cache", ".ninja_log", ".ninja_deps"],
  luigi: ["cache"],
  diskcache: ["cache"],
  joblib: ["cache"],
  pyplant: ["plant"],
  hamilton: ["cache"],
  pylightnix: ["storage"],
};

/** @typedef {keyof typeof stores} Who */
/** @typedef {"chain" | "fan"} Shape */

const who = /** @type {Who[]} */ (Object.keys(stores));

/** How often a process that looks again does so. */
const again = 5;

/** Stages of one who's, ready to be run. */
class Chain {
  /** @type {Done[]} */ cold = [];
  /** @type {Done[]} */ warm = [];
  /** @type {Done[]} warm, and looked at again */ same = [];
  /** @type {Done[]} warm, the same program without looking again */ base = [];
  /** @type {string | null} why it is not measured */ skipped = null;
  #context;
  #folder;

  /** @param {Context} context @param {Who} who @param {Shape} shape @param {number} length @param {string} parent */
  constructor(context, who, shape, length, parent) {
    this.who = who;
    this.shape = shape;
    this.length = length;
    this.#context = context;
    this.#folder = path.join(parent, `${who}-${shape}-${length}`);
    mkdirSync(this.#folder);
  }

  async write() {
    const file = path.join(this.#folder, "chain.py");
    const args = [path.join(import.meta.dirname, "write.py"), this.who, this.shape, String(this.length), file];
    await mustRun("Writing a chain", this.#context.python, ["-I", ...args], { env: pythonEnv() });
  }

  /** Runs it with nothing cached. */
  async runCold() {
    for (const name of stores[this.who]) removeFolder(path.join(this.#folder, name));
    await this.#run(this.cold, this.#once());
  }

  /** Runs it with all cached. */
  async runWarm() {
    if (this.cold.length > 0) await this.#run(this.warm, this.#once());
  }

  /** Runs it with all cached, some times more in the same process. */
  async runSame() {
    // ninja has no process to stay in, and ours takes one stage by its name
    if (this.warm.length === 0 || this.who === "ninja" || this.shape === "fan") return;
    await this.#run(this.base, this.#again(0));
    await this.#run(this.same, this.#again(again));
  }

  /** @returns {[string, string[]]} */
  #once() {
    const { python, peers } = this.#context;
    const target = this.shape === "fan" ? "chain.py" : `chain.py:s${this.length - 1}`;
    if (this.who === ours) return [python, ["-m", "stageloom", "realize", "-q", target]];
    if (this.who === "ninja") return [path.join(path.dirname(peers), "ninja"), ["--quiet", "-f", "chain.py"]];
    return [peers, ["chain.py"]];
  }

  /** @param {number} times @returns {[string, string[]]} */
  #again(times) {
    const { python, peers } = this.#context;
    const ourArgs = [path.join(import.meta.dirname, "again.py"), "chain.py", `s${this.length - 1}`, String(times)];
    return this.who === ours ? [python, ourArgs] : [peers, ["chain.py", String(times)]];
  }

  /** @param {Done[]} times @param {[string, string[]]} command */
  async #run(times, [command, args]) {
    if (this.skipped !== null) return;
    const { python, limit } = this.#context;
    // ours is measured however long it takes
    const options = { cwd: this.#folder, limit: this.who === ours ? 500 : limit };
    const env = this.who === ours ? { PYTHONPATH: path.join(root, "python-kernel/src") } : {};
    const timing = await time(python, command, args, { ...options, env });
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
const mayAgain = (times, turn) => turn === 0 || turn * median(times, "wall") < 4_000;

/** Measures one length, who after who in turns, so that a busy moment of the machine meets them all. @param {readonly Chain[]} chains @param {number} repeats */
const measure = async (chains, repeats) => {
  for (const chain of chains) if (chain.skipped === null) await chain.write();
  for (let turn = 0; turn < repeats; turn += 1) {
    for (const chain of chains) if (mayAgain(chain.cold, turn)) await chain.runCold();
  }
  for (let turn = 0; turn < repeats * 2; turn += 1) {
    for (const chain of chains) if (mayAgain(chain.warm, turn)) await chain.runWarm();
  }
  for (let turn = 0; turn < repeats; turn += 1) {
    for (const chain of chains) if (mayAgain(chain.same, turn)) await chain.runSame();
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
  const what = nameOf(chain);
  if (chain[state].length === 0 || one[state].length === 0) {
    const skipped = chain.skipped ?? "not run";
    return kinds.map((kind) => ({ bench: `${state}, ${kind}`, what, who: chain.who, skipped }));
  }
  const named = { what, who: chain.who, unit: "ms", repeats: chain[state].length };
  return clocks.flatMap((clock) => {
    const total = figure(chain[state].map((taken) => taken[clock] ?? Number.NaN));
    const base = figure(one[state].map((taken) => taken[clock] ?? Number.NaN));
    const row = { ...named, bench: `${state}, whole command, ${clock}`, value: total };
    if (chain.length === 1) return [row];
    return [row, { ...named, bench: `${state}, a stage, ${clock}`, value: per(total, base, chain.length - 1) }];
  });
};

/**
 * What looking at all of it once more costs a process that has done so.
 *
 * @param {Chain} chain
 * @returns {Row[]}
 */
const rowsOfSame = (chain) => {
  const bench = "warm, same process, a stage, cpu";
  const named = { bench, what: nameOf(chain), who: chain.who };
  if (chain.who === "ninja" || chain.shape === "fan" || chain.length < 100) return [];
  if (chain.same.length === 0) return [{ ...named, skipped: chain.skipped ?? "not run" }];
  const [base, times] = [chain.base, chain.same].map((done) => figure(done.map(({ cpu }) => cpu ?? Number.NaN)));
  if (base === undefined || times === undefined) return [];
  return [{ ...named, unit: "ms", repeats: chain.same.length, value: per(times, base, chain.length * again) }];
};

const clocks = /** @type {const} */ (["wall", "cpu"]);

/** @param {import("../lib/measure.mjs").Figure} total @param {import("../lib/measure.mjs").Figure} base @param {number} count */
const per = (total, base, count) => ({
  min: (total.min - base.min) / count,
  median: (total.median - base.median) / count,
});

/** @param {Chain} chain */
const nameOf = ({ shape, length }) =>
  shape === "fan" ? `a fan of ${length - 1}` : `${length} stage${length === 1 ? "" : "s"}`;

/** What is told of each, in the order of the tables. */
const kinds = ["a stage, cpu", "a stage, wall", "whole command, cpu", "whole command, wall"];

/** @param {Context} context @returns {Promise<Row[]>} */
export const benchChain = async (context) => {
  const parent = temporaryFolder("bench-chain");
  /** @type {[Shape, number][]} */
  const sizes = [
    ["chain", 1],
    ["chain", 10],
    ["chain", 100],
    ["fan", 501],
    ["chain", 1000],
    ...(context.quick ? [] : [/** @type {[Shape, number]} */ (["chain", 10_000])]),
  ];
  /** @type {Chain[]} */
  const all = [];
  for (const [shape, length] of sizes) {
    print(`… ${shape === "fan" ? "a fan" : "chains"} of ${length}`);
    const chains = who.map((name) => new Chain(context, name, shape, length, parent));
    for (const chain of chains) {
      const earlier = all.filter((other) => other.who === chain.who && other.shape === "chain");
      const before = earlier.at(-1)?.skipped;
      const wait = projected(earlier, length) / 1000;
      if (typeof before === "string") chain.skipped = `at ${earlier.at(-1)?.length ?? 0} already ${before}`;
      else if (wait > context.limit && chain.who !== ours) {
        chain.skipped = `would take about ${wait.toFixed(0)} s, as its time grows; the limit is ${context.limit} s`;
      }
    }
    await measure(chains, length >= 10_000 ? 2 : context.repeats);
    all.push(...chains);
  }
  const rows = /** @type {const} */ (["warm", "cold"]).flatMap((state) =>
    all.flatMap((chain) => rowsOf(chain, all.find((one) => one.who === chain.who) ?? chain, state)),
  );
  const told = ["warm", "cold"].flatMap((state) =>
    kinds.flatMap((kind) => rows.filter(({ bench }) => bench === `${state}, ${kind}`)),
  );
  return [...told, ...all.flatMap(rowsOfSame)];
};
