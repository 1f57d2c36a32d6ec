import type { Failure, Problem, Reason, RunView, StageState } from "../contract.js";
import { formatAgo, formatDuration, formatElapsed, formatPercent, formatSize } from "./format.js";

/** The name of a state's colour: `--state-<tone>` in the styles. */
export type Tone = "good" | "stale" | "absent" | "running" | "failed" | "quiet";

/** How a state looks: a codicon and a tone. */
export interface Look {
  readonly icon: string;
  readonly tone: Tone;
}

const looks: Readonly<Record<StageState["is"], Look>> = {
  unknown: { icon: "circle-small", tone: "quiet" },
  broken: { icon: "error", tone: "failed" },
  cached: { icon: "pass-filled", tone: "good" },
  stale: { icon: "history", tone: "stale" },
  absent: { icon: "circle-large", tone: "absent" },
  waiting: { icon: "clock", tone: "quiet" },
  running: { icon: "loading", tone: "running" },
  failed: { icon: "error", tone: "failed" },
  cancelled: { icon: "circle-slash", tone: "quiet" },
  skipped: { icon: "debug-step-over", tone: "quiet" },
};

export const lookOf = (state: StageState): Look => looks[state.is];

/** What makes a stage stale, in as few words as a lens has room for. */
export const reasonWords = (reason: Reason): string => {
  const subject = reason.subject === "" ? "" : ` ${reason.subject}`;
  switch (reason.kind) {
    case "new":
      return "never realized";
    case "code":
      return "code changed";
    case "parameter":
      return `parameter${subject} changed`;
    case "dependency":
      return `${subject === "" ? "a dependency" : subject.trim()} changed`;
    case "input":
      return `input${subject} changed`;
    case "package":
      return `package${subject} changed`;
    case "environment":
      return "environment changed";
    case "invalidated":
      return "invalidated";
    case "unresolved":
      return "part of the code cannot be followed";
  }
};

const firstReason = (reasons: readonly Reason[]): string => {
  const [first, ...rest] = reasons;
  if (first === undefined) return "something changed";
  return rest.length === 0 ? first.summary : `${first.summary} (and ${rest.length.toString()} more)`;
};

const failures: Partial<Record<Failure["kind"], string>> = {
  "no-interpreter": "no Python interpreter",
  "old-interpreter": "Python is too old",
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
const failureWords = ({ kind, exception, package: name }: Failure): string => {
  if (kind === "missing-package" && name !== "") return `package "${name}" is missing`;
  if (kind === "exception" && exception !== "") return exception.slice(exception.lastIndexOf(".") + 1);
  return failures[kind] ?? kind.replaceAll("-", " ");
};

const shortFailure = (failure: Failure): string => {
  if (failure.kind === "exception") return failureWords(failure);
  if (failure.kind === "missing-package" && failure.package !== "") return `${failure.package} is missing`;
  return failure.kind.replaceAll("-", " ");
};

/** The state of a stage in one line, as the lenses have it. `now` in seconds since the epoch. */
export const stateLine = (state: StageState, now: number): string => {
  switch (state.is) {
    case "unknown":
      return "not known before a dependency has run";
    case "broken":
      return "cannot be planned: see the problem in its source";
    case "cached": {
      const { at, size, took } = state.realization;
      return `cached · ${formatAgo(at, now)} · ${formatSize(size)} · took ${formatDuration(took)}`;
    }
    case "stale":
      return `stale: ${firstReason(state.reasons)}`;
    case "absent":
      return "never realized";
    case "waiting":
      return "waiting";
    case "running": {
      const fraction = state.fraction === undefined ? "" : ` ${formatPercent(state.fraction)}`;
      const message = state.message === undefined || state.message === "" ? "" : ` · ${state.message}`;
      return `running${fraction} · ${formatElapsed(now - state.since)}${message}`;
    }
    case "failed":
      return `failed: ${failureWords(state.failure)}`;
    case "cancelled":
      return "cancelled";
    case "skipped":
      return "skipped: what it needs failed";
  }
};

/** The state in a word or two, for a node of the graph. */
export const stateWords = (state: StageState): string => {
  switch (state.is) {
    case "cached":
      return state.kept ? "cached" : "done";
    case "stale":
      return state.reasons[0] === undefined ? "stale" : reasonWords(state.reasons[0]);
    case "absent":
      return "never realized";
    case "running":
      return state.fraction === undefined ? "running" : `running ${formatPercent(state.fraction)}`;
    case "failed":
      return shortFailure(state.failure);
    case "broken":
      return "problem";
    case "unknown":
      return "not known yet";
    case "waiting":
    case "cancelled":
    case "skipped":
      return state.is;
  }
};

export const isBusy = (run: RunView | null): boolean =>
  run !== null && (run.is === "planning" || run.is === "running" || run.is === "cancelling");

/** A run in words. */
export const runWords = (run: RunView): string => {
  const count = `${run.finished.toString()} of ${run.total.toString()}`;
  switch (run.is) {
    case "planning":
      return "Planning";
    case "running":
      return `Running · ${count} stages`;
    case "cancelling":
      return "Cancelling";
    case "cancelled":
      return "Cancelled";
    case "failed":
      return "Failed";
    case "done":
      return run.total === 0
        ? "Nothing to run: all is cached"
        : `Done · ${run.total.toString()} ${run.total === 1 ? "stage" : "stages"}`;
  }
};

export const problemPlace = (problem: Problem): string =>
  `${problem.span.path.split(/[\\/]/).at(-1) ?? ""}:${(problem.span.line + 1).toString()}`;
