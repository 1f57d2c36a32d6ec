/**
 * `npm start`: installs what is missing, builds, and opens the example in VS Code with the extension.
 *
 * Options: `--embedded` for the one in the browser even where a desktop VS Code is found; a folder to open another
 * workspace than examples/annealing.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { bootstrap, projectNode } from "./lib/bootstrap.mjs";
import { findDesktop } from "./lib/editor.mjs";
import { Failure, runMain } from "./lib/failure.mjs";
import { cacheFolder, root } from "./lib/paths.mjs";
import { print, step } from "./lib/print.mjs";
import { endWithSignals, mustRun, start } from "./lib/processes.mjs";
import { environment } from "./lib/python.mjs";
import { startServer } from "./lib/server.mjs";

/** A folder of this checkout's own for an editor's data. @param {string} kind */
const dataFolder = (kind) => {
  const key = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return path.join(cacheFolder(), `${kind}-${key}`);
};

/** Sets a value in a settings file and leaves the others. @param {string} file @param {Record<string, unknown>} values */
const mergeSettings = async (file, values) => {
  /** @type {unknown} */
  let before = {};
  try {
    if (existsSync(file)) before = JSON.parse(await readFile(file, "utf8"));
  } catch {
    print(`${file} holds more than plain JSON and is left as it is; set there: ${JSON.stringify(values)}`);
    return;
  }
  await mkdir(path.dirname(file), { recursive: true });
  const after = { .../** @type {object} */ (before), ...values };
  await writeFile(file, `${JSON.stringify(after, null, 2)}\n`);
};

/**
 * Opens a window of its own, with settings of its own: the user's profile is left alone.
 *
 * @param {string} code @param {string} workspace @param {string} python @returns {Promise<number>}
 */
const openDesktop = async (code, workspace, python) => {
  const folder = dataFolder("desktop");
  await mergeSettings(path.join(folder, "user/User/settings.json"), { "stageloom.python": python });
  const args = [
    ...["--user-data-dir", path.join(folder, "user"), "--extensions-dir", path.join(folder, "extensions")],
    ...[`--extensionDevelopmentPath=${root}`, "--new-window", "--wait"],
    ...[workspace, "--goto", path.join(workspace, "pipeline.py")],
  ];
  const shell = process.platform === "win32";
  const quoted = shell ? args.map((arg) => `"${arg}"`) : args;
  const child = start(shell ? `"${code}"` : code, quoted, { stdio: "inherit", shell });
  print(`\nVS Code opens ${path.relative(root, workspace)}. Close its window or press Ctrl+C to end.`);
  return new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new Failure(`${code} does not start: ${error.message}`));
    });
    child.once("exit", (status) => {
      resolve(status ?? 1);
    });
  });
};

/** @param {string} workspace @param {string} python @returns {Promise<number>} */
const openEmbedded = async (workspace, python) => {
  const data = { folder: dataFolder("editor"), machine: { "stageloom.python": python } };
  const settings = path.join(data.folder, "user/User/settings.json");
  // the user's from then on; stages run once the folder is trusted, so let the question be seen
  if (!existsSync(settings)) await mergeSettings(settings, { "security.workspace.trust.startupPrompt": "always" });
  const server = await startServer(data, { extension: root });
  const file = path.join(workspace, "pipeline.py");
  const address = server.address(workspace, existsSync(file) ? [["openFile", server.uri(file)]] : []);
  print(`\nVS Code with Stageloom is at\n\n  ${address}\n\nPress Ctrl+C to end it.`);
  return (await server.ended) ?? 1;
};

await runMain(async () => {
  if (!(await bootstrap())) return Number(process.exitCode ?? 1);
  endWithSignals();
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { embedded: { type: "boolean", default: false } },
  });
  const workspace = path.resolve(positionals[0] ?? path.join(root, "examples/annealing"));
  if (!existsSync(workspace)) throw new Failure(`There is no folder ${workspace}.`);
  const python = await environment("examples");
  await step("building", () => mustRun("Building", projectNode, ["scripts/build.mjs"], { cwd: root }));
  const desktop = values.embedded ? undefined : findDesktop();
  return desktop === undefined ? openEmbedded(workspace, python) : openDesktop(desktop, workspace, python);
});
