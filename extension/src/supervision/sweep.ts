import { readFile, readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isLeaseFile, parseLease, type Lease } from "./journal.js";
import { killNow } from "./signals.js";
import { descendants, type ProcessInfo, type ProcessTable } from "./table.js";

const forgetAfter = 30 * 24 * 3600 * 1000;

/** Whether the host of `lease` still runs: its pid, and its start time, since pids come again. */
export function hostLives(lease: Lease, table: readonly ProcessInfo[]): boolean {
  return table.some((process) => process.pid === lease.pid && process.started === lease.started);
}

/**
 * What is left in `table` of a dead host's run.
 *
 * A process is taken for ours where it bears the run's mark, or is a child of the lease by pid and start time, or
 * stands in the group of or below such a child. `fresh` says that the host died just now: then the group of a child
 * that is gone is still ours too, as no pid comes again so soon.
 */
export function leftovers(lease: Lease, table: readonly ProcessInfo[], fresh: boolean): readonly ProcessInfo[] {
  const found = new Map<number, ProcessInfo>();
  const take = (processes: readonly ProcessInfo[]): void => {
    for (const process of processes) found.set(process.pid, process);
  };
  take(table.filter((process) => process.mark?.run === lease.run));
  for (const child of lease.children) {
    const leader = table.find((process) => process.pid === child.pid);
    const ours = leader !== undefined && child.started !== "" && leader.started === child.started;
    if (ours) take([leader, ...descendants(table, leader.pid)]);
    if (ours || (fresh && leader === undefined)) take(table.filter((process) => process.group === child.pid));
  }
  return [...found.values()];
}

/** A process that is just being started shows no mark for a moment, which is long where the machine is busy. */
const LOOK_AGAIN = 250;

/**
 * Kills what is left of one run, again and again until nothing is, nor a moment later; gives the number killed, and
 * whether all went.
 */
export async function killLeftovers(
  lease: Lease,
  table: ProcessTable,
  { fresh, within }: { readonly fresh: boolean; readonly within: number },
): Promise<{ readonly killed: number; readonly clean: boolean }> {
  const killed = new Set<number>();
  const end = Date.now() + within;
  let quiet = false;
  for (;;) {
    const left = leftovers(lease, await table.list(), fresh).filter(({ pid }) => pid !== process.pid);
    if (left.length === 0 && quiet) return { killed: killed.size, clean: true };
    quiet = left.length === 0;
    if (quiet) {
      await wait(LOOK_AGAIN);
      continue;
    }
    if (Date.now() > end) return { killed: killed.size, clean: false };
    for (const { pid } of left) {
      killNow(pid);
      killed.add(pid);
    }
    await wait(20);
  }
}

export interface Swept {
  readonly runs: number;
  readonly killed: number;
}

/** Ends what dead hosts left behind, by the leases in `folder`. Live hosts and other machines are left alone. */
export async function sweep(folder: string, table: ProcessTable): Promise<Swept> {
  let swept: Swept = { runs: 0, killed: 0 };
  const names = await readdir(folder).catch(() => []);
  const machine = table.machine();
  for (const name of names.filter(isLeaseFile)) {
    const file = path.join(folder, name);
    const lease = parseLease(await readFile(file, "utf8").catch(() => ""));
    if (lease?.machine !== machine) {
      await forgetOld(file);
      continue;
    }
    if (hostLives(lease, await table.list())) continue;
    const { killed, clean } = await killLeftovers(lease, table, { fresh: false, within: 5000 });
    if (clean) await rm(file, { force: true });
    swept = { runs: swept.runs + 1, killed: swept.killed + killed };
  }
  return swept;
}

// of an earlier boot, or of another machine that shares this home: which of the two, nobody can tell
async function forgetOld(file: string): Promise<void> {
  const about = await stat(file).catch(() => null);
  if (about !== null && Date.now() - about.mtimeMs > forgetAfter) await rm(file, { force: true });
}
