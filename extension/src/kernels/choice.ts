import type { Worker } from "./worker.js";

interface Candidate {
  readonly state: Worker;
  readonly idleSince: number;
}

/** How many workers may be busy; one more may stand by, clean. */
export interface Limits {
  readonly size: number;
  /** Whether a worker that has run one snapshot may be given a job of another: it says itself where it cannot. */
  readonly rebind: boolean;
}

/**
 * The worker for a job of `snapshot`, or null where it has to wait: one that has its sources, else a clean one, else,
 * longest idle first, one that has run another snapshot.
 */
export function choose<W extends Candidate>(workers: readonly W[], snapshot: string, limits: Limits): W | null {
  if (count(workers, "busy") >= limits.size) return null;
  const bound = idle(workers, (of) => of === snapshot);
  const clean = idle(workers, (of) => of === null);
  const others = limits.rebind ? idle(workers, (of) => of !== null && of !== snapshot) : [];
  return bound.at(-1) ?? clean[0] ?? others[0] ?? null;
}

/** What keeps enough clean workers ready or on their way. */
export type Supply<W> =
  | { readonly is: "enough" }
  | { readonly is: "start" }
  /** Too many stand idle with other sources: this one makes room. */
  | { readonly is: "replace"; readonly worker: W };

/** Whether to start a worker: one for each of the `waiting` jobs that may run now, and a spare. */
export function supply<W extends Candidate>(
  workers: readonly W[],
  snapshot: string,
  waiting: number,
  { size }: Limits,
): Supply<W> {
  const wanted = Math.min(waiting, size - count(workers, "busy")) + 1;
  const clean = idle(workers, (of) => of === null).length + count(workers, "starting");
  if (clean >= wanted) return { is: "enough" };
  const alive = workers.length - count(workers, "dead") - count(workers, "stopping");
  if (alive <= size) return { is: "start" };
  const worker = idle(workers, (of) => of !== null && of !== snapshot)[0];
  return worker === undefined ? { is: "enough" } : { is: "replace", worker };
}

function idle<W extends Candidate>(workers: readonly W[], which: (snapshot: string | null) => boolean): readonly W[] {
  return workers
    .filter(({ state }) => state.is === "idle" && which(state.snapshot))
    .sort((one, other) => one.idleSince - other.idleSince);
}

function count(workers: readonly Candidate[], is: Worker["is"]): number {
  return workers.filter(({ state }) => state.is === is).length;
}
