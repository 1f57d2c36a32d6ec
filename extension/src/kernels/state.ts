import type { Failure } from "../protocol/kernel/messages.gen.js";

/** How an engine stands. A *failed* one stays down until it is restarted; `failure` says why and what to do. */
export type EngineState =
  | { readonly is: "off" }
  | { readonly is: "starting" }
  | { readonly is: "ready"; readonly python: string; readonly executable: string; readonly warnings: readonly string[] }
  | { readonly is: "failed"; readonly failure: Failure };

/** One worker of the pool, as a view shows it. */
export interface WorkerView {
  readonly pid: number | null;
  readonly is: "starting" | "idle" | "busy" | "stopping";
  readonly spare: boolean;
  readonly job: string | null;
}

/** The pool, as a view shows it. */
export interface PoolView {
  readonly size: number;
  readonly queued: number;
  readonly workers: readonly WorkerView[];
}
