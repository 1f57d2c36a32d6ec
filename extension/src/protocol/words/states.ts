/**
 * The words for how a stage stands: the lenses, the trees, the panel and the command line (`cli/show.py`) say the same,
 * and `tests/shared/words.json` holds them to it.
 */
import type { Failure, Reason } from "../kernel/messages.gen.js";
import type { StageState, StageView } from "../panels/messages.js";
import { ago, duration, elapsed, percent, size } from "./figures.js";

/** What is needed of a stage to say how it stands. */
export type Standing = Pick<StageView, "state" | "function">;

/** Words that need nothing else to be said, in full and in as few as a node of the graph has room for. */
const PLAIN = {
  unknown: ["…", "…"],
  broken: ["has a problem", "has a problem"],
  absent: ["never realized", "never realized"],
  waiting: ["waiting", "waiting"],
  cancelled: ["cancelled", "cancelled"],
  skipped: ["skipped: what it needs failed", "skipped"],
} as const;

/** What else than other stages a stage, or a whole run, waits for. */
export const AWAITS = {
  worker: ["waiting for a worker", "waiting for a worker"],
  process: ["waiting: another process is at the same work", "waiting for another process"],
} as const;

/** What the engine was asked and could not say. */
const LATER = ["not known before what it needs has run", "not known yet"] as const;

/**
 * How a stage stands, in a line. `now` is in seconds since the epoch; `since` tells how long it has been running, too,
 * `brief` leaves out how long a cached one took, and how long ago another one failed.
 */
export function describeState(stage: Standing, now: number, { since = false, brief = false } = {}): string {
  const { state } = stage;
  switch (state.is) {
    case "cached": {
      const { at, size: bytes, took, pinned } = state.realization;
      const cached = pinned ? "cached · pinned" : "cached";
      if (state.note !== undefined) return `${cached} · ${state.note} · ${ago(at, now)}`;
      return `${cached} · ${ago(at, now)} · ${size(bytes)}${brief ? "" : ` · took ${duration(took)}`}`;
    }
    case "stale":
      return `stale: ${describeReasons(state.reasons, stage.function)}`;
    case "running":
      return describeRunning(state, since ? elapsed(now - state.since) : "");
    case "failed":
      return `failed: ${describeFailure(state.failure)}${brief ? "" : sinceThen(state.at, now)}`;
    case "cancelled":
      return `cancelled${brief ? "" : sinceThen(state.at, now)}`;
    case "unknown":
      return (state.told === true ? LATER : PLAIN.unknown)[0];
    case "waiting":
      return (state.awaits === undefined ? PLAIN.waiting : AWAITS[state.awaits])[0];
    case "broken":
    case "absent":
    case "skipped":
      return PLAIN[state.is][0];
  }
}

/** How a stage stands, for a node of the graph or a row of a list whose icon says the rest. */
export function shortState(stage: Standing): string {
  const { state } = stage;
  switch (state.is) {
    case "cached":
      return "cached";
    case "stale":
      return shortReason(state.reasons[0]);
    case "running":
      return state.fraction === undefined ? "running" : `running ${percent(state.fraction)}`;
    case "failed":
      return shortFailure(state.failure);
    case "unknown":
      return (state.told === true ? LATER : PLAIN.unknown)[1];
    case "waiting":
      return (state.awaits === undefined ? PLAIN.waiting : AWAITS[state.awaits])[1];
    case "broken":
    case "absent":
    case "cancelled":
    case "skipped":
      return PLAIN[state.is][1];
  }
}

function sinceThen(at: number | undefined, now: number): string {
  return at === undefined ? "" : ` · ${ago(at, now)}`;
}

function describeRunning(state: StageState & { is: "running" }, since: string): string {
  const { fraction, message = "" } = state;
  const first = fraction === undefined ? "running" : `running ${percent(fraction)}`;
  const told = [first, since, message].filter((part) => part !== "");
  return told.length === 1 && fraction === undefined ? "running …" : told.join(" · ");
}

