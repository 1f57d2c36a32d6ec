import { LinuxTable } from "./table-linux.js";
import { PsTable } from "./table-ps.js";
import { WindowsTable } from "./table-windows.js";
import type { Mark } from "./mark.js";

/** A running process. `started` is opaque: with the pid, on one `machine`, it names a process for good. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  /** The process group; 0 where there are none. */
  readonly group: number;
  readonly started: string;
  /** Whose it is, where the environment of the process can be read. */
  readonly mark: Mark | null;
}

/** What runs on this machine. Zombies do not run. */
export interface ProcessTable {
  /** Tells boots, hosts and process namespaces apart: pids mean nothing across them. */
  machine(): string;
  list(): Promise<readonly ProcessInfo[]>;
  /** When the process started, or null where there is none. */
  started(pid: number): Promise<string | null>;
}

export function processTable(platform: NodeJS.Platform): ProcessTable {
  if (platform === "linux") return new LinuxTable();
  if (platform === "win32") return new WindowsTable();
  return new PsTable();
}

/** The processes below `root` (not itself) in `table`. */
export function descendants(table: readonly ProcessInfo[], root: number): readonly ProcessInfo[] {
  const children = byParent(table);
  const found: ProcessInfo[] = [];
  const open = [root];
  const seen = new Set(open);
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
      open.push(child.pid);
    }
  }
  return found;
}

function byParent(table: readonly ProcessInfo[]): ReadonlyMap<number, readonly ProcessInfo[]> {
  const found = new Map<number, ProcessInfo[]>();
  for (const process of table) {
    const siblings = found.get(process.parent);
    if (siblings === undefined) found.set(process.parent, [process]);
    else siblings.push(process);
  }
  return found;
}
