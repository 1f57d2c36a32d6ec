/** Runs extension/test/editor in VS Code's extension host: the embedded one, or the one STAGELOOM_VSCODE names. */
import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runTests, TestRunFailedError } from "@vscode/test-electron";
import * as esbuild from "esbuild";
import { Failure, runMain } from "../lib/failure.mjs";
import { root } from "../lib/paths.mjs";
import { endWithSignals } from "../lib/processes.mjs";
import { environment } from "../lib/python.mjs";
import { temporaryFolder } from "../lib/temporary.mjs";

/** The tests as the extension host takes them, CommonJS; Mocha stays outside. @returns {Promise<string>} */
const bundle = async () => {
  const outdir = path.join(root, "out/editor");
  rmSync(outdir, { recursive: true, force: true });
  await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["extension/test/editor/index.ts", "extension/test/editor/*.test.ts"],
    outdir,
    bundle: true,
    platform: "node",
    target: "node22",
    format: "cjs",
    sourcemap: "inline",
    external: ["vscode", "mocha"],
    logLevel: "warning",
  });
  return path.join(outdir, "index.js");
};

/** A copy of the example with its interpreter set, as a user would have it. @param {string} python */
const makeWorkspace = (python) => {
  const workspace = path.join(temporaryFolder("editor-tests"), "annealing");
  cpSync(path.join(root, "examples/annealing"), workspace, {
    recursive: true,
    filter: (file) => ![".stageloom", "__pycache__"].includes(path.basename(file)),
  });
  mkdirSync(path.join(workspace, ".vscode"), { recursive: true });
  writeFileSync(path.join(workspace, ".vscode/settings.json"), JSON.stringify({ "stageloom.python": python }));
  return workspace;
};

await runMain(async () => {
  endWithSignals();
  const python = process.env["STAGELOOM_TEST_PYTHON"] ?? (await environment("dev"));
  const extensionTestsPath = await bundle();
  const given = process.env["STAGELOOM_VSCODE"];
  const vscodeExecutablePath =
    given === undefined || given === "embedded" ? path.join(root, "scripts/code-launcher.mjs") : given;
  try {
    return await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: root,
      extensionTestsPath,
      launchArgs: [makeWorkspace(python)],
      extensionTestsEnv: { STAGELOOM_TEST_PYTHON: python },
    });
  } catch (error) {
    if (error instanceof TestRunFailedError) throw new Failure(error.message);
    throw error;
  }
});
