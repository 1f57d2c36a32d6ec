import { execFile } from "node:child_process";

/** Kills one process, on Windows with all below it. Whether it was there does not matter. */
export function killNow(pid: number): void {
  if (process.platform === "win32") {
    execFile("taskkill.exe", ["/pid", String(pid), "/T", "/F"], { windowsHide: true }, () => {
      // it fails where the process has ended, which is what was wanted
    });
    return;
  }
  trySignal(pid, "SIGKILL");
}

/** Sends `signal` to a process, or to a group where the number is negative; says whether there was one. */
export function trySignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(target, signal);
  } catch {
    return false;
  }
}
