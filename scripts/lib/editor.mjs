/** The one place that knows how VS Code is obtained: the desktop build that is here, or the embedded one from npm. */
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { aptInstall } from "./apt.mjs";
import { complete } from "./complete.mjs";
import { cleanEnv } from "./env.mjs";
import { Failure } from "./failure.mjs";
import { isExecutable, onPath } from "./find.mjs";
import { cacheFolder } from "./paths.mjs";
import { step } from "./print.mjs";
import { mustRun } from "./processes.mjs";

/** VS Code 1.139.1 as a server with the workbench as a page. */
const codeServer = "4.139.1";

/** @returns {string | undefined} the command of a desktop VS Code */
export const findDesktop = () => {
  const given = process.env["STAGELOOM_VSCODE"];
  if (given === "embedded") return undefined;
  if (given !== undefined) {
    if (isExecutable(given)) return given;
    throw new Failure(`STAGELOOM_VSCODE is ${given}, which can't be run. Name VS Code's command, or "embedded".`);
  }
  // a terminal of a remote window has a `code` that opens files in that window, and takes no extension
  if (process.env["VSCODE_IPC_HOOK_CLI"] !== undefined) return undefined;
  // without a display a desktop application can't open
  const { DISPLAY, WAYLAND_DISPLAY } = process.env;
  if (process.platform === "linux" && DISPLAY === undefined && WAYLAND_DISPLAY === undefined) return undefined;
  const places = {
    darwin: ["/Applications", path.join(homedir(), "Applications")].map((folder) =>
      path.join(folder, "Visual Studio Code.app/Contents/Resources/app/bin/code"),
    ),
    win32: [process.env["LOCALAPPDATA"], process.env["ProgramFiles"]].flatMap((folder) =>
      folder === undefined
        ? []
        : ["Programs\\Microsoft VS Code", "Microsoft VS Code"].map((name) => path.join(folder, name, "bin\\code.cmd")),
    ),
    linux: ["/usr/bin/code", "/usr/share/code/bin/code", "/snap/bin/code", "/opt/visual-studio-code/bin/code"],
  };
  const known = Object.entries(places).find(([platform]) => platform === process.platform)?.[1] ?? [];
  return onPath(["code", "code-insiders", "codium"]) ?? known.find(isExecutable);
};

/** What building the embedded editor's native modules takes on Linux. */
const ensureBuildTools = async () => {
  if (process.platform !== "linux") return;
  const kerberos = ["/usr/include/gssapi/gssapi.h", "/usr/include/gssapi.h"].some((file) => existsSync(file));
  const missing = [
    ...(kerberos ? [] : ["libkrb5-dev"]),
    ...(onPath(["g++", "clang++"]) === undefined ? ["g++"] : []),
    ...(onPath(["make"]) === undefined ? ["make"] : []),
    ...(onPath(["python3"]) === undefined ? ["python3"] : []),
  ];
  if (missing.length === 0) return;
  await aptInstall(
    missing,
    [
      "There is no desktop VS Code here, and the embedded one needs a few packages to install. Either install VS Code,",
      "or run one of these and start again:",
      `  Debian, Ubuntu:  sudo apt-get install ${missing.join(" ")}`,
      "  Fedora:          sudo dnf install krb5-devel gcc-c++ make python3",
      "  Arch:            sudo pacman -S krb5 base-devel python",
    ].join("\n"),
  );
};

/**
 * Where a Node's headers lie on this machine. Native modules speak Node-API, which any version's headers describe.
 *
 * @returns {string | undefined} the folder above include/node
 */
const nodeHeaders = () => {
  const started = process.env["npm_node_execpath"];
  const near = started === undefined ? [] : [path.dirname(path.dirname(started))];
  return [...near, "/usr", "/usr/local"].find((folder) => existsSync(path.join(folder, "include/node/node_api.h")));
};

/** Installs what package.json of a folder of the cache names. @param {string} folder @param {readonly string[]} wanted */
const npmInstall = async (folder, wanted) => {
  const what = "Installing the embedded VS Code";
  const env = cleanEnv();
  try {
    await mustRun(what, "npm", wanted, { cwd: folder, env });
  } catch (error) {
    // building native modules fetches headers from Node's own site, which not every network reaches
    const headers = nodeHeaders();
    if (headers === undefined) throw error;
    await rm(path.join(folder, "node_modules"), { recursive: true, force: true });
    await mustRun(what, "npm", wanted, { cwd: folder, env: { ...env, npm_config_nodedir: headers } });
  }
};

/** Installs the embedded editor where it is missing. @returns {Promise<string>} its server's script, for our Node */
export const embeddedEditor = async () => {
  if (process.platform === "win32") {
    throw new Failure("Install VS Code (https://code.visualstudio.com): the embedded one doesn't run on Windows.");
  }
  const folder = path.join(cacheFolder(), `code-server-${codeServer}`);
  const server = path.join(folder, "node_modules/code-server/lib/vscode/out/server-main.js");
  if (existsSync(path.join(folder, ".complete"))) return server;
  await ensureBuildTools();
  await step("installing an embedded VS Code, 620 MB (once; takes a few minutes)", () =>
    complete(folder, async () => {
      await writeFile(path.join(folder, "package.json"), '{ "private": true }\n');
      const wanted = ["install", "--no-fund", "--no-audit", "--save-exact", `code-server@${codeServer}`];
      await npmInstall(folder, wanted);
    }),
  );
  return server;
};
