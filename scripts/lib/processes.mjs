/** Child processes that end with this one, their children included. Needs nothing installed. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { Failure } from "./failure.mjs";

/** @typedef {import("node:child_process").ChildProcess} ChildProcess */
/** @typedef {{ code: number | null; signal: NodeJS.Signals | null; timedOut: boolean }} Ending */

/** @type {Set<ChildProcess>} */
const alive = new Set();

/** This process, once it ends its children with itself. @type {Set<number>} */
const watching = new Set();

/** Signals a process and what it started. @param {ChildProcess} child @param {NodeJS.Signals} signal */
const signalTree = (child, signal) => {
  if (child.pid === undefined) return;
  if (process.platform === "win32") {
    spawn("taskkill", ["/pid", String(child.pid), "/t", "/f"], { stdio: "ignore" });
    return;
  }
  try {
    process.kill(-child.pid, signal);
  } catch {
    // the whole group is gone
  }
};

/** Asks a process and its children to end, and makes them after `grace` milliseconds. @param {ChildProcess} child */
export const endTree = async (child, grace = 3000) => {
  const gone =
    child.exitCode !== null || child.signalCode !== null
      ? Promise.resolve()
      : new Promise((resolve) => child.once("exit", resolve));
  signalTree(child, "SIGTERM");
  const timer = setTimeout(() => {
    signalTree(child, "SIGKILL");
  }, grace);
  await gone;
  clearTimeout(timer);
  // children that did not follow their leader
  signalTree(child, "SIGKILL");
  alive.delete(child);
};

/** Ends everything that is still running. */
export const endAll = async () => {
  await Promise.all([...alive].map((child) => endTree(child)));
};

/**
 * Starts a process at the head of its own group, so that it ends with its children.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnOptions} options
 * @returns {ChildProcess}
 */
export const start = (command, args, options = {}) => {
  const child = spawn(command, [...args], { ...options, detached: process.platform !== "win32" });
  alive.add(child);
  child.once("exit", () => alive.delete(child));
  child.once("error", () => alive.delete(child));
  return child;
};

/**
 * Calls back when what started this process is gone: npm's shell dies of a signal without passing it on.
 *
 * @param {() => void} then
 */
export const onOrphaned = (then) => {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    then();
  }, 500);
  timer.unref();
};

/** Ends every process on Ctrl+C, a hang-up or a request to end, and then this one. */
export const endWithSignals = () => {
  if (watching.has(process.pid)) return;
  watching.add(process.pid);
  let ending = false;
  /** @param {number} status */
  const end = (status) => {
    if (ending) return;
    ending = true;
    void endAll().finally(() => process.exit(status));
  };
  process.on("SIGINT", () => {
    end(130);
  });
  for (const signal of /** @type {const} */ (["SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      end(143);
    });
  }
  onOrphaned(() => {
    end(143);
  });
  process.on("exit", () => {
    for (const child of alive) signalTree(child, "SIGKILL");
  });
};

/**
 * Runs a process to its end with its output in a log file, or nowhere.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd?: string; env?: NodeJS.ProcessEnv; log?: string; timeout?: number; over?: () => boolean }} options
 *   timeout in milliseconds; over says that the work is done, after which the process has a minute to end by itself
 * @returns {Promise<Ending & { tail: string }>} how it ended, and the end of what it printed
 */
export const run = async (command, args, { cwd, env, log, timeout, over } = {}) => {
  const child = start(command, args, { cwd, env: env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
  const file = log === undefined ? undefined : createWriteStream(log, { flags: "a" });
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
      file?.write(text);
      tail = (tail + text).slice(-20_000);
    });
  }
  let timedOut = false;
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          void endTree(child);
        }, timeout);
  let overFor = 0;
  const watch = setInterval(() => {
    overFor = over?.() === true ? overFor + 1 : 0;
    if (overFor === 60) void endTree(child);
  }, 1000);
  /** @type {Promise<Omit<Ending, "timedOut">>} */
  const ended = new Promise((resolve, reject) => {
    child.once("error", (error) => {
      reject(new Failure(`${command} does not start: ${error.message}`));
    });
    // "exit" and not "close": a grandchild that keeps the pipe open must not keep us
    child.once("exit", (code, signal) => {
      setTimeout(() => {
        resolve({ code, signal });
      }, 50);
    });
  });
  const ending = await ended.finally(() => {
    clearTimeout(timer);
    clearInterval(watch);
    signalTree(child, "SIGKILL");
  });
  if (file !== undefined) await new Promise((resolve) => file.end(resolve));
  return { ...ending, timedOut, tail };
};

/**
 * Runs a process that has to succeed.
 *
 * @param {string} what for the message: "installing x"
 * @param {string} command
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} options
 */
export const mustRun = async (what, command, args, options = {}) => {
  const { code, signal, timedOut, tail } = await run(command, args, options);
  if (code === 0) return tail;
  const how = timedOut ? "took too long" : `ended with ${signal ?? `status ${code}`}`;
  throw new Failure(`${what} failed: ${command} ${how}.\n${tail.trimEnd()}`);
};
