/** Writes a line to standard output. @param {string} line */
export const print = (line = "") => {
  process.stdout.write(`${line}\n`);
};

/** Writes a line to standard error. @param {string} line */
export const complain = (line) => {
  process.stderr.write(`${line}\n`);
};
