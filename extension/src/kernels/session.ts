import type { Failure } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";
import type { Arguments, CallOptions } from "./definition.js";
import { encode } from "./exchange.js";
import type { Asked, Operators } from "./operators.js";
import { error, ok, untravelling, type Outcome } from "./outcome.js";
import { Stop } from "./stop.js";
import { streamOf, type Stream } from "./stream.js";

/** How a session stands. A *lost* one has no worker any more: `failure` says why, and `restore` may bring it back. */
export type SessionState =
  { readonly is: "live" } | { readonly is: "lost"; readonly failure: Failure } | { readonly is: "released" };

/** A session, as a list shows it. Times are those of `Date.now()`. */
export interface SessionView {
  readonly id: string;
  readonly kind: string;
  readonly pid: number | null;
  readonly state: SessionState;
  readonly lastUsed: number;
  /** When its lease runs out. */
  readonly expires: number;
  /** The file of its last checkpoint. */
  readonly checkpoint: string | null;
}

/** An object in a worker of its own. */
export interface Session extends AsyncDisposable {
  readonly id: string;
  /** Rises with every checkout of the pool: a call with an older one is refused by the worker. */
  readonly fence: number;
  readonly view: SessionView;
  /** Calls a method; one after the other, and never rejects. Each call renews the lease. */
  call(method: string, args: Arguments, options?: SessionCallOptions): Promise<Outcome>;
  /** Reads what a method yields; until that is over, other calls are refused. */
  stream(method: string, args: Arguments, options?: SessionCallOptions): Stream;
  /** Keeps the object in a file, which at any moment holds the last one whole or this one. */
  checkpoint(path: string, options?: SessionCallOptions): Promise<Outcome<null>>;
  /** Brings a lost session back on another worker, as it was at its last checkpoint. */
  restore(options?: SessionCallOptions): Promise<Outcome<null>>;
  /** Begins the lease anew, for so many milliseconds; as long as before unless told. */
  renew(lease?: number): void;
  /** Ends it and its worker. */
  release(): Promise<void>;
}

export type SessionCallOptions = Omit<CallOptions, "caller" | "priority" | "idempotent">;

/** What opens a session: a class of the entry module with its arguments, or a checkpoint of an instance. */
export interface SessionStart {
  readonly id: string;
  readonly kind: string;
  readonly args: Arguments;
  readonly checkpoint: string | null;
  readonly lease: number;
  readonly options: SessionCallOptions;
}

/** A session on `operators` of one worker, which are its own. `nextFence` gives the pool's next fencing token. */
export class OperatorSession implements Session {
  readonly id: string;
  readonly #start: SessionStart;
  readonly #operators: Operators;
  readonly #nextFence: () => number;
  readonly #ended: (session: OperatorSession) => void;
  #fence = 0;
  #state: SessionState = { is: "live" };
  #lastUsed = Date.now();
  #lease: number;
  #expires = 0;
  #timer: NodeJS.Timeout | null = null;
  #checkpoint: string | null;
  #pid: number | null = null;
  #over = false;
  #streaming = 0;

  constructor(
    start: SessionStart,
    operators: Operators,
    nextFence: () => number,
    ended: (session: OperatorSession) => void,
  ) {
    this.id = start.id;
    this.#start = start;
    this.#lease = start.lease;
    this.#checkpoint = start.checkpoint;
    this.#operators = operators;
    this.#nextFence = nextFence;
    this.#ended = ended;
    operators.onDidChange(() => {
      this.#look();
    });
  }

  get fence(): number {
    return this.#fence;
  }

  get view(): SessionView {
    const { kind } = this.#start;
    const [state, lastUsed, expires] = [this.#state, this.#lastUsed, this.#expires];
    return { id: this.id, kind, pid: this.#pid, state, lastUsed, expires, checkpoint: this.#checkpoint };
  }

  /** Makes the object; a session that could not be opened is released. */
  async open(): Promise<Outcome<null>> {
    const made = await this.#init(this.#start.options);
    if (made.is !== "ok") await this.release();
    return made;
  }

  async call(method: string, args: Arguments, options: SessionCallOptions = {}): Promise<Outcome> {
    using lease = this.#operators.lease();
    let text: string;
    try {
      text = encode(args, lease);
    } catch (wrong) {
      return error(untravelling(`The arguments of ${method}`, wrong));
    }
    const fence = this.#fence;
    return await this.#ask(options, {
      anywhere: false,
      ask: ({ connection, call, signal }) =>
        connection.request("worker/call", { call, operation: method, arguments: text, fence }, signal),
    });
  }

  stream(method: string, args: Arguments, options: SessionCallOptions = {}): Stream {
    return streamOf({ operation: method, args, fence: this.#fence, anywhere: false }, async (asked) => {
      const outcome = this.#ask(options, asked);
      this.#streaming += 1;
      return outcome.finally(() => (this.#streaming -= 1));
    });
  }

  async checkpoint(path: string, options: SessionCallOptions = {}): Promise<Outcome<null>> {
    const fence = this.#fence;
    const kept = await this.#ask(options, {
      anywhere: false,
      ask: ({ connection, call, signal }) => connection.request("worker/checkpoint", { call, fence, path }, signal),
    });
    if (kept.is !== "ok") return kept;
    this.#checkpoint = path;
    return ok(null);
  }

