/** A running embedded editor: one server, its data in one folder, one extension. */
import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { projectNode } from "./bootstrap.mjs";
import { embeddedEditor } from "./editor.mjs";
import { cleanEnv } from "./env.mjs";
import { Failure } from "./failure.mjs";
import { root } from "./paths.mjs";
import { endTree, mustRun, start } from "./processes.mjs";

/**
 * @typedef {object} Data the folder that a server keeps its things in
 * @property {string} folder
 * @property {Readonly<Record<string, unknown>>} [settings] what a user would have set
 * @property {Readonly<Record<string, unknown>>} [machine] what holds for the machine, settings of its scope above all
 */

/** @param {string} folder */
const places = (folder) => ({
  server: path.join(folder, "server"),
  user: path.join(folder, "user"),
  extensions: path.join(folder, "extensions"),
  token: path.join(folder, "server", "token"),
  log: path.join(folder, "server.log"),
});

/** What makes the workbench quiet: nothing that isn't about the extension. */
export const quietSettings = {
  "chat.disableAIFeatures": true,
  "workbench.startupEditor": "none",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "telemetry.telemetryLevel": "off",
  "extensions.autoCheckUpdates": false,
  "extensions.ignoreRecommendations": true,
  "update.mode": "none",
  "git.openRepositoryInParentFolders": "never",
};

/** @param {string} file @param {unknown} value */
const writeJson = async (file, value) => {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
};

/**
 * Puts the checkout's extension among a server's installed ones, as a link to the whole of it: what is built next is what
 * runs next, and uninstalling it in the editor removes the link alone. VS Code tells by the real path of a module whose
 * extension it is, so a folder of links to parts would leave ours without a name.
 *
 * @param {string} extensions the folder of extensions
 * @param {string} source a checkout of an extension
 */
export const linkExtension = async (extensions, source) => {
  /** @type {unknown} */
  const manifest = JSON.parse(await readFile(path.join(source, "package.json"), "utf8"));
  // an extension has these three, or VS Code doesn't take it
  const { publisher, name, version } = /** @type {Record<"publisher" | "name" | "version", string>} */ (manifest);
  const id = `${publisher}.${name}`;
  const folder = `${id}-${version}`;
  const target = path.join(extensions, folder);
  await rm(target, { recursive: true, force: true });
  // a link to a folder wants no rights on Windows as a junction
  await symlink(source, target, "junction");
  await writeJson(path.join(extensions, "extensions.json"), [
    {
      identifier: { id },
      version,
      location: { $mid: 1, path: target, scheme: "file" },
      relativeLocation: folder,
      metadata: { installedTimestamp: 1, source: "vsix" },
    },
  ]);
};

/** Installs a packaged extension into a server's folder. @param {string} folder @param {string} vsix */
export const installVsix = async (folder, vsix) => {
  const { extensions, user, server } = places(folder);
  const main = path.join(path.dirname(await embeddedEditor()), "server-main.js");
  const where = ["--extensions-dir", extensions, "--user-data-dir", user, "--server-data-dir", server];
  await mkdir(extensions, { recursive: true });
  return mustRun(`Installing ${vsix}`, projectNode, [main, ...where, "--install-extension", vsix, "--force"]);
};

/** @param {import("node:stream").Readable} stream @param {RegExp} pattern @returns {Promise<string>} */
const awaitText = (stream, pattern) =>
  new Promise((resolve) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (/** @type {string} */ part) => {
      text = (text + part).slice(-10_000);
      const found = pattern.exec(text)?.[1];
      if (found !== undefined) resolve(found);
    });
  });

/** One server, listening on this machine alone and asking for its token. */
export class EmbeddedServer {
  /** @type {import("node:child_process").ChildProcess} */
  #child;

  /** @param {import("node:child_process").ChildProcess} child @param {number} port @param {string} token */
  constructor(child, port, token) {
    this.#child = child;
    this.port = port;
    this.token = token;
    /** @type {Promise<number | null>} its exit status, when it ends */
    this.ended = new Promise((resolve) => child.once("exit", resolve));
  }

  /** @param {string} file on this machine, as the page names it */
  uri(file) {
    return `vscode-remote://127.0.0.1:${this.port}${file}`;
  }

  /**
   * The page that opens a workspace.
   *
   * @param {string} workspace a folder, or a workspace file that names several
   * @param {readonly (readonly [string, string])[]} payload what VS Code's web page takes beside the folder
   */
  address(workspace, payload = []) {
    const query = new URLSearchParams({ tkn: this.token });
    query.set(workspace.endsWith(".code-workspace") ? "workspace" : "folder", workspace);
    if (payload.length > 0) query.set("payload", JSON.stringify(payload));
    return `http://127.0.0.1:${this.port}/?${query.toString()}`;
  }

  /** Ends the server, its extension hosts and what they started. */
  async stop() {
    await endTree(this.#child);
  }

  /** @returns {number | undefined} */
  get pid() {
    return this.#child.pid;
  }
}

/**
 * Starts the embedded editor on a free port.
 *
 * @param {Data} data
 * @param {{ extension?: string; driver?: boolean; env?: NodeJS.ProcessEnv }} options
 *   extension: a checkout to link in; driver: let the page name extensions and tests, for tests alone
 * @returns {Promise<EmbeddedServer>}
 */
export const startServer = async (data, { extension, driver = false, env } = {}) => {
  const main = await embeddedEditor();
  const { server, user, extensions, token: tokenFile, log } = places(data.folder);
  await mkdir(server, { recursive: true, mode: 0o700 });
  await mkdir(extensions, { recursive: true });
  if (data.settings !== undefined) await writeJson(path.join(user, "User/settings.json"), data.settings);
  await writeJson(path.join(user, "Machine/settings.json"), { ...quietSettings, ...data.machine });
  if (extension !== undefined) await linkExtension(extensions, extension);
  const token = randomBytes(24).toString("hex");
  // in a file: the arguments of a process can be read by everyone on the machine
  await writeFile(tokenFile, token, { mode: 0o600 });
  const args = [
    ...[main, "--host", "127.0.0.1", "--port", "0", "--connection-token-file", tokenFile],
    ...["--accept-server-license-terms", "--telemetry-level", "off"],
    ...["--server-data-dir", server, "--user-data-dir", user, "--extensions-dir", extensions],
    ...(driver ? ["--enable-smoke-test-driver"] : []),
  ];
  const child = start(projectNode, args, { cwd: root, env: cleanEnv(env), stdio: ["ignore", "pipe", "pipe"] });
  const file = createWriteStream(log);
  child.stdout?.pipe(file, { end: false });
  child.stderr?.pipe(file, { end: false });
  const port = await Promise.race([
    child.stdout === null ? undefined : awaitText(child.stdout, /agent listening on (\d+)/),
    new Promise((resolve) => child.once("exit", resolve)).then(() => undefined),
    new Promise((resolve) => setTimeout(resolve, 60_000).unref()).then(() => undefined),
  ]);
  if (port === undefined) {
    await endTree(child);
    throw new Failure(`The embedded VS Code didn't start; see ${log}.`);
  }
  return new EmbeddedServer(child, Number(port), token);
};
