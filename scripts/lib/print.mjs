/** Writes a line to standard output. @param {string} line */
export const print = (line = "") => {
  process.stdout.write(`${line}\n`);
};

/** Writes a line to standard error. @param {string} line */
export const complain = (line) => {
  process.stderr.write(`${line}\n`);
};

/** @param {number} since as `performance.now()` gave it */
export const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/**
 * Says what is being done and, when it took a while, that it is done.
 *
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export const step = async (what, work) => {
  const begun = performance.now();
  print(`… ${what}`);
  const result = await work();
  print(`  done in ${seconds(begun)}`);
  return result;
};
