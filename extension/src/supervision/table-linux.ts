import { readFileSync, readlinkSync } from "node:fs";
import { readFile, readdir } from "node:fs/promises";
import { hostname } from "node:os";
import { markVariable, parseMark, type Mark } from "./mark.js";
import type { ProcessInfo, ProcessTable } from "./table.js";

/** Reads `/proc`. */
export class LinuxTable implements ProcessTable {
  machine(): string {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${hostname()} ${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  }

  async list(): Promise<readonly ProcessInfo[]> {
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(pids.map((pid) => this.#read(pid)));
    return found.filter((process) => process !== null);
  }

  // reads at once rather than in a later turn: what is written down about a child must be there when the host dies
  started(pid: number): Promise<string | null> {
    try {
      return Promise.resolve(parseStat(readFileSync(`/proc/${pid}/stat`, "latin1"))?.started ?? null);
    } catch {
      return Promise.resolve(null);
    }
  }

  async #read(pid: string): Promise<ProcessInfo | null> {
    try {
      const stat = parseStat(await readFile(`/proc/${pid}/stat`, "latin1"));
      return stat === null ? null : { ...stat, mark: await readMark(pid) };
    } catch {
      return null; // it ended meanwhile
    }
  }
}

async function readMark(pid: string): Promise<Mark | null> {
  try {
    return findMark(await readFile(`/proc/${pid}/environ`, "latin1"));
  } catch {
    return null; // another user's
  }
}

/** The mark in an environment block. */
export function findMark(environment: string): Mark | null {
  const entry = environment.split("\0").find((line) => line.startsWith(`${markVariable}=`));
  return entry === undefined ? null : parseMark(entry.slice(markVariable.length + 1));
}

/** A line of `/proc/<pid>/stat`; null for a zombie. The name in it may hold anything, so reading starts behind it. */
export function parseStat(line: string): Omit<ProcessInfo, "mark"> | null {
  const open = line.indexOf("(");
  const close = line.lastIndexOf(")");
  const [state, parent, group, ...rest] = line.slice(close + 2).split(" ");
  const started = rest[16];
  if (open < 0 || close < 0 || parent === undefined || group === undefined || started === undefined) return null;
  if (state === "Z" || state === "X") return null;
  return { pid: Number(line.slice(0, open)), parent: Number(parent), group: Number(group), started };
}
