import type { Failure } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";

/** What ends a call before its time: the caller's signal, or its deadline, whichever comes first. */
export class Stop {
  readonly signal: AbortSignal | undefined;
  readonly #deadline: number | undefined;
  readonly #cleanUp: () => void;
  #late = false;

  /** `deadline`: milliseconds from now. */
  constructor(caller: AbortSignal | undefined, deadline: number | undefined) {
    this.#deadline = deadline;
    if (caller === undefined && deadline === undefined) {
      this.#cleanUp = () => {
        // nothing was set up
      };
      return;
    }
    const stop = new AbortController();
    const abort = (): void => {
      stop.abort();
    };
    this.signal = stop.signal;
    if (caller?.aborted === true) abort();
    caller?.addEventListener("abort", abort);
    const timer =
      deadline === undefined
        ? undefined
        : setTimeout(
            () => {
              this.#late = !stop.signal.aborted;
              stop.abort();
            },
            // longer ones would fire at once
            Math.min(Math.max(deadline, 0), 2 ** 31 - 1),
          );
    this.#cleanUp = () => {
      clearTimeout(timer);
      caller?.removeEventListener("abort", abort);
    };
  }

  get stopped(): boolean {
    return this.signal?.aborted === true;
  }

  /** Why it was stopped; `when` says how far it had come. */
  why(when: string): Failure {
    if (!this.#late) return failure("cancelled", `Cancelled ${when}.`);
    return failure("timeout", `It was not done within ${this.#deadline ?? 0} ms: stopped ${when}.`, {
      advice: "Give it a later deadline, or the pool more workers.",
    });
  }

  dispose(): void {
    this.#cleanUp();
  }
}
