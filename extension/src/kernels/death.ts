import type { Failure } from "../protocol/kernel/messages.gen.js";
import { describeExit, type Exit } from "../supervision/exit.js";
import { failure } from "./answer.js";

/** How a kernel process ended, with the end of what it wrote to standard error. */
export interface Death {
  readonly name: string;
  readonly pid: number | null;
  readonly exit: Exit;
  readonly stderr: string;
  /** Whether the system killed a process for want of memory meanwhile. */
  readonly outOfMemory: boolean;
}

const crashes: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGSEGV: "a segmentation fault",
  SIGBUS: "a bus error",
  SIGABRT: "an abort",
  SIGFPE: "an arithmetic error",
  SIGILL: "an illegal instruction",
};

/** What a death means to whoever waited: *crashed* where the process did it itself, *killed* where another did. */
export function failureOfDeath({ name, pid, exit, stderr, outOfMemory }: Death): Failure {
  // "Worker 2", but "The engine", of which there is one
  const title = /\d$/.test(name) ? name.charAt(0).toUpperCase() + name.slice(1) : `The ${name}`;
  const who = pid === null ? title : `${title} (process ${pid})`;
  const detail = stderr.trimEnd();
  if (exit.error !== null) {
    return failure("no-interpreter", `${who} ${describeExit(exit)}.`, {
      advice: "Choose another Python interpreter.",
      detail,
    });
  }
  const crash = exit.signal === null ? undefined : crashes[exit.signal];
  if (crash !== undefined) {
    return failure("crashed", `${who} crashed with ${crash} (${exit.signal ?? ""}).`, {
      advice: "Native code did this: look at the last lines below, and at the versions of the packages it names.",
      detail,
    });
  }
  if (exit.signal === "SIGKILL" && outOfMemory) {
    return failure("killed", `${who} was killed by the system, which had run out of memory.`, {
      advice: "Use less memory at once, or close other programs, and realize again.",
      detail,
    });
  }
  if (exit.signal !== null) {
    return failure("killed", `${who} ${describeExit(exit)}.`, { advice: adviceOnKill(exit.signal), detail });
  }
  return failure("crashed", `${who} ${describeExit(exit)} in the middle of its work.`, {
    advice: "Code that calls os._exit or sys.exit in a thread, or a crash in native code, does this.",
    detail,
  });
}

function adviceOnKill(signal: NodeJS.Signals): string {
  if (signal !== "SIGKILL") return "Another program sent this signal. Realize again.";
  return "Systems do this when memory runs out: use less of it, or close other programs, and realize again.";
}
