import type { Failure, Reason } from "../protocol/kernel/messages.gen.js";
import type { StageState } from "../protocol/panels/messages.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long something took: `3.4 s`, `2 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 0.001) return "0 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return parts(whole, MINUTE, "min", 1, "s");
  return parts(whole, HOUR, "h", MINUTE, "min");
}

function parts(whole: number, large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = Math.floor((whole % large) / small);
  return `${Math.floor(whole / large)} ${largeUnit}${rest === 0 ? "" : ` ${rest} ${smallUnit}`}`;
}

/** How long ago a time was, both in seconds since the epoch: `just now`, `2 h ago`. */
export function ago(at: number, now: number): string {
  const seconds = Math.max(0, now - at);
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min ago`;
  if (seconds < DAY) return `${Math.floor(seconds / HOUR)} h ago`;
  const days = Math.floor(seconds / DAY);
  return days === 1 ? "yesterday" : `${days} days ago`;
}

/** How large something is, in units of 1000 bytes: `1.2 MB`. */
export function size(bytes: number): string {
  let value = bytes;
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (value < 999.5) return `${value < 10 && unit !== "B" ? value.toFixed(1) : Math.round(value)} ${unit}`;
    value /= 1000;
  }
  return `${value.toFixed(1)} TB`;
}

/** A stage's state in a few words, as its lens shows it. */
export function describeState(state: StageState, now: number): string {
  switch (state.is) {
    case "unknown":
      return "…";
    case "broken":
      return "cannot be planned";
    case "absent":
      return "never realized";
    case "waiting":
      return "waiting";
    case "cancelled":
      return "cancelled";
    case "skipped":
      return "skipped: what it needs failed";
    case "cached": {
      const { at, size: bytes, took } = state.realization;
      return `cached · ${ago(at, now)} · ${size(bytes)} · took ${duration(took)}`;
    }
    case "stale":
      return `stale: ${describeReasons(state.reasons)}`;
    case "running":
      return describeRunning(state);
    case "failed":
      return `failed: ${describeFailure(state.failure)}`;
  }
}

function describeRunning(state: StageState & { is: "running" }): string {
  const fraction = state.fraction === undefined ? "" : ` ${Math.floor(state.fraction * 100)} %`;
  const message = state.message === undefined ? "" : ` · ${state.message}`;
  return fraction === "" && message === "" ? "running …" : `running${fraction}${message}`;
}

/** What a click on the state will tell more of. */
export function explainState(state: StageState): string {
  if (state.is === "stale") return state.reasons.map(({ summary }) => summary).join("\n");
  if (state.is === "failed") return [state.failure.message, state.failure.advice].filter(Boolean).join("\n");
  return "";
}

/** The most telling reason, and how many more there are. */
export function describeReasons(reasons: readonly Reason[]): string {
  const [first, ...rest] = reasons;
  if (first === undefined) return "something changed";
  const told = first.kind === "code" ? "code changed" : first.summary;
  return rest.length === 0 ? told : `${told} (and ${rest.length} more)`;
}

function shortName(exception: string): string {
  return exception.slice(exception.lastIndexOf(".") + 1);
}

/** Whether comparing two texts would tell why a stage is stale. */
export function comparable(reasons: readonly Reason[]): readonly (Reason & { before: string; after: string })[] {
  return reasons.flatMap((reason) => {
    const { before, after } = reason;
    return typeof before === "string" && typeof after === "string" ? [{ ...reason, before, after }] : [];
  });
}

/** What a reason's texts are of, as a title names it: code as its definition, which stands as `file.py:name`. */
export function comparedName({ subject }: Reason, stage: string): string {
  const name = subject.slice(subject.lastIndexOf(":") + 1);
  if (subject === "") return stage;
  return /^[\p{L}_][\p{L}\p{N}_.]*$/u.test(name) ? name : (subject.split(":")[0] ?? stage);
}

const FAILURES: Partial<Record<Failure["kind"], string>> = {
  "no-interpreter": "no Python interpreter",
  "old-interpreter": "Python is too old",
  "missing-package": "a package is missing",
  "import-failed": "the file cannot be imported",
  "missing-output": "a promised file was not written",
  unstorable: "what it returned cannot be stored",
  unserialisable: "a parameter cannot be stored",
  damaged: "an artifact is damaged",
  "code-changed": "the code changed meanwhile",
  store: "the store cannot be used",
  "disk-full": "the disk is full",
  crashed: "the kernel crashed",
  killed: "the kernel was killed",
};

/** A failure in a few words: an exception of the user's code by its name. */
export function describeFailure(failure: Failure): string {
  if (failure.kind === "exception" && failure.exception !== "") return shortName(failure.exception);
  if (failure.kind === "missing-package" && failure.package !== "") return `package "${failure.package}" is missing`;
  return FAILURES[failure.kind] ?? clip(failure.message);
}

/** What happened and what to do, as sentences. */
export function adviceText({ message, advice }: Failure): string {
  if (advice === "") return message;
  return `${message}${/[.!?:…]$/.test(message) ? "" : "."} ${advice}`;
}

function clip(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** A failure in full: what happened, what to do, and the evidence. */
export function failureText(failure: Failure): string {
  const parts = [
    failure.message,
    failure.advice,
    failure.command === "" ? "" : `    ${failure.command}`,
    failure.detail,
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}
