import { availableParallelism } from "node:os";
import path from "node:path";
import { projectNode } from "../lib/bootstrap.mjs";
import { root } from "../lib/paths.mjs";
import { temporaryFolder } from "../lib/temporary.mjs";

/**
 * One process that tests something. A check is one test: it passes when its process ends with 0. Others leave the
 * endings of their tests in the file that STAGELOOM_RESULTS names.
 *
 * @typedef {object} Suite
 * @property {string} name
 * @property {string} [group] what it is called by too, with others
 * @property {boolean} [long] whether it is for `npm run test:long` alone
 * @property {string} what
 * @property {boolean} check
 * @property {readonly ("python" | "build" | "editor" | "peers")[]} needs what has to be there before
 * @property {number} minutes after which it is ended
 * @property {(python: string) => readonly string[]} command
 * @property {string} [cwd] below the checkout
 * @property {NodeJS.ProcessEnv} [env]
 */

/** @param {string} name @param {readonly string[]} args */
const tool = (name, ...args) => {
  const script = {
    prettier: "prettier/bin/prettier.cjs",
    eslint: "eslint/bin/eslint.js",
    tsc: "typescript/bin/tsc",
    vitest: "vitest/vitest.mjs",
  }[name];
  return [projectNode, path.join(root, "node_modules", script ?? name), ...args];
};

/** @param {readonly string[]} projects */
const vitest = (...projects) =>
  tool(
    "vitest",
    ...["run", "--reporter=default", `--reporter=${path.join(root, "scripts/test/vitest-results.mjs")}`],
    ...projects.flatMap((project) => ["--project", project]),
  );

/**
 * Tests of the Python package, in a folder of their own: pytest deletes what earlier runs have left beside it, which may
 * take minutes.
 *
 * @param {readonly string[]} args
 * @returns {Pick<Suite, "check" | "needs" | "command" | "cwd" | "env">}
 */
const pytest = (...args) => ({
  check: false,
  needs: ["python"],
  command: (python) => [
    ...[python, "-m", "pytest", "-p", "pytest_results", "-n", String(half), "-ra"],
    ...["--basetemp", path.join(temporaryFolder("python"), "tests"), ...args],
  ],
  cwd: "python-kernel",
  env: { PYTHONPATH: ["python-kernel/src", "scripts/test"].map((at) => path.join(root, at)).join(path.delimiter) },
});

/** Folders of python-kernel/tests that are suites of their own, so that they run side by side with the others. */
const apart = { commands: ["tests/cli", "tests/worker", "tests/service"], store: ["tests/store", "tests/faults"] };

const half = Math.max(1, Math.floor(availableParallelism() / 2));

/** All of them, the long ones first: that is the order they start in. @type {readonly Suite[]} */
export const suites = [
  {
    name: "e2e",
    what: "a user in VS Code, in a browser",
    check: false,
    needs: ["python", "build", "editor"],
    minutes: 40,
    command: () => vitest("e2e"),
  },
  {
    name: "python-commands",
    group: "python",
    what: "the Python package: command line, engine and workers as processes",
    minutes: 40,
    ...pytest(...apart.commands),
  },
  {
    name: "python-store",
    group: "python",
    what: "the Python package: the store, and its faults",
    minutes: 40,
    ...pytest(...apart.store),
  },
  {
    name: "python-rest",
    group: "python",
    what: "the Python package: all else",
    minutes: 40,
    ...pytest(...Object.values(apart).flatMap((folders) => folders.map((folder) => `--ignore=${folder}`))),
    needs: ["python", "peers"],
  },
  {
    name: "faults",
    long: true,
    what: "faults by the hundred, docs/faults.md",
    minutes: 240,
    ...pytest("-m", "faults", "--durations=0"),
  },
  {
    name: "pools",
    long: true,
    what: "pools whose workers are killed: 20 seeds, 10,000 calls and 50 kills each",
    check: false,
    needs: ["python"],
    minutes: 120,
    command: () => [
      ...vitest("kernel"),
      "extension/test/kernel/calls-killed.test.ts",
      "extension/test/kernel/sessions.test.ts",
    ],
    env: {
      STAGELOOM_FAULT_SEEDS: Array.from({ length: 20 }, (_, seed) => String(seed + 1)).join(" "),
      STAGELOOM_FAULT_CALLS: "10000",
      STAGELOOM_FAULT_KILLS: "50",
    },
  },
  {
    name: "kernel",
    what: "a real kernel over stdio",
    check: false,
    needs: ["python", "build"],
    minutes: 15,
    command: () => vitest("kernel"),
  },
  {
    name: "editor",
    what: "the extension in VS Code's extension host",
    check: false,
    needs: ["python", "build", "editor"],
    minutes: 8,
    command: () => [projectNode, "scripts/test/in-editor.mjs"],
  },
  {
    name: "panel",
    what: "the pipeline panel in a browser",
    check: false,
    needs: ["build", "editor"],
    minutes: 8,
    command: () => vitest("panel"),
  },
  {
    name: "package",
    what: "the packaged extension in a clean profile",
    check: false,
    needs: ["python", "editor"],
    minutes: 10,
    command: () => vitest("package"),
  },
  {
    name: "unit",
    what: "TypeScript units",
    check: false,
    needs: ["python"],
    minutes: 8,
    command: () => vitest("unit", "webview"),
  },
  {
    name: "lint",
    what: "ESLint, and who may import whom",
    check: true,
    needs: [],
    minutes: 5,
    command: () => tool("eslint", "."),
  },
  {
    name: "types",
    what: "TypeScript's types",
    check: true,
    needs: [],
    minutes: 5,
    command: () => tool("tsc", "--build"),
  },
  {
    name: "format",
    what: "Prettier",
    check: true,
    needs: [],
    minutes: 3,
    command: () => tool("prettier", "--check", "."),
  },
  {
    name: "protocol",
    what: "the generated protocol is that of the Python messages",
    check: true,
    needs: ["python"],
    minutes: 2,
    command: () => [projectNode, "scripts/generate-protocol.mjs", "--check"],
  },
  {
    name: "python-types",
    what: "mypy",
    check: true,
    needs: ["python"],
    minutes: 5,
    command: (python) => [python, "-m", "mypy"],
    cwd: "python-kernel",
  },
  {
    name: "python-lint",
    what: "ruff",
    check: true,
    needs: ["python"],
    minutes: 2,
    command: (python) => [python, "-m", "ruff", "check", "."],
    cwd: "python-kernel",
  },
  {
    name: "python-format",
    what: "ruff's formatter",
    check: true,
    needs: ["python"],
    minutes: 2,
    command: (python) => [python, "-m", "ruff", "format", "--check", "."],
    cwd: "python-kernel",
  },
];
