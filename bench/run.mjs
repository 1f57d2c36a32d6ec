/**
 * `npm run bench`: measures ours and its peers side by side, prints tables, and writes bench/results/<date>.json.
 * `npm run bench -- --quick` takes a few minutes; `npm run bench -- chain import` measures those alone.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, totalmem } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { bootstrap } from "../scripts/lib/bootstrap.mjs";
import { Failure, runMain } from "../scripts/lib/failure.mjs";
import { root } from "../scripts/lib/paths.mjs";
import { print, seconds } from "../scripts/lib/print.mjs";
import { endWithSignals, mustRun } from "../scripts/lib/processes.mjs";
import { environment } from "../scripts/lib/python.mjs";
import { pythonEnv } from "./lib/measure.mjs";
import { printTable, withRatios } from "./lib/table.mjs";

/** @typedef {import("./lib/table.mjs").Row} Row */
/** @typedef {import("./context.mjs").Context} Context */

/** What can be measured; loaded on use, since the project's packages may not be there before. */
const benches = {
  import: async () => (await import("./imports.mjs")).benchImports,
  chain: async () => (await import("./chain/run.mjs")).benchChain,
  work: async () => (await import("./work/run.mjs")).benchWork,
  store: async () => (await import("./store/run.mjs")).benchStore,
  kernel: async () => (await import("./rpc/run.mjs")).benchRpc,
  layout: async () => (await import("./layout/run.mjs")).benchLayout,
  editor: async () => (await import("./editor/run.mjs")).benchEditor,
  bundle: async () => (await import("./bundles.mjs")).benchBundles,
};

/** @typedef {keyof typeof benches} Name */

const names = /** @type {Name[]} */ (Object.keys(benches));

/** @param {readonly string[]} given @returns {Name[]} */
const choose = (given) => {
  const unknown = given.filter((one) => !names.some((name) => name === one));
  if (unknown.length > 0) throw new Failure(`Nothing is called ${unknown.join(", ")}. There are ${names.join(", ")}.`);
  return given.length === 0 ? names : names.filter((name) => given.includes(name));
};

/** @param {string} python @returns {Promise<string>} */
const versionOf = async (python) =>
  (await mustRun("Asking Python", python, ["-I", "-c", "import sys; print(sys.version.split()[0])"])).trim();

/** @param {boolean} quick @param {string} python */
const conditions = async (quick, python) => ({
  at: new Date().toISOString(),
  quick,
  processor: cpus()[0]?.model ?? "unknown",
  processors: cpus().length,
  memory: totalmem(),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
  python: await versionOf(python),
  // other work on the machine makes every figure larger, and the ratios less sure
  load: loadavg(),
});

/** @param {Awaited<ReturnType<typeof conditions>>} told @param {readonly Row[]} rows */
const write = (told, rows) => {
  const folder = path.join(root, "bench/results");
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${told.at.replaceAll(":", "-").slice(0, 19)}.json`);
  writeFileSync(file, `${JSON.stringify({ ...told, rows }, null, 2)}\n`);
  return file;
};

await runMain(async () => {
  if (!(await bootstrap())) return Number(process.exitCode ?? 1);
  endWithSignals();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: "boolean", default: false } },
  });
  const chosen = choose(positionals);
  const { quick } = values;
  const python = await environment("dev");
  /** @type {Context} */
  const context = {
    quick,
    python,
    peers: await environment("bench"),
    repeats: quick ? 2 : 3,
    limit: quick ? 10 : 25,
  };
  // as after an installation: with byte code
  await mustRun("Compiling", python, ["-m", "compileall", "-q", path.join(root, "python-kernel/src")], {
    env: pythonEnv(),
  });
  const told = await conditions(quick, python);
  print(
    `${told.processors} × ${told.processor}, Python ${told.python}, Node ${told.node}, load ${String(told.load[0])}`,
  );
  /** @type {Row[]} */
  const rows = [];
  for (const name of chosen) {
    const begun = performance.now();
    const bench = await benches[name]();
    const found = withRatios(await bench(context));
    for (const title of new Set(found.map((row) => row.bench))) {
      printTable(
        title,
        found.filter((row) => row.bench === title),
      );
    }
    print(`  measured in ${seconds(begun)}`);
    rows.push(...found);
  }
  print(`\nwritten to ${path.relative(process.cwd(), write(told, rows))}`);
  return 0;
});
