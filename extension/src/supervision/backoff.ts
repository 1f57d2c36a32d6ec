/** How long to wait before trying again: doubles from `first` up to `longest`, in milliseconds. */
export interface Backoff {
  readonly first: number;
  readonly longest: number;
}

/**
 * The wait before try `attempt` (0 is the first repeat): between half and all of the doubled time, by `chance` in
 * [0, 1), so that processes that died together do not come back together.
 */
export function waitBefore(attempt: number, { first, longest }: Backoff, chance: number): number {
  const full = Math.min(longest, first * 2 ** Math.min(attempt, 30));
  return Math.round(full * (0.5 + chance / 2));
}

/** Failures within a sliding window of time. Pure: every change is a new value. */
export interface Failures {
  readonly at: readonly number[];
}

export const noFailures: Failures = { at: [] };

/** Adds a failure at `now` and forgets those older than `window`. */
export function addFailure(failures: Failures, now: number, window: number): Failures {
  return { at: [...failures.at.filter((at) => now - at < window), now] };
}
