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
