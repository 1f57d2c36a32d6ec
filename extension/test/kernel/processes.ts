import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { processTable } from "../../src/supervision/table.js";

/** Python for the tests: what STAGELOOM_TEST_PYTHON names, else the one on PATH. */
export function testPython(): string {
  const command = process.env["STAGELOOM_TEST_PYTHON"] ?? "python3";
  return execFileSync(command, ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
}

/** Whether `pid` runs; a zombie does not. */
export async function runs(pid: number): Promise<boolean> {
  if (process.platform === "linux") {
    try {
      return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
      return false;
    }
  }
  return (await processTable(process.platform).started(pid)) !== null;
}

/** Those of `pids` that still run after at most `within` milliseconds. */
export async function survivors(pids: readonly number[], within: number): Promise<readonly number[]> {
  const end = Date.now() + within;
  for (;;) {
    const alive = await Promise.all(pids.map(runs));
    const left = pids.filter((_, index) => alive[index]);
    if (left.length === 0 || Date.now() > end) return left;
    await wait(20);
  }
}

/** Waits until `holds`, or throws `what` after `within` milliseconds. */
export async function until(what: string, within: number, holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + within;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await wait(10);
  }
}
