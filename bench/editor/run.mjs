/** How long the extension takes to activate in VS Code's extension host, from loading its bundle to the end of activate(). */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as esbuild from "esbuild";
import { projectNode } from "../../scripts/lib/bootstrap.mjs";
import { browser } from "../../scripts/lib/browser.mjs";
import { embeddedEditor } from "../../scripts/lib/editor.mjs";
import { cleanEnv } from "../../scripts/lib/env.mjs";
import { Failure } from "../../scripts/lib/failure.mjs";
import { root } from "../../scripts/lib/paths.mjs";
import { print } from "../../scripts/lib/print.mjs";
import { mustRun, run } from "../../scripts/lib/processes.mjs";
import { temporaryFolder } from "../../scripts/lib/temporary.mjs";
import { figure } from "../lib/measure.mjs";
import { ours } from "../lib/table.mjs";

/** @typedef {import("../lib/table.mjs").Row} Row */
/** @typedef {{ taken: Record<string, number>; inside: number | null }} Told */

const own = "stageloom.stageloom";

/** The extension as it ships, with its manifest. @param {string} folder */
const buildExtension = async (folder) => {
  const args = ["scripts/build.mjs", "--production", "--outdir", path.join(folder, "dist")];
  await mustRun("Building", projectNode, args, { cwd: root });
  writeFileSync(path.join(folder, "package.json"), readFileSync(path.join(root, "package.json")));
};

/** @param {string} folder */
const buildProbe = async (folder) => {
  const outfile = path.join(folder, "probe", "index.js");
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["bench/editor/index.ts"],
    outfile,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    external: ["vscode"],
    logLevel: "warning",
  });
  return outfile;
};

/** @param {import("../context.mjs").Context} context @returns {Promise<Row[]>} */
export const benchEditor = async ({ quick, repeats }) => {
  await embeddedEditor();
  await browser();
  const folder = temporaryFolder("bench-editor");
  await buildExtension(folder);
  const probe = await buildProbe(folder);
  const workspace = path.join(folder, "workspace");
  mkdirSync(workspace);
  const launcher = path.join(root, "scripts/code-launcher.mjs");
  /** @type {Told[]} */
  const told = [];
  const starts = quick ? 1 : repeats;
  for (let turn = 0; turn < starts; turn += 1) {
    print(`… editor ${turn + 1} of ${starts}`);
    const results = path.join(folder, `told-${turn}.json`);
    const named = [
      `--extensionDevelopmentPath=${folder}`,
      `--extensionTestsPath=${probe}`,
      "--disable-workspace-trust",
    ];
    const ended = await run(projectNode, [launcher, ...named, workspace], {
      env: cleanEnv({ STAGELOOM_RESULTS: results }),
      timeout: 120_000,
    });
    if (ended.code !== 0) throw new Failure(`The editor did not end well:\n${ended.tail}`);
    /** @type {unknown} */
    const written = JSON.parse(readFileSync(results, "utf8"));
    told.push(/** @type {Told} */ (written)); // safe: the probe writes exactly this
  }
  const ids = Object.keys(told[0]?.taken ?? {});
  if (!ids.includes(own)) throw new Failure("The extension was active before it was measured, or is not there.");
  return ids.map((id) => {
    const value = figure(told.flatMap(({ taken }) => taken[id] ?? []));
    const inside = figure(told.flatMap((one) => one.inside ?? [])).median;
    const more = id === own ? { "of which activate() ms": inside } : {};
    const who = id === own ? ours : id;
    return { bench: "editor", what: "activation, with loading", who, unit: "ms", value, repeats: told.length, more };
  });
};
