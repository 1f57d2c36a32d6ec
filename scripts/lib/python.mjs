import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { aptInstall } from "./apt.mjs";
import { complete } from "./complete.mjs";
import { Failure } from "./failure.mjs";
import { cacheFolder, root } from "./paths.mjs";
import { step } from "./print.mjs";
import { mustRun, run } from "./processes.mjs";

/** @typedef {{ executable: string; version: string }} Interpreter */

const oldest = [3, 10];

const names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

// the interpreter itself, behind a version manager's shim or an active environment
const probe = `
import sys
print("\\n".join([getattr(sys, "_base_executable", sys.executable), ".".join(map(str, sys.version_info[:3]))]))
`;

/** @param {string} command @param {readonly string[]} args @returns {Promise<Interpreter | undefined>} */
const ask = async (command, args) => {
  try {
    const { code, tail } = await run(command, [...args, "-I", "-c", probe], { timeout: 20_000 });
    const [executable, version] = tail.trim().split(/\r?\n/);
    return code === 0 && executable !== undefined && version !== undefined ? { executable, version } : undefined;
  } catch {
    return undefined; // no such command
  }
};

/** @param {Interpreter} found */
const isNewEnough = ({ version }) => {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > (oldest[0] ?? 0) || (major === oldest[0] && minor >= (oldest[1] ?? 0));
};

/** The interpreter that environments are made of. @returns {Promise<Interpreter>} */
export const findPython = async () => {
  const given = process.env["STAGELOOM_PYTHON"];
  const commands = given === undefined ? names.map((name) => [name]) : [[given]];
  if (given === undefined && process.platform === "win32") commands.unshift(["py", "-3"]);
  const seen = [];
  for (const [command = "", ...args] of commands) {
    const found = await ask(command, args);
    if (found === undefined) continue;
    if (isNewEnough(found)) return found;
    seen.push(`${found.executable} is ${found.version}`);
  }
  const wanted = `Python ${oldest.join(".")} or newer is needed`;
  const why = seen.length > 0 ? seen.join(", ") : given === undefined ? "none is on the PATH" : `${given} is none`;
  throw new Failure(`${wanted}; ${why}. Install one, or name one in the variable STAGELOOM_PYTHON.`);
};

/** @param {string} folder of an environment */
const pythonIn = (folder) =>
  process.platform === "win32" ? path.join(folder, "Scripts", "python.exe") : path.join(folder, "bin", "python");

/** @param {Interpreter} base @param {string} folder */
const makeVenv = async (base, folder) => {
  const { code, tail } = await run(base.executable, ["-I", "-m", "venv", folder]);
  if (code === 0) return;
  if (!tail.includes("ensurepip") && !tail.includes("No module named venv")) {
    throw new Failure(`Making a Python environment by ${base.executable} -m venv failed.\n${tail}`);
  }
  // Debian ships Python without it
  await aptInstall(["python3-venv"], `${base.executable} lacks venv. Run: sudo apt-get install python3-venv`);
  await mustRun("Making a Python environment", base.executable, ["-I", "-m", "venv", "--clear", folder]);
};

/**
 * An environment of exactly the packages of a lock file in python-kernel/, kept between runs.
 *
 * @param {"examples" | "dev" | "bench"} name `requirements-<name>.lock`
 * @returns {Promise<string>} its interpreter
 */
export const environment = async (name) => {
  const lockFile = path.join(root, "python-kernel", `requirements-${name}.lock`);
  const base = await findPython();
  const key = createHash("sha256")
    .update(
      [await readFile(lockFile, "utf8"), base.version, base.executable, process.platform, process.arch].join("\0"),
    )
    .digest("hex")
    .slice(0, 12);
  const short = base.version.split(".").slice(0, 2).join(".");
  const folder = path.join(cacheFolder(), `python-${name}-${short}-${key}`);
  if (existsSync(path.join(folder, ".complete"))) return pythonIn(folder);
  await step(`making the Python environment "${name}" on Python ${base.version} (once)`, () =>
    complete(folder, async () => {
      await makeVenv(base, folder);
      const wanted = ["--require-hashes", "--only-binary", ":all:", "-r", lockFile];
      const quiet = ["--disable-pip-version-check", "--no-input"];
      await mustRun("Installing Python packages", pythonIn(folder), ["-m", "pip", "install", ...quiet, ...wanted]);
    }),
  );
  return pythonIn(folder);
};