  async restore(options: SessionCallOptions = {}): Promise<Outcome<null>> {
    if (this.#state.is === "live") return ok(null);
    if (this.#state.is === "released") return error(over(this.id));
    if (this.#over) return error(this.#state.failure);
    if (this.#checkpoint === null)
      return error(
        failure("lost-session", `The session ${this.id} has no checkpoint to be restored from.`, {
          advice: "Open it anew, and keep checkpoints from time to time.",
        }),
      );
    return this.#init(options);
  }

  renew(lease = this.#lease): void {
    if (this.#over) return;
    this.#lease = lease;
    this.#expires = Date.now() + lease;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!Number.isFinite(lease)) return;
    this.#timer = setTimeout(
      () => {
        void this.#end({
          is: "lost",
          failure: failure("lost-session", `The lease of the session ${this.id} ran out.`, {
            advice: "Renew it in time, or give it a longer lease.",
          }),
        });
      },
      Math.min(lease, 2 ** 31 - 1),
    );
    this.#timer.unref();
  }

  release(): Promise<void> {
    return this.#end({ is: "released" });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  async #init(options: SessionCallOptions): Promise<Outcome<null>> {
    const { kind, args } = this.#start;
    const fence = (this.#fence = this.#nextFence());
    const checkpoint = this.#checkpoint ?? "";
    using lease = this.#operators.lease();
    let text: string;
    try {
      text = encode(args, lease);
    } catch (wrong) {
      return error(untravelling(`The arguments of ${kind}`, wrong));
    }
    const before = this.#state;
    this.#state = { is: "live" };
    this.#pid = null;
    const made = await this.#ask(options, {
      anywhere: true,
      ask: ({ connection, call, signal }) =>
        connection.request("worker/session", { call, fence, kind, arguments: text, checkpoint }, signal),
    });
    if (made.is !== "ok") {
      if (this.view.state.is === "live")
        this.#state = before.is === "lost" ? before : { is: "lost", failure: made.failure };
      return made;
    }
    this.#pid = this.#operators.view.workers.find(({ is }) => is === "idle" || is === "busy")?.pid ?? null;
    return ok(null);
  }

  async #ask(options: SessionCallOptions, asked: Asked): Promise<Outcome> {
    if (this.#state.is === "released") return error(over(this.id));
    if (this.#state.is === "lost") return error(this.#state.failure);
    if (this.#operators.inside) return error(waitsForThis(this.id));
    if (this.#streaming > 0) return error(streams(this.id));
    this.#lastUsed = Date.now();
    this.renew();
    const stop = new Stop(options.signal, options.deadline);
    try {
      const tools = { ...this.#start.options.tools, ...options.tools };
      const onOutput = options.onOutput ?? this.#start.options.onOutput;
      const outcome = await this.#operators.run(
        asked,
        { tools, ...(onOutput === undefined ? {} : { onOutput }) },
        stop,
      );
      if (outcome.is === "error" && outcome.failure.kind === "lost-session") this.#lose(outcome.failure);
      if (outcome.is === "indeterminate") this.#lose(lost(this.id, outcome.failure));
      return outcome;
    } finally {
      stop.dispose();
    }
  }

  /** Its worker may have died while it had nothing to do. */
  #look(): void {
    if (this.#pid === null || this.#state.is !== "live") return;
    const alive = this.#operators.view.workers.some(({ pid, is }) => pid === this.#pid && is !== "stopping");
    if (!alive) this.#lose(lost(this.id, null));
  }

  #lose(why: Failure): void {
    this.#pid = null;
    if (this.#state.is === "live") this.#state = { is: "lost", failure: why };
  }

  async #end(state: SessionState): Promise<void> {
    if (this.#over) return;
    this.#over = true;
    this.#state = state;
    this.#pid = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#ended(this);
    await this.#operators.dispose();
  }
}

function over(id: string): Failure {
  return failure("lost-session", `The session ${id} was released.`);
}

function lost(id: string, why: Failure | null): Failure {
  const cause = why === null ? "its worker died" : why.message;
  return failure("lost-session", `The session ${id} is lost: ${cause}`, {
    advice: "Restore it from its checkpoint, or open it anew.",
    detail: why?.detail ?? "",
  });
}

function waitsForThis(id: string): Failure {
  return failure("refused", `The session ${id} waits for the tool that asks it: it would wait for ever.`, {
    advice: "Give the tool what it needs as arguments.",
  });
}

function streams(id: string): Failure {
  return failure("refused", `A stream of the session ${id} is being read: its object is busy until that is over.`, {
    advice: "Read it to its end, or leave it, before the next call.",
  });
}
