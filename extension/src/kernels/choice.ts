import type { Worker } from "./worker.js";

interface Candidate {
  readonly state: Worker;
  readonly idleSince: number;
}

/** How many workers may run at once. What waits for the host does not run. */
export interface Limits {
  readonly size: number;
  /** How many more stand by, clean, beside those that run. */
  readonly spare: number;
  /** Whether a worker that is bound to some sources may be given work of others: it says itself where it cannot. */
  readonly rebind: boolean;
}

/**
 * The worker for work on the sources `bound`, or null where it has to wait: one that has them, else a clean one, else,
 * longest idle first, one that has others.
 */
export function choose<W extends Candidate>(workers: readonly W[], bound: string | null, limits: Limits): W | null {
  if (running(workers) >= limits.size) return null;
  const clean = idle(workers, (of) => of === null);
  if (bound === null) return clean.at(-1) ?? null;
  const fitting = idle(workers, (of) => of === bound);
  const others = limits.rebind ? idle(workers, (of) => of !== null && of !== bound) : [];
  return fitting.at(-1) ?? clean[0] ?? others[0] ?? null;
}

/** What keeps enough clean workers ready or on their way. */
export type Supply<W> =
  | { readonly is: "enough" }
  | { readonly is: "start" }
  /** There are too many, or too many stand idle with other sources: this one makes room. */
  | { readonly is: "retire"; readonly worker: W };

/** What is asked of the supply: by work that waits, and by who wants so many workers `ready`, with work or without. */
export interface Demand {
  readonly bound: string | null;
  readonly waiting: number;
  readonly ready: number;
}

/** Whether to start a worker: one for each piece of waiting work that may run now, and the spare ones. */
export function supply<W extends Candidate>(
  workers: readonly W[],
  { bound, waiting, ready }: Demand,
  { size, spare }: Limits,
): Supply<W> {
  const alive = workers.length - count(workers, "dead") - count(workers, "stopping");
  const held = count(workers, "busy") - running(workers);
  const room = size + spare + held - alive;
  const clean = idle(workers, (of) => of === null);
  if (room < 0) {
    const [surplus] = idle(workers, () => true);
    return surplus === undefined ? { is: "enough" } : { is: "retire", worker: surplus };
  }
  const wanted = Math.max(Math.min(waiting, size - running(workers)) + spare, ready - running(workers));
  if (clean.length + count(workers, "starting") >= wanted) return { is: "enough" };
  if (room > 0) return { is: "start" };
  const worker = idle(workers, (of) => of !== null && of !== bound)[0];
  return worker === undefined ? { is: "enough" } : { is: "retire", worker };
}

function idle<W extends Candidate>(workers: readonly W[], which: (bound: string | null) => boolean): readonly W[] {
  return workers
    .filter(({ state }) => state.is === "idle" && which(state.bound))
    .sort((one, other) => one.idleSince - other.idleSince);
}

function running(workers: readonly Candidate[]): number {
  return workers.filter(({ state }) => state.is === "busy" && state.waiting === 0).length;
}

function count(workers: readonly Candidate[], is: Worker["is"]): number {
  return workers.filter(({ state }) => state.is === is).length;
}
