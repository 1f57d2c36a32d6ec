/** Whole processes, timed: wall clock and processor, in milliseconds. */
import path from "node:path";
import { Failure } from "../../scripts/lib/failure.mjs";
import { run } from "../../scripts/lib/processes.mjs";

/** @typedef {{ is: "done"; wall: number; cpu: number | null }} Done */
/** @typedef {{ is: "late"; limit: number } | { is: "failed"; why: string }} Undone */
/** @typedef {Done | Undone} Timing */

/**
 * What runs is timed by `python`, which waits for it; the environment is that of a user who has cached byte code.
 *
 * @param {string} python
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string; env?: NodeJS.ProcessEnv; limit?: number }} [how] limit in seconds
 * @returns {Promise<Timing>}
 */
export const time = async (python, command, args, { cwd, env = {}, limit = 120 } = {}) => {
  const runner = path.join(import.meta.dirname, "timed.py");
  const ended = await run(python, ["-I", runner, String(limit), command, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: pythonEnv(env),
    timeout: (limit + 20) * 1000,
  });
  if (ended.timedOut) return { is: "late", limit };
  if (ended.code !== 0) throw new Failure(`Timing ${command} failed: ${ended.tail.trimEnd()}`);
  /** @type {unknown} */
  const parsed = JSON.parse(ended.tail);
  // safe: timed.py writes exactly this
  const told = /** @type {{ code: number; late: boolean; wall: number; cpu: number | null; tail: string }} */ (parsed);
  if (told.late) return { is: "late", limit };
  if (told.code === 0) return { is: "done", wall: told.wall, cpu: told.cpu };
  return { is: "failed", why: lastLine(told.tail) || `it ended with ${told.code}` };
};

/** @param {string} text */
const lastLine = (text) => text.trimEnd().split("\n").at(-1)?.slice(0, 200) ?? "";

/** @param {NodeJS.ProcessEnv} more @returns {NodeJS.ProcessEnv} */
export const pythonEnv = (more = {}) => ({
  ...process.env,
  PYTHONPATH: undefined,
  PYTHONDONTWRITEBYTECODE: undefined,
  PYTHONPYCACHEPREFIX: undefined,
  PYTHONWARNINGS: undefined,
  STAGELOOM_STORE: undefined,
  ...more,
});

/** @param {Undone} undone @returns {string} */
export const reason = (undone) =>
  undone.is === "late" ? `no end within ${undone.limit} s` : `it fails: ${undone.why}`;

/** @typedef {{ min: number; median: number }} Figure */

/** @param {readonly number[]} values @returns {Figure} */
export const figure = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { min: sorted[0] ?? Number.NaN, median };
};
