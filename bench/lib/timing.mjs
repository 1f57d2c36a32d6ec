/** Whole processes, timed. */
import { spawn } from "node:child_process";

/**
 * Runs a process to its end; rejects, with what it printed, when it fails.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<string>} what it printed
 */
export const execute = (command, args, options = {}) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (/** @type {string} */ text) => (out += text));
    child.stderr?.setEncoding("utf8").on("data", (/** @type {string} */ text) => (err += text));
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ${args.join(" ")} ended with ${String(code)}: ${(err || out).slice(-2000)}`));
    });
  });

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} [options]
 * @returns {Promise<number>} milliseconds from start to end
 */
export const timed = async (command, args, options = {}) => {
  const start = performance.now();
  await execute(command, args, options);
  return performance.now() - start;
};

/** @param {readonly number[]} values @param {number} share in [0, 1] */
export const quantile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
};
