/** Laying pipelines out, against the two libraries that are commonly taken for it. */
import { createHash } from "node:crypto";
import { cpSync, readFileSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { npm, projectNode } from "../../scripts/lib/bootstrap.mjs";
import { complete } from "../../scripts/lib/complete.mjs";
import { cacheFolder, root } from "../../scripts/lib/paths.mjs";
import { print, step } from "../../scripts/lib/print.mjs";
import { mustRun, run } from "../../scripts/lib/processes.mjs";
import { temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { figure } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/table.mjs").Row} Row */
/** @typedef {{ took: number; edges: number; crossings: number }} Laid */

/** The peers' packages, in a folder of their own. @returns {Promise<string>} */
const installPeers = async () => {
  const files = ["package.json", "package-lock.json"].map((name) => path.join(import.meta.dirname, name));
  const key = createHash("sha256");
  for (const file of files) key.update(readFileSync(file));
  const folder = path.join(cacheFolder(), `bench-layout-${key.digest("hex").slice(0, 12)}`);
  return complete(folder, () =>
    step("installing the layouters to measure against (once)", async () => {
      for (const file of files) cpSync(file, path.join(folder, path.basename(file)));
      const [command, args] = npm(["ci", "--ignore-scripts", "--no-fund", "--no-audit"]);
      await mustRun("Installing layouters", command, args, { cwd: folder });
    }),
  );
};

/** @param {string} outdir */
const bundle = async (outdir) => {
  const outfile = path.join(outdir, "layered.mjs");
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["webview/src/layout/layered.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "esm",
    logLevel: "warning",
  });
  return outfile;
};

/** @param {import("../context.mjs").Context} context @returns {Promise<Row[]>} */
export const benchLayout = async ({ repeats, limit }) => {
  const folder = await installPeers();
  const bundled = await bundle(temporaryFolder("bench-layout"));
  /** @type {Record<string, string>} */
  const given = {};
  /** @type {Row[]} */
  const rows = [];
  for (const size of [100, 1000, 10_000]) {
    print(`… graphs of ${size} nodes`);
    /** @type {Record<string, Laid[]>} */
    const found = { [ours]: [], dagre: [], elkjs: [] };
    for (let turn = 0; turn < repeats; turn += 1) {
      for (const [who, laid] of Object.entries(found)) {
        if (given[who] !== undefined || (laid[0]?.took ?? 0) > 5000) continue;
        const args = [path.join(import.meta.dirname, "one.mjs"), who, String(size), bundled, folder];
        const heap = "--max-old-space-size=4096";
        const ended = await run(projectNode, [heap, "--stack-size=4000", ...args], { timeout: limit * 1000 });
        if (ended.code === 0) laid.push(read(ended.tail));
        else given[who] = ended.timedOut ? `no layout of ${size} nodes within ${limit} s` : why(size, ended.tail);
      }
    }
    for (const [who, laid] of Object.entries(found)) rows.push(rowOf(size, who, laid, given[who]));
  }
  return rows;
};

/** @param {string} text @returns {Laid} */
const read = (text) => {
  /** @type {unknown} */
  const told = JSON.parse(text);
  return /** @type {Laid} */ (told); // safe: one.mjs writes exactly this
};

/** @param {number} size @param {string} tail */
const why = (size, tail) => {
  const line = tail.split("\n").find((one) => /error/i.test(one)) ?? "it ended";
  return `fails at ${size} nodes: ${line.trim().slice(0, 120)}`;
};

/** @param {number} size @param {string} who @param {readonly Laid[]} laid @param {string | undefined} skipped @returns {Row} */
const rowOf = (size, who, laid, skipped) => {
  const [first] = laid;
  const named = { bench: "layout", what: `${size} nodes`, who };
  if (first === undefined) return { ...named, skipped: skipped ?? "not run" };
  const value = figure(laid.map(({ took }) => took));
  const more = { edges: String(first.edges), crossings: String(first.crossings) };
  return { ...named, unit: "ms", value, repeats: laid.length, more };
};
