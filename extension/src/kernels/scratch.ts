import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Disposable } from "../lifetime.js";
import type { ProcessTable } from "../supervision/table.js";

/**
 * A folder for what this process and its workers share while they live. What processes left that were killed goes when
 * another comes: its name says whose it is, by pid and start time.
 */
export class Scratch implements Disposable {
  readonly folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(base: string, table: ProcessTable): Promise<Scratch> {
    mkdirSync(base, { recursive: true, mode: 0o700 });
    await sweep(base, table);
    return new Scratch(mkdtempSync(path.join(base, `${await ownerOf(process.pid, table)}-`)));
  }

  /** A path that nobody else has. */
  file(suffix: string): string {
    this.#count += 1;
    return path.join(this.folder, `${this.#count}${suffix}`);
  }

  /** Removes what stands in files that begin with the path `prefix`: those of a worker that has gone. */
  remove(prefix: string): void {
    const name = path.basename(prefix);
    for (const found of readdirSync(this.folder)) {
      if (found.startsWith(name)) rmSync(path.join(this.folder, found), { force: true });
    }
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function sweep(base: string, table: ProcessTable): Promise<void> {
  for (const name of await readdir(base)) {
    const pid = Number(/^(\d+)-/.exec(name)?.[1]);
    if (!Number.isSafeInteger(pid) || name.startsWith(`${await ownerOf(pid, table)}-`)) continue;
    await rm(path.join(base, name), { recursive: true, force: true });
  }
}

// of a process that has gone it is not the name of any folder
async function ownerOf(pid: number, table: ProcessTable): Promise<string> {
  const started = await table.started(pid).catch(() => null);
  return `${pid}-${started?.replace(/\W+/g, "_") ?? "gone"}`;
}
