/** What `import` costs in a new process: the part of every command that no cache saves. */
import path from "node:path";
import { root } from "../scripts/lib/paths.mjs";
import { figure, reason, time } from "./lib/measure.mjs";
import { ours } from "./lib/table.mjs";

/** @typedef {import("./lib/table.mjs").Row} Row */
/** @typedef {import("./lib/measure.mjs").Timing} Timing */

/** @param {import("./context.mjs").Context} context @returns {Promise<Row[]>} */
export const benchImports = async ({ python, peers, repeats }) => {
  const env = { PYTHONPATH: path.join(root, "python-kernel/src") };
  const kinds = [
    { who: ours, command: python, code: "from stageloom import stage", env },
    { who: "stageloom, the name alone", command: python, code: "import stageloom", env },
    { who: "stageloom, with its engine", command: python, code: "import stageloom.cli.arguments", env },
    { who: "the interpreter alone", command: python, code: "pass", env: {} },
    { who: "sqlite3, hashlib and json", command: python, code: "import sqlite3, hashlib, json", env: {} },
    ...["diskcache", "joblib", "luigi", "hamilton", "pyplant", "pylightnix"].map((name) => ({
      who: name,
      command: peers,
      code: `import ${name}`,
      env: {},
    })),
  ];
  /** @type {Timing[][]} */
  const times = kinds.map(() => []);
  // the first turn writes byte code and is not counted
  for (let turn = 0; turn <= repeats * 2; turn += 1) {
    for (const [at, { command, code, env: more }] of kinds.entries()) {
      const timing = await time(python, command, ["-c", code], { env: more });
      if (turn > 0) times[at]?.push(timing);
    }
  }
  return /** @type {const} */ (["cpu", "wall"]).flatMap((clock) =>
    kinds.map(({ who }, at) => {
      const named = { bench: `import, ${clock}`, what: "a new process", who };
      const done = (times[at] ?? []).filter((timing) => timing.is === "done");
      const undone = (times[at] ?? []).find((timing) => timing.is !== "done");
      if (undone !== undefined) return { ...named, skipped: reason(undone) };
      return {
        ...named,
        unit: "ms",
        value: figure(done.map((taken) => taken[clock] ?? Number.NaN)),
        repeats: done.length,
      };
    }),
  );
};
