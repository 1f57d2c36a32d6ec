/** What the production build weighs, beside the same code as it is written for development. */
import path from "node:path";
import { projectNode } from "../scripts/lib/bootstrap.mjs";
import { root } from "../scripts/lib/paths.mjs";
import { mustRun } from "../scripts/lib/processes.mjs";
import { temporaryFolder } from "../scripts/lib/temporary.mjs";
import { filesBelow, sizesOf } from "./lib/sizes.mjs";
import { ours } from "./lib/table.mjs";

/** @typedef {import("./lib/table.mjs").Row} Row */

const parts = [
  { what: "host", pattern: /^extension\.js$/ },
  { what: "guardian", pattern: /^guardian\.js$/ },
  { what: "panel", pattern: /^webview[/\\]panel\.(js|css)$/ },
  { what: "layout worker", pattern: /^webview[/\\]layout\.js$/ },
  { what: "kernel", pattern: /^kernel[/\\]/ },
  { what: "all", pattern: /(?<!\.map)$/ },
];

/** @returns {Promise<Row[]>} */
export const benchBundles = async () => {
  const folder = temporaryFolder("bench-build");
  /** @type {Row[]} */
  const rows = [];
  for (const mode of ["production", "development"]) {
    const outdir = path.join(folder, mode);
    const flags = mode === "production" ? ["--production"] : [];
    await mustRun("Building", projectNode, ["scripts/build.mjs", "--outdir", outdir, ...flags], { cwd: root });
    for (const { what, pattern } of parts) {
      const { bytes, gzip } = sizesOf(filesBelow(outdir, pattern));
      const value = { min: bytes / 1024, median: bytes / 1024 };
      const who = mode === "production" ? ours : "as built for development";
      rows.push({ bench: "bundle", what, who, unit: "KB", value, more: { "KB gzip": gzip / 1024 } });
    }
  }
  return rows;
};