function shortReason(reason: Reason | undefined): string {
  if (reason === undefined) return "stale";
  return reason.kind === "code" ? "code changed" : reason.summary;
}

function shortFailure(failure: Failure): string {
  const { kind, package: name } = failure;
  if (kind === "missing-package" && name !== "") return `lacks ${name}`;
  return FAILURES[kind]?.[1] ?? describeFailure(failure);
}

/** The most telling reason, and how many more there are. `own` is the function that the stage is written in. */
export function describeReasons(reasons: readonly Reason[], own: string): string {
  const [first, ...rest] = reasons;
  if (first === undefined) return "something changed";
  const told = describeReason(first, own);
  return rest.length === 0 ? told : `${told} (and ${rest.length} more)`;
}

/** A reason in a few words: of code that is not the stage's own, it says which. */
export function describeReason({ kind, summary, subject }: Reason, own: string): string {
  if (kind !== "code" || subject === "") return summary;
  const name = subject.slice(subject.lastIndexOf(":") + 1);
  if (name === own || name.startsWith(`${own}.`) || summary === "code changed") return "code changed";
  return `code changed: ${summary.replace(/ changed$/, "")}`;
}

/** In full, and for a node of the graph. */
const FAILURES: Partial<Record<Failure["kind"], readonly [full: string, short: string]>> = {
  "no-interpreter": ["no Python interpreter", "no Python"],
  "old-interpreter": ["Python is too old", "old Python"],
  "missing-package": ["a package is missing", "lacks a package"],
  "import-failed": ["the file cannot be imported", "import failed"],
  "missing-output": ["a promised file was not written", "missing file"],
  unstorable: ["what it returned cannot be stored", "unstorable"],
  unserialisable: ["a parameter cannot be stored", "bad parameter"],
  damaged: ["an artifact is damaged", "damaged"],
  "code-changed": ["the code changed meanwhile", "code changed"],
  store: ["the store cannot be used", "no store"],
  "disk-full": ["the disk is full", "disk full"],
  crashed: ["the kernel crashed", "crashed"],
  killed: ["the kernel was killed", "killed"],
  timeout: ["it took too long", "too long"],
  refused: ["the pool refused it", "refused"],
  "lost-session": ["the session is lost", "lost session"],
};

/** A failure in a few words: an exception of the user's code by its name. */
export function describeFailure({ kind, exception, package: name, message }: Failure): string {
  if (kind === "exception" && exception !== "") return exception.slice(exception.lastIndexOf(".") + 1);
  if (kind === "missing-package" && name !== "") return `package "${name}" is missing`;
  return FAILURES[kind]?.[0] ?? clip(message);
}

function clip(text: string): string {
  const [line = ""] = text.split("\n");
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** What is to be looked at first, with the word for several of them. */
const PRESSING: readonly (readonly [StageState["is"], string])[] = [
  ["running", "running"],
  ["waiting", "waiting"],
  ["failed", "failed"],
  ["broken", "with a problem"],
  ["cancelled", "cancelled"],
  ["skipped", "skipped"],
  ["stale", "stale"],
  ["absent", "never realized"],
  ["unknown", "not known yet"],
  ["cached", "cached"],
];

/** How many stages stand how, the most pressing first: `2 failed, 3 stale, 7 cached`. */
export function countStates(states: readonly StageState[]): string {
  const counts = new Map<string, number>();
  for (const { is } of states) counts.set(is, (counts.get(is) ?? 0) + 1);
  return PRESSING.flatMap(([is, word]) => {
    const count = counts.get(is) ?? 0;
    return count === 0 ? [] : [`${count.toLocaleString("en")} ${word}`];
  }).join(", ");
}

/** The state among several that is to be looked at first. */
export function mostPressing(states: readonly StageState[]): StageState | null {
  for (const [is] of PRESSING) {
    const found = states.find((state) => state.is === is);
    if (found !== undefined) return found;
  }
  return null;
}
