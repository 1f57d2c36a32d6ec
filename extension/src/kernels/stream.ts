import type { CallOutcome, Failure } from "../protocol/kernel/messages.gen.js";
import { done, failed, failure } from "./answer.js";
import type { Reply } from "./connection.js";
import type { Arguments } from "./definition.js";
import { decode, encode } from "./exchange.js";
import type { Asked, Asking } from "./operators.js";
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

/** What a stream is of: an operation of any worker, or, with a fence, a method of that session. */
export interface StreamStart {
  readonly operation: string;
  readonly args: Arguments;
  readonly fence: number;
  readonly anywhere: boolean;
}

export function streamOf<T>(start: StreamStart, run: (asked: Asked) => Promise<Outcome>): Stream<T> {
  return new OperatorStream<T>(start, run);
}

/** The host's end of a stream: chunks that came wait here for who reads, and the worker waits for who reads on. */
class OperatorStream<T> implements Stream<T> {
  readonly #start: StreamStart;
  readonly #run: (asked: Asked) => Promise<Outcome>;
  #values: T[] = [];
  #next = 0;
  #ending: Outcome | null = null;
  #closed = false;
  #running: Promise<void> | null = null;
  #changed: (() => void)[] = [];

  constructor(start: StreamStart, run: (asked: Asked) => Promise<Outcome>) {
    this.#start = start;
    this.#run = run;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      if (this.#closed) return over;
      if (this.#next < this.#values.length) {
        // safe: there is one, as was just seen
        const value = this.#values[this.#next] as T;
        this.#next += 1;
        this.#tell();
        return { done: false, value };
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
    const { anywhere } = this.#start;
    this.#ending = await this.#run({ ask: (asking) => this.#pump(asking), anywhere, stream: true });
    this.#tell();
  }

  #begin({ connection, call, signal, lease }: Asking): Promise<Reply<CallOutcome>> {
    const { operation, args, fence } = this.#start;
    try {
      const params = { call, operation, arguments: encode(args, lease), fence };
      return connection.request("worker/stream", params, signal);
    } catch (wrong) {
      return Promise.resolve(failed(untravelling(`The arguments of ${operation}`, wrong)));
    }
  }

  /** Asks the worker for more as often as somebody reads. */
  async #pump(asking: Asking): Promise<Reply<CallOutcome>> {
    const { connection, call, signal, waits } = asking;
    const begun = await this.#begin(asking);
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
      try {
        this.#take(values, asking);
      } catch (wrong) {
        await connection.request("worker/close", { call });
        return failed(untravelling("What came back", wrong));
      }
      this.#tell();
      many = values.length === many ? Math.min(many * 2, most) : 1;
      if (last) return done({ is: "ok", value: "null" });
    }
  }

  // at once: what lies in files goes with the worker
  #take(texts: readonly string[], { lease }: Asking): void {
    // safe: the caller says what its operation yields
    const values = texts.map((text) => decode(text, lease) as T);
    this.#values = [...this.#values.slice(this.#next), ...values];
    this.#next = 0;
  }

  /** Whether the worker may go on: half of what came has been read, or nobody reads any more. */
  #wanted(signal: AbortSignal): boolean {
    return this.#closed || signal.aborted || this.#next * 2 >= this.#values.length;
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

const over = { done: true, value: undefined } as const;
