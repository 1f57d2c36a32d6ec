/**
 * Builds what the extension ships: `node scripts/build.mjs [--watch] [--production] [--outdir dist]`.
 *
 * dist/extension.js   the host's bundle (CJS, since VS Code requires it and vscode-jsonrpc wants it)
 * dist/guardian.js    the program that ends what a killed host leaves behind
 * dist/kernels.js     the library of pools for other programs; with --production its types below dist/types
 * dist/webview/       the panels' scripts and styles, one bundle an entry point, and the codicons font
 * dist/kernel/        the Python package's sources, for interpreters that have no stageloom of their own
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import * as esbuild from "esbuild";
import { root } from "./lib/paths.mjs";
import { print } from "./lib/print.mjs";

const { values } = parseArgs({
  options: {
    watch: { type: "boolean", default: false },
    production: { type: "boolean", default: false },
    outdir: { type: "string", default: path.join(root, "dist") },
  },
});

const dist = path.resolve(values.outdir);
/** @param {string[]} parts */
const inRoot = (...parts) => path.join(root, ...parts);

/** @param {{ production: boolean }} how @returns {esbuild.BuildOptions} */
const common = ({ production }) => ({
  absWorkingDir: root,
  bundle: true,
  minify: production,
  sourcemap: production ? false : "linked",
  legalComments: "eof",
  metafile: true,
  logLevel: "warning",
});

/** @param {{ production: boolean }} how @returns {esbuild.BuildOptions[]} */
const bundles = (how) => {
  /** @type {esbuild.BuildOptions[]} */
  const found = [];
  if (existsSync(inRoot("extension/src/extension.ts"))) {
    found.push({
      ...common(how),
      entryPoints: {
        extension: "extension/src/extension.ts",
        guardian: "extension/src/supervision/guardian.ts",
        kernels: "extension/src/kernels/library.ts",
      },
      outdir: dist,
      platform: "node",
      target: "node22",
      format: "cjs",
      external: ["vscode"],
      // execa and others are ESM: what they ask of import.meta.url must answer in a CJS bundle
      define: { "import.meta.url": "importMetaUrl" },
      banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    });
  }
  const pages = ["panel.ts", "layout.ts"].filter((name) => existsSync(inRoot("webview/src", name)));
  if (pages.length > 0) {
    found.push({
      ...common(how),
      entryPoints: pages.map((name) => `webview/src/${name}`),
      outdir: path.join(dist, "webview"),
      platform: "browser",
      target: "chrome128",
      format: "esm",
      loader: { ".ttf": "file", ".svg": "dataurl" },
    });
  }
  return found;
};

/** The files of the Python package that ship. @returns {Promise<string[]>} below its folder */
const kernelFiles = async () => {
  const folder = inRoot("python-kernel/src/stageloom");
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /\.(py|typed|json)$/.test(entry.name))
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
};

/** @returns {Promise<string[]>} what was written */
const copyKernel = async () => {
  const target = path.join(dist, "kernel", "stageloom");
  const files = await kernelFiles();
  for (const file of files) await cp(inRoot("python-kernel/src/stageloom", file), path.join(target, file));
  return files.map((file) => path.join(target, file));
};

/** @returns {Promise<string[]>} what was written */
const copyIcons = async () => {
  const source = inRoot("node_modules/@vscode/codicons/dist");
  const names = ["codicon.css", "codicon.ttf"];
  for (const name of names) await cp(path.join(source, name), path.join(dist, "webview", name));
  return names.map((name) => path.join(dist, "webview", name));
};

/** Writes the types of the library of pools. @returns {Promise<string[]>} what was written */
const writeTypes = async () => {
  const target = path.join(dist, "types");
  const compiler = inRoot("node_modules/typescript/bin/tsc");
  const project = inRoot("extension/tsconfig.library.json");
  await promisify(execFile)(process.execPath, [compiler, "--project", project, "--outDir", target]);
  const entries = await readdir(target, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
};

/** Removes what an earlier build left; all the rest stays in place, since an editor may be running it. @param {Set<string>} written */
const prune = async (written) => {
  for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && !written.has(file)) await rm(file, { force: true });
  }
};

/** @param {string} folder @returns {Promise<{ files: number; bytes: number }>} */
const sizeOf = async (folder) => {
  let files = 0;
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    files += 1;
    bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
  }
  return { files, bytes };
};

/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1).padStart(9)} KB`;

/** @param {esbuild.Metafile} metafile */
const printSizes = (metafile) => {
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (!file.endsWith(".map")) print(`${kilobytes(output.bytes)}  ${file}`);
  }
};

/** Says in the form that an editor's problem matcher reads when a round begins and ends. @type {esbuild.Plugin} */
const announce = {
  name: "announce",
  setup(build) {
    build.onStart(() => {
      print("[watch] build started");
    });
    build.onEnd((result) => {
      if (result.metafile !== undefined) printSizes(result.metafile);
      print(`[watch] build finished with ${result.errors.length} errors`);
    });
  },
};

await mkdir(dist, { recursive: true });
const copied = [...(await copyKernel()), ...(await copyIcons())];
if (values.watch) {
  for (const options of bundles(values)) {
    const context = await esbuild.context({ ...options, plugins: [announce] });
    await context.watch();
  }
} else {
  try {
    const results = await Promise.all(bundles(values).map((options) => esbuild.build(options)));
    const outputs = results.flatMap(({ metafile }) => Object.keys(metafile?.outputs ?? {}));
    const types = values.production ? await writeTypes() : [];
    await prune(new Set([...copied, ...types, ...outputs.map((file) => path.resolve(root, file))]));
    for (const result of results) if (result.metafile !== undefined) printSizes(result.metafile);
    const { files, bytes } = await sizeOf(path.join(dist, "kernel"));
    print(`${kilobytes(bytes)}  ${path.relative(root, dist)}/kernel (${files} files)`);
  } catch {
    // esbuild has printed what is wrong and where
    process.exitCode = 1;
  }
}
