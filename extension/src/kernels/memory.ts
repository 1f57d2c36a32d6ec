import { readFileSync } from "node:fs";

/**
 * How often this system has killed a process for want of memory since it started, in any container; null where it does
 * not count that. A higher number after a death than before is evidence of why it came.
 */
export function memoryKills(): number | null {
  if (process.platform !== "linux") return null;
  try {
    const count = /^oom_kill (\d+)$/m.exec(readFileSync("/proc/vmstat", "utf8"))?.[1];
    return count === undefined ? null : Number(count);
  } catch {
    return null;
  }
}
