import { existsSync, readFileSync } from "node:fs";

/**
 * How one test ended; reason says why it failed or was skipped.
 *
 * @typedef {{ name: string; is: "passed" | "failed" | "skipped"; reason?: string }} Ending
 */

/**
 * The endings that a test runner has left in a file, as ours write them.
 *
 * @param {string} file
 * @returns {Ending[] | undefined} undefined when the runner never came that far
 */
export const readEndings = (file) => {
  if (!existsSync(file)) return undefined;
  try {
    /** @type {unknown} */
    const endings = JSON.parse(readFileSync(file, "utf8"));
    // written by our own reporters, which have this shape
    return /** @type {Ending[]} */ (endings);
  } catch {
    return undefined; // cut off in the middle
  }
};

/** Nothing is skipped without a word: such a test counts as failed. @param {Ending} ending @returns {Ending} */
const withReason = (ending) =>
  ending.is === "skipped" && (ending.reason ?? "").trim() === ""
    ? { ...ending, is: "failed", reason: "It was skipped without a reason." }
    : ending;

/**
 * What a whole suite comes to: its tests, and a failure more where the runner itself failed or ran nothing.
 *
 * @param {string} suite
 * @param {Ending[] | undefined} endings
 * @param {{ code: number | null; signal: string | null; timedOut: boolean }} process
 * @returns {Ending[]}
 */
export const settle = (suite, endings, { code, signal, timedOut }) => {
  const found = (endings ?? []).map(withReason);
  /** @param {string} reason */
  const failed = (reason) => [...found, /** @type {const} */ ({ name: suite, is: "failed", reason })];
  if (timedOut) return failed("The suite took too long and was ended.");
  if (endings === undefined) return failed(`The suite ended with ${signal ?? `status ${code}`} and left no results.`);
  if (found.length === 0) return failed("The suite ran no test.");
  if (code !== 0 && !found.some(({ is }) => is === "failed")) {
    return failed(
      `Every test passed, yet the suite ended with ${signal ?? `status ${code}`}: is something left running?`,
    );
  }
  return found;
};

/**
 * What a check comes to, whose process is its only test.
 *
 * @param {string} name
 * @param {{ code: number | null; signal: string | null; timedOut: boolean }} process
 * @returns {Ending}
 */
export const settleCheck = (name, { code, signal, timedOut }) => {
  if (timedOut) return { name, is: "failed", reason: "It took too long and was ended." };
  if (code === 0) return { name, is: "passed" };
  return { name, is: "failed", reason: `It ended with ${signal ?? `status ${code}`}.` };
};

/** @param {readonly Ending[]} endings @param {Ending["is"]} is */
export const count = (endings, is) => endings.filter((ending) => ending.is === is).length;
