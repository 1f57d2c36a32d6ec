/**
 * What every benchmark is given.
 *
 * @typedef {object} Context
 * @property {boolean} quick
 * @property {string} python the interpreter that ours runs on
 * @property {string} peers the interpreter of the peers' environment, of the same version
 * @property {number} repeats
 * @property {number} limit how long a peer may take for one thing, in seconds
 */

export {};
