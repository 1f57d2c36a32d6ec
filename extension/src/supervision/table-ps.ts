import { execFile } from "node:child_process";
import { hostname } from "node:os";
import { promisify } from "node:util";
import { markVariable, parseMark } from "./mark.js";
import type { ProcessInfo, ProcessTable } from "./table.js";

const run = promisify(execFile);

/** Asks `ps`, for macOS and other Unixes without `/proc`. Start times there have a resolution of a second. */
export class PsTable implements ProcessTable {
  machine(): string {
    return hostname();
  }

  async list(): Promise<readonly ProcessInfo[]> {
    // -E adds the environment of processes that are one's own
    const { stdout } = await run("ps", ["-Axww", "-E", "-o", "pid=,ppid=,pgid=,stat=,lstart=,command="], {
      env: { ...process.env, LC_ALL: "C" },
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.split("\n").flatMap((line) => parsePs(line) ?? []);
  }

  async started(pid: number): Promise<string | null> {
    try {
      const { stdout } = await run("ps", ["-o", "lstart=", "-p", String(pid)], {
        env: { ...process.env, LC_ALL: "C" },
      });
      return stdout.trim() === "" ? null : normalise(stdout);
    } catch {
      return null;
    }
  }
}

/** A line of `ps -o pid=,ppid=,pgid=,stat=,lstart=,command= -E`; null for a zombie. */
export function parsePs(line: string): ProcessInfo | null {
  const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w{3}\s+\w{3}\s+\d+\s+[\d:]+\s+\d{4})\s+(.*)$/.exec(line);
  if (match === null) return null;
  const [, pid, parent, group, state = "", started = "", command = ""] = match;
  if (state.startsWith("Z")) return null;
  const mark = new RegExp(`(?:^| )${markVariable}=(\\S+)`).exec(command)?.[1];
  return {
    pid: Number(pid),
    parent: Number(parent),
    group: Number(group),
    started: normalise(started),
    mark: mark === undefined ? null : parseMark(mark),
  };
}

function normalise(time: string): string {
  return time.trim().replace(/\s+/g, " ");
}
