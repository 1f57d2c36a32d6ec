import { duration, plural } from "../../../extension/src/protocol/words/figures.js";
import { AWAITS, countStates, mostPressing } from "../../../extension/src/protocol/words/states.js";
import type { Problem, RunView, StageState } from "../contract.js";

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

export const isBusy = (run: RunView | null): boolean =>
  run !== null && (run.is === "planning" || run.is === "running" || run.is === "cancelling");

/** A run under way in words. */
export const runWords = (run: RunView): string => {
  switch (run.is) {
    case "cancelling":
      return "Cancelling";
    case "running":
      return `${run.awaits === undefined ? "Running" : capitalized(AWAITS[run.awaits][1])} · ${run.finished.toString()} of ${plural(run.total, "stage")}`;
    default:
      return "Planning";
  }
};

/** How a pipeline stands where nothing runs: what an ended run left is old as soon as something is edited. */
export const standWords = (
  states: readonly StageState[],
  expected = 0,
): { readonly look: Look; readonly words: string; readonly forecast: string } | null => {
  const worst = mostPressing(states);
  if (worst === null || (worst.is === "unknown" && states.every((state) => state.is === "unknown"))) return null;
  const forecast = expected === 0 ? "" : `A run takes about ${duration(expected)}, by past runs`;
  return { look: lookOf(worst), words: worst.is === "cached" ? "All cached" : countStates(states), forecast };
};

export const problemPlace = (problem: Problem): string =>
  `${problem.span.path.split(/[\\/]/).at(-1) ?? ""}:${(problem.span.line + 1).toString()}`;

const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
