/** From a bare checkout and any Node from 20 to the project's packages and its own Node. Needs nothing installed. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "./failure.mjs";
import { root } from "./paths.mjs";
import { step } from "./print.mjs";
import { mustRun, onOrphaned } from "./processes.mjs";

/** The Node that the project brings: what execa, the test tools and the embedded editor want. */
export const projectNode = path.join(root, "node_modules/node/bin", process.platform === "win32" ? "node.exe" : "node");

/** @typedef {{ version?: string; integrity?: string; optional?: boolean }} Locked */

/** @param {string} file @returns {Record<string, Locked>} the packages of a lock file by folder */
const packagesOf = (file) => {
  /** @type {unknown} */
  const lock = JSON.parse(readFileSync(file, "utf8"));
  // package-lock.json as npm writes it, version 3
  return /** @type {{ packages: Record<string, Locked> }} */ (lock).packages;
};

/** Whether node_modules holds what the lock file names; npm leaves a lock of what it installed there. */
const installed = () => {
  const hidden = path.join(root, "node_modules/.package-lock.json");
  if (!existsSync(hidden) || !existsSync(projectNode)) return false;
  const present = packagesOf(hidden);
  return Object.entries(packagesOf(path.join(root, "package-lock.json"))).every(([folder, wanted]) => {
    if (folder === "") return true;
    const found = present[folder];
    // optional packages are those of other platforms
    if (found === undefined) return wanted.optional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
};

/** Runs npm by the Node that runs this, whatever `npm` is on the PATH. @param {readonly string[]} args */
export const npm = (args) => {
  const script = process.env["npm_execpath"];
  if (script?.endsWith(".js") === true) return /** @type {const} */ ([process.execPath, [script, ...args]]);
  return /** @type {const} */ ([process.platform === "win32" ? "npm.cmd" : "npm", args]);
};

/**
 * Installs node_modules where they are missing or out of date, then makes sure that the project's Node runs.
 *
 * @returns {Promise<boolean>} false when another Node was started in this one's place, and has ended
 */
export const bootstrap = async () => {
  const [major = 0] = process.versions.node.split(".").map(Number);
  if (major < 20) throw new Failure(`Node 20 or newer is needed to start; this is ${process.version}.`);
  if (!installed()) {
    await step("installing node_modules (once)", async () => {
      const [command, args] = npm(["ci", "--no-fund", "--no-audit"]);
      await mustRun("Installing node_modules", command, args, { cwd: root });
    });
    if (!existsSync(projectNode)) {
      throw new Failure("The npm package `node` brought no Node. Do install scripts run? Try `npm ci` by hand.");
    }
  }
  if (process.versions.node.split(".")[0] === "24") return true;
  process.exitCode = await again();
  return false;
};

/** Runs the same command line under the project's Node. @returns {Promise<number>} its exit status */
const again = () =>
  new Promise((resolve, reject) => {
    const env = { ...process.env };
    env["PATH"] = [path.dirname(projectNode), env["PATH"] ?? ""].join(path.delimiter);
    const child = spawn(projectNode, process.argv.slice(1), { stdio: "inherit", env });
    // the terminal sends Ctrl+C to both; the child decides when to end
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    process.on("SIGHUP", () => child.kill("SIGHUP"));
    onOrphaned(() => child.kill("SIGTERM"));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? (signal === "SIGINT" ? 130 : 143));
    });
  });
