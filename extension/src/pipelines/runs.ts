import type { Failure, Problem, RunStage } from "../protocol/kernel/messages.gen.js";
import { isLive, type RunState } from "./pipeline.js";

/** How an attempt to realize ended. `made` ran, `kept` were cached. */
export type RunOutcome =
  | {
      readonly is: "done";
      readonly targets: readonly string[];
      readonly made: readonly string[];
      readonly kept: readonly string[];
    }
  | {
      readonly is: "failed";
      readonly stages: readonly { readonly stage: string; readonly failure: Failure }[];
      readonly failure: Failure | null;
      readonly problems: readonly Problem[];
    }
  | { readonly is: "cancelled" }
  | { readonly is: "refused"; readonly failure: Failure }
  | { readonly is: "busy" }
  | { readonly is: "unsaved" }
  | { readonly is: "untrusted" };

/** What waits for runs to end. */
export class RunWaits {
  readonly #waiting = new Map<string, (outcome: RunOutcome) => void>();

  /** Waits for a run; `now` is what is known of it, for it may have ended before its name arrived. */
  until(run: string, now: RunState | null): Promise<RunOutcome> {
    if (now?.run === run && !isLive(now)) return Promise.resolve(outcomeOf(now));
    return new Promise((done) => this.#waiting.set(run, done));
  }

  ended(run: RunState): void {
    this.#waiting.get(run.run)?.(outcomeOf(run));
    this.#waiting.delete(run.run);
  }

  /** The engine is gone, and all runs with it: also those of which nothing was heard yet. */
  lose(failure: Failure): void {
    for (const done of this.#waiting.values()) done({ is: "failed", stages: [], failure, problems: [] });
    this.#waiting.clear();
  }

  abandon(): void {
    for (const done of this.#waiting.values()) done({ is: "cancelled" });
    this.#waiting.clear();
  }
}

function outcomeOf(run: RunState): RunOutcome {
  const stages = [...run.stages.values()].map((one) => one.stage);
  const named = (is: string): string[] => distinct(stages.filter((stage) => stage.is === is)).map(({ name }) => name);
  if (run.is === "cancelled") return { is: "cancelled" };
  if (run.is === "done") return { is: "done", targets: run.targets, made: named("done"), kept: named("kept") };
  const failed = stages
    .toSorted((one, two) => endOf(one) - endOf(two))
    .flatMap((stage) => (stage.failure === null ? [] : [{ stage: stage.name, failure: stage.failure }]));
  return { is: "failed", stages: failed, failure: run.failure, problems: run.problems };
}

/** When a stage ended: what failed first may be why others did. */
function endOf({ started, took }: RunStage): number {
  return started === null ? Number.MAX_VALUE : started + (took ?? 0);
}

/** Leaves out stages that only pass on what another made: nothing ran for those. */
function distinct(stages: readonly RunStage[]): readonly RunStage[] {
  const seen = new Set<string>();
  return stages.filter(({ realization }) => {
    if (realization === null) return true;
    const fresh = !seen.has(realization.rref);
    seen.add(realization.rref);
    return fresh;
  });
}
