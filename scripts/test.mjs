/**
 * `npm test`: installs what is missing, runs every suite, and closes with one line. `npm test -- unit python` runs
 * those alone, `npm test -- checks` what needs no test to run, `npm run test:long` the suites that take too long for
 * every day. Each suite's output is in test-results/<suite>.log.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { bootstrap, projectNode } from "./lib/bootstrap.mjs";
import { browser } from "./lib/browser.mjs";
import { embeddedEditor } from "./lib/editor.mjs";
import { cleanEnv } from "./lib/env.mjs";
import { Failure, runMain } from "./lib/failure.mjs";
import { root } from "./lib/paths.mjs";
import { print, seconds, step } from "./lib/print.mjs";
import { endWithSignals, mustRun, run } from "./lib/processes.mjs";
import { environment } from "./lib/python.mjs";
import { count, readEndings, settle, settleCheck } from "./test/results.mjs";
import { suites } from "./test/suites.mjs";

/** @typedef {import("./test/suites.mjs").Suite} Suite */
/** @typedef {import("./test/results.mjs").Ending} Ending */

const folder = path.join(root, "test-results");

/** @param {readonly string[]} names @param {boolean} long @returns {readonly Suite[]} */
const choose = (names, long) => {
  const all = suites.filter((suite) => (suite.long ?? false) === long);
  /** @param {Suite} suite */
  const called = ({ name, group, check }) => [
    name,
    ...(group === undefined ? [] : [group]),
    ...(check ? ["checks"] : []),
  ];
  const known = new Set(all.flatMap(called));
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0)
    throw new Failure(`No suite is called ${unknown.join(", ")}. There are ${[...known].join(", ")}.`);
  return names.length === 0 ? all : all.filter((suite) => called(suite).some((name) => names.includes(name)));
};

/** Python with what the faces are compared to; without a network the tests that compare are skipped and say so. */
const peersOrWhy = async () => {
  try {
    return { STAGELOOM_PEERS_PYTHON: await environment("bench"), STAGELOOM_PEERS_MISSING: undefined };
  } catch (error) {
    const why = error instanceof Error ? (error.message.trim().split("\n").at(-1) ?? "") : String(error);
    return { STAGELOOM_PEERS_PYTHON: undefined, STAGELOOM_PEERS_MISSING: why };
  }
};

/** Gets what these suites need. @param {readonly Suite[]} chosen @returns {Promise<NodeJS.ProcessEnv>} */
const prepare = async (chosen) => {
  /** @param {Suite["needs"][number]} need */
  const needed = (need) => chosen.some(({ needs }) => needs.includes(need));
  const python = needed("python") ? await environment("dev") : "";
  if (needed("editor")) {
    await embeddedEditor();
    await browser();
  }
  if (needed("build")) {
    await step("building", () => mustRun("Building", projectNode, ["scripts/build.mjs"], { cwd: root }));
  }
  const peers = needed("peers") ? await peersOrWhy() : {};
  return cleanEnv({
    STAGELOOM_TEST_PYTHON: python,
    ...peers,
    // they are the tests' own to set
    PYTHONPATH: undefined,
    PYTHONDONTWRITEBYTECODE: undefined,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
    CI: process.env["CI"] ?? "1",
  });
};

/** @param {Suite} suite @param {NodeJS.ProcessEnv} env @returns {Promise<Ending[]>} */
const runSuite = async (suite, env) => {
  const log = path.join(folder, `${suite.name}.log`);
  const results = path.join(folder, `${suite.name}.json`);
  const [command = "", ...args] = suite.command(env["STAGELOOM_TEST_PYTHON"] ?? "");
  const begun = performance.now();
  const ending = await run(command, args, {
    cwd: path.join(root, suite.cwd ?? ""),
    env: { ...env, ...suite.env, STAGELOOM_RESULTS: results },
    log,
    timeout: suite.minutes * 60_000,
    // one that leaves something running after its tests is ended, and has failed
    over: () => existsSync(results),
  });
  const endings = suite.check ? [settleCheck(suite.name, ending)] : settle(suite.name, readEndings(results), ending);
  print(
    [
      (count(endings, "failed") === 0 ? "ok" : "FAILED").padEnd(7),
      suite.name.padEnd(15),
      `${count(endings, "passed")} of ${endings.length}`.padStart(12),
      seconds(begun).padStart(9),
      `   ${suite.what}`,
    ].join(""),
  );
  return endings;
};

/**
 * Runs the suites side by side, as many at once as there are processors, up to four.
 *
 * @param {readonly Suite[]} chosen
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<ReadonlyMap<Suite, Ending[]>>}
 */
const runAll = async (chosen, env) => {
  const waiting = [...chosen];
  /** @type {Map<Suite, Ending[]>} */
  const endings = new Map();
  const lane = async () => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      endings.set(suite, await runSuite(suite, env));
    }
  };
  const lanes = Math.min(4, Math.max(2, availableParallelism()));
  await Promise.all(Array.from({ length: lanes }, lane));
  return endings;
};

/** What tests of faults have counted: lines of a suite's log that begin so. @param {Iterable<Suite>} ran */
const printCounts = (ran) => {
  for (const { name } of ran) {
    const log = path.join(folder, `${name}.log`);
    const lines = existsSync(log) ? readFileSync(log, "utf8").split("\n") : [];
    const counts = new Set(lines.filter((line) => line.startsWith("faults: ")));
    if (counts.size > 0) print(`\n── ${name}`);
    for (const line of counts) print(line);
  }
};

/** What a reader needs of the suites that failed, and why tests were skipped. @param {ReadonlyMap<Suite, Ending[]>} all */
const explain = (all) => {
  const failures = [...all].flatMap(([{ name }, endings]) =>
    endings.filter(({ is }) => is === "failed").map((test) => ({ suite: name, ...test })),
  );
  // the reasons before the logs: where a long output is cut, they are what is wanted
  for (const { suite, name, reason } of failures) {
    print(`\nFAILED  ${suite}: ${name}`);
    for (const line of (reason ?? "").split("\n").slice(0, 8)) print(`        ${line}`);
  }
  for (const suite of new Set(failures.map((failure) => failure.suite))) {
    print(`\n── ${suite}: the end of test-results/${suite}.log`);
    print(
      readFileSync(path.join(folder, `${suite}.log`), "utf8")
        .split("\n")
        .slice(-200)
        .join("\n"),
    );
  }
  for (const [{ name }, endings] of all) {
    for (const test of endings.filter(({ is }) => is === "skipped")) {
      print(`skipped ${name}: ${test.name}: ${test.reason ?? ""}`);
    }
  }
};

await runMain(async () => {
  if (!(await bootstrap())) return Number(process.exitCode ?? 1);
  endWithSignals();
  const { positionals, values } = parseArgs({ allowPositionals: true, options: { long: { type: "boolean" } } });
  const chosen = choose(positionals, values.long ?? false);
  const begun = performance.now();
  const env = await prepare(chosen);
  for (const { name } of chosen) {
    for (const ending of [".log", ".json"]) rmSync(path.join(folder, name + ending), { force: true });
  }
  mkdirSync(folder, { recursive: true });
  print(`… running ${chosen.map(({ name }) => name).join(", ")}`);
  const all = await runAll(chosen, env);
  printCounts(all.keys());
  explain(all);
  const endings = [...all.values()].flat();
  const failed = count(endings, "failed");
  print(`\n… all took ${seconds(begun)}`);
  const skipped = count(endings, "skipped");
  print(`${count(endings, "passed")} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  return failed > 0 || endings.length === 0 ? 1 : 0;
});
