/** The one place that knows how VS Code is obtained: the desktop build that is here, or the embedded one from npm. */
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
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
      await mustRun("Installing the embedded VS Code", "npm", wanted, { cwd: folder, env: cleanEnv() });
    }),
  );
  return server;
};
