import { execFile } from "node:child_process";
import { hostname } from "node:os";
import { promisify } from "node:util";
import type { ProcessInfo, ProcessTable } from "./table.js";

const run = promisify(execFile);
const fields =
  "ForEach-Object { '{0} {1} {2}' -f $_.ProcessId, $_.ParentProcessId, $_.CreationDate.ToUniversalTime().Ticks }";

/** Asks Windows' management interface through PowerShell: slow, so only for sweeping. */
export class WindowsTable implements ProcessTable {
  machine(): string {
    return hostname();
  }

  list(): Promise<readonly ProcessInfo[]> {
    return this.#query("Get-CimInstance Win32_Process");
  }

  async started(pid: number): Promise<string | null> {
    const [found] = await this.#query(`Get-CimInstance Win32_Process -Filter 'ProcessId=${pid}'`);
    return found?.started ?? null;
  }

  async #query(query: string): Promise<readonly ProcessInfo[]> {
    const { stdout } = await run(
      "powershell.exe",
      ["-NoProfile", "-NonInteractive", "-Command", `${query} | Where-Object CreationDate | ${fields}`],
      { windowsHide: true, maxBuffer: 16 * 1024 * 1024 },
    );
    return stdout.split(/\r?\n/).flatMap((line) => parseLine(line) ?? []);
  }
}

/** `pid parent ticks`. Windows has neither groups nor a way to read another process's environment. */
export function parseLine(line: string): ProcessInfo | null {
  const match = /^(\d+) (\d+) (\d+)$/.exec(line.trim());
  if (match === null) return null;
  const [, pid, parent, started = ""] = match;
  return { pid: Number(pid), parent: Number(parent), group: 0, started, mark: null };
}
