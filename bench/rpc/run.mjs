/** Asking a kernel: ours by the extension's own library, a Jupyter kernel by jupyter_client. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { projectNode } from "../../scripts/lib/bootstrap.mjs";
import { Failure } from "../../scripts/lib/failure.mjs";
import { root } from "../../scripts/lib/paths.mjs";
import { run } from "../../scripts/lib/processes.mjs";
import { temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { figure, pythonEnv } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/table.mjs").Row} Row */
/** @typedef {{ engineReady: number; workerReady: number; engine: number[]; worker: number[] }} Ours */
/** @typedef {{ ready: number; rounds: number[] }} Jupyter */

/** @param {string} outdir @returns {Promise<{ program: string; guardian: string }>} */
const bundle = async (outdir) => {
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: { host: "bench/rpc/host.ts", guardian: "extension/src/supervision/guardian.ts" },
    outdir,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    define: { "import.meta.url": "importMetaUrl" },
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    logLevel: "warning",
  });
  return { program: path.join(outdir, "host.cjs"), guardian: path.join(outdir, "guardian.cjs") };
};

/** @param {string} command @param {readonly string[]} args @returns {Promise<unknown>} */
const told = async (command, args) => {
  const { code, tail, timedOut } = await run(command, args, { env: pythonEnv(), timeout: 120_000 });
  const line = tail.slice(tail.lastIndexOf("{"));
  if (code !== 0 || timedOut || line === "") throw new Failure(`${args[0] ?? command} failed:\n${tail}`);
  /** @type {unknown} */
  const found = JSON.parse(line);
  return found;
};

/** @param {import("../context.mjs").Context} context @returns {Promise<Row[]>} */
export const benchRpc = async ({ python, peers, repeats, quick }) => {
  const folder = temporaryFolder("bench-rpc");
  const { program, guardian } = await bundle(folder);
  const kernel = path.join(root, "python-kernel/src");
  const rounds = String(quick ? 100 : 300);
  /** @type {Ours[]} */
  const own = [];
  /** @type {Jupyter[]} */
  const other = [];
  for (let turn = 0; turn < repeats; turn += 1) {
    const workspace = path.join(folder, `workspace-${turn}`);
    mkdirSync(workspace);
    writeFileSync(
      path.join(workspace, "pipeline.py"),
      "from stageloom import stage\n\n\n@stage\ndef s():\n    return 0\n",
    );
    // safe: the two programs write exactly these
    own.push(/** @type {Ours} */ (await told(projectNode, [program, workspace, guardian, python, kernel, rounds])));
    other.push(/** @type {Jupyter} */ (await told(peers, [path.join(import.meta.dirname, "jupyter.py"), rounds])));
  }
  /** @param {string} what @param {string} who @param {readonly number[]} values @returns {Row} */
  const row = (what, who, values) => ({
    ...{ bench: "kernel", what, who, unit: "ms" },
    value: figure(values),
    repeats: values.length,
  });
  return [
    row(
      "round trip",
      ours,
      own.flatMap(({ worker }) => worker),
    ),
    row(
      "round trip",
      "jupyter, execute to idle",
      other.flatMap((one) => one.rounds),
    ),
    row(
      "round trip",
      "stageloom, what the engine has cached",
      own.flatMap(({ engine }) => engine),
    ),
    row(
      "from start to ready",
      ours,
      own.map(({ workerReady }) => workerReady),
    ),
    row(
      "from start to ready",
      "jupyter",
      other.map(({ ready }) => ready),
    ),
    row(
      "from start to ready",
      "stageloom, the engine",
      own.map(({ engineReady }) => engineReady),
    ),
  ];
};
