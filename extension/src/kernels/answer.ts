import type { Failure } from "../protocol/kernel/messages.gen.js";

/** What a request comes to. A cancelled one failed with `kind: "cancelled"`. */
export type Answer<T> =
  { readonly is: "done"; readonly result: T } | { readonly is: "failed"; readonly failure: Failure };

export function done<T>(result: T): Answer<T> {
  return { is: "done", result };
}

export function failed<T>(failure: Failure): Answer<T> {
  return { is: "failed", failure };
}

type FailureParts = Partial<Omit<Failure, "kind" | "message">>;

/** A failure with everything but `kind` and `message` empty, unless told. */
export function failure(kind: Failure["kind"], message: string, parts: FailureParts = {}): Failure {
  return { kind, message, advice: "", exception: "", frames: [], detail: "", package: "", command: "", ...parts };
}
