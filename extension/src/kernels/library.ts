/**
 * `stageloom/kernels`: pools of Python workers for a program on Node, without VS Code. What this module exports is the
 * library's contract, which `docs/api.md` explains; all else may change.
 */
import { fileURLToPath } from "node:url";
import { Pools, type PoolsOptions } from "./pools.js";

export type { Disposable, Event } from "../lifetime.js";
export type { Logger } from "../logger.js";
export type { Failure, Frame } from "../protocol/kernel/messages.gen.js";
export type {
  AnyOperations,
  Arguments,
  CallOptions,
  Operations,
  Pool,
  PoolDefinition,
  SessionOptions,
  StreamOptions,
  Tool,
} from "./definition.js";
export type { Outcome } from "./outcome.js";
export type { Session, SessionCallOptions, SessionState, SessionView } from "./session.js";
export type { PoolView, WorkerView } from "./state.js";
export { ArrowStream, NdArray, type TypedArray } from "./arrays.js";
export { StreamError, type Stream } from "./stream.js";
export { Pools, type PoolsOptions };

/** Opens the pools of a program, with the Python package and the guardian that lie beside this bundle. */
export function openPools(options: Partial<PoolsOptions> = {}): Promise<Pools> {
  const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  return Pools.open({ kernel: beside("./kernel"), guardian: beside("./guardian.js"), ...options });
}
