import type { CallOutcome, Failure } from "../protocol/kernel/messages.gen.js";
import { done, failed, failure } from "./answer.js";
import type { Connection, Reply } from "./connection.js";
import type { Arguments } from "./definition.js";
import { decode, encode } from "./exchange.js";
import type { Asked, Waits } from "./operators.js";
import { untravelling, type Outcome } from "./outcome.js";

/** What ended a stream before its end; `failure` says why, with the Python lines where there are any. */
export class StreamError extends Error {
  override readonly name = "StreamError";
  readonly is: "error" | "indeterminate";
  readonly failure: Failure;

  constructor(is: "error" | "indeterminate", why: Failure) {
    super(why.message);
    this.is = is;
    this.failure = why;
  }
}

/**
 * What an operation yields, chunk by chunk. Python makes as much as is read, and a little ahead; leaving a `for await`
 * by `break`, `return` or an error closes it there. It throws a StreamError where it fails.
 */
export interface Stream<T = unknown> extends AsyncIterableIterator<T, undefined>, AsyncDisposable {
  next(): Promise<IteratorResult<T, undefined>>;
  return(): Promise<IteratorResult<T, undefined>>;
  [Symbol.asyncIterator](): Stream<T>;
}

/** How much is asked for at once, at most. Two such batches are the most that is kept here. */
const batch = { size: 1024 * 1024, seconds: 0.05 } as const;
const most = 1000;

/** How a stream begins: the request that makes what yields. */
export type Begin = (connection: Connection, call: number, signal: AbortSignal) => Promise<Reply<CallOutcome>>;

/** The host's end of a stream: chunks that came wait here for who reads, and the worker waits for who reads on. */
export class OperatorStream<T> implements Stream<T> {
  readonly #begin: Begin;
  readonly #run: (asked: Asked) => Promise<Outcome>;
  readonly #anywhere: boolean;
  #texts: string[] = [];
  #next = 0;
  #ending: Outcome | null = null;
  #closed = false;
  #running: Promise<void> | null = null;
  #changed: (() => void)[] = [];

  constructor(begin: Begin, anywhere: boolean, run: (asked: Asked) => Promise<Outcome>) {
    this.#begin = begin;
    this.#anywhere = anywhere;
    this.#run = run;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#closed) return over;
      const text = this.#texts[this.#next];
      if (text !== undefined) {
        this.#next += 1;
        this.#tell();
        // safe: the caller says what its operation yields
        return { done: false, value: decode(text) as T };
      }
      if (this.#ending !== null) {
        const ending = this.#ending;
        this.#closed = true;
        if (ending.is === "ok") return over;
        throw new StreamError(ending.is, ending.failure);
      }
      this.#running ??= this.#live();
      await this.#change();
    }
  }

  /** Closes it; settles when Python has. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#closed = true;
    this.#tell();
    await this.#running;
    return over;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  async #live(): Promise<void> {
    const ask: Asked["ask"] = (connection, call, signal, waits) => this.#pump(connection, call, signal, waits);
    this.#ending = await this.#run({ ask, anywhere: this.#anywhere, stream: true });
    this.#tell();
  }

  /** Asks the worker for more as often as somebody reads. */
  async #pump(connection: Connection, call: number, signal: AbortSignal, waits: Waits): Promise<Reply<CallOutcome>> {
    const begun = await this.#begin(connection, call, signal);
    if (begun.is !== "done" || begun.result.is === "error") return begun;
    // one at first, so that nobody waits for a second; more as long as they come fast
    for (let many = 1; ;) {
      if (!this.#wanted(signal)) await waits(() => this.#untilWanted(signal));
      if (this.#closed || signal.aborted) {
        const closed = await connection.request("worker/close", { call });
        return this.#closed || closed.is !== "done" ? closed : failed(failure("cancelled", "Cancelled."));
      }
      const reply = await connection.request("worker/next", { call, most: many, ...batch }, signal);
      if (reply.is !== "done") return reply;
      if (reply.result.is === "error") return done(reply.result);
      const { values, over: last } = reply.result;
      this.#texts = [...this.#texts.slice(this.#next), ...values];
      this.#next = 0;
      this.#tell();
      many = values.length === many ? Math.min(many * 2, most) : 1;
      if (last) return done({ is: "ok", value: "null" });
    }
  }

  /** Whether the worker may go on: half of what came has been read, or nobody reads any more. */
  #wanted(signal: AbortSignal): boolean {
    return this.#closed || signal.aborted || this.#next * 2 >= this.#texts.length;
  }

  async #untilWanted(signal: AbortSignal): Promise<void> {
    const tell = (): void => {
      this.#tell();
    };
    signal.addEventListener("abort", tell);
    while (!this.#wanted(signal)) await this.#change();
    signal.removeEventListener("abort", tell);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed.push(resolve);
    });
  }

  #tell(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const go of waiting) go();
  }
}

/** A stream of what `operation` yields: of the session of that fence, or of any worker where it is 0. */
export function streamOf<T>(
  operation: string,
  args: Arguments,
  fence: number,
  anywhere: boolean,
  run: (asked: Asked) => Promise<Outcome>,
): Stream<T> {
  const begin: Begin = (connection, call, signal) => {
    try {
      const params = { call, operation, arguments: encode(args), fence };
      return connection.request("worker/stream", params, signal);
    } catch (wrong) {
      return Promise.resolve(failed(untravelling(`The arguments of ${operation}`, wrong)));
    }
  };
  return new OperatorStream<T>(begin, anywhere, run);
}

const over = { done: true, value: undefined } as const;
