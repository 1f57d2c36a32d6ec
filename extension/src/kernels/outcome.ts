import type { CallOutcome, Failure } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";
import { decode, ExchangeError, type Carrier } from "./exchange.js";

/**
 * What a call came to. *Indeterminate*: its worker died after it had begun and before it ended, and it is not
 * idempotent, so that nobody knows how much of it was done.
 */
export type Outcome<T = unknown> =
  | { readonly is: "ok"; readonly value: T }
  | { readonly is: "error"; readonly failure: Failure }
  | { readonly is: "indeterminate"; readonly failure: Failure };

export function ok<T>(value: T): Outcome<T> {
  return { is: "ok", value };
}

export function error(why: Failure): Outcome<never> {
  return { is: "error", failure: why };
}

export function indeterminate(why: Failure): Outcome<never> {
  return { is: "indeterminate", failure: why };
}

/** What a worker's answer means here. */
export function ofAnswer(answer: CallOutcome, carrier: Carrier): Outcome {
  if (answer.is === "error") return error(answer.failure);
  try {
    return ok(decode(answer.value, carrier));
  } catch (wrong) {
    return error(untravelling("What came back", wrong));
  }
}

/** The failure of a value that `what` names and that cannot travel; what is no such thing is thrown again. */
export function untravelling(what: string, wrong: unknown): Failure {
  if (!(wrong instanceof ExchangeError)) throw wrong;
  return failure("unserialisable", `${what} cannot travel: ${wrong.message}`, {
    advice: "Give numbers, text, null, or arrays and plain objects of them.",
  });
}
