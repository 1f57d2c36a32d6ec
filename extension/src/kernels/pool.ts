import { Emitter, Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { Failure, Role } from "../protocol/kernel/messages.gen.js";
import { addFailure, noFailures, waitBefore } from "../supervision/backoff.js";
import { failure } from "./answer.js";
import { choose, supply, type Limits } from "./choice.js";
import { Pooled, type Ended, type Work } from "./pooled.js";
import { KernelProcess, type Ground } from "./process.js";
import { FairQueue } from "./queue.js";
import type { PoolView, WorkerView } from "./state.js";

export interface PoolOptions extends Limits {
  readonly role: Exclude<Role, "engine">;
  /** What its workers are called, with a number behind; the role unless told. */
  readonly name?: string;
  /** All workers end when none has had work for this long, in milliseconds; the next work starts them again. */
  readonly idleFor: number;
  /** How much may wait; more is refused. */
  readonly queueLimit: number;
  /** After how many milliseconds, and how much work, a worker is replaced by a new one. */
  readonly maxAge: number;
  readonly maxServed: number;
  /** After so many failed starts within a minute, with no good one between, none is tried any more. */
  readonly failedStarts: number;
  /** Whether the pool stays failed then until it is restarted, or the next work tries again. */
  readonly staysFailed: boolean;
}

/** What a kind of pool does with its workers. */
export interface Hooks<R> {
  /** A worker's process was made, and has not been started yet. */
  readonly prepare: (worker: Pooled<R>) => void;
  /** Its connection is open: makes it ready for work, or says why it cannot. */
  readonly open: (process: KernelProcess) => Promise<Failure | null>;
}

/** What a caller gives with work. Aborting cancels it. */
export interface RunOptions<R> {
  readonly signal?: AbortSignal | undefined;
  readonly caller?: string | undefined;
  readonly priority?: number | undefined;
  /** It was given back by another worker: it comes before all else of its caller, and no limit holds for it. */
  readonly again?: boolean | undefined;
  /** A worker has begun with it. */
  readonly onBegin?: ((worker: Pooled<R>) => void) | undefined;
}

/** What work came to: it ended on `worker`, which had been clean; it was withdrawn while it waited; or never begun. */
export type Ran<R> =
  | { readonly is: "ended"; readonly ended: Ended<R>; readonly worker: Pooled<R>; readonly clean: boolean }
  | { readonly is: "withdrawn" }
  | { readonly is: "refused"; readonly failure: Failure };

interface Queued<R> extends RunOptions<R> {
  readonly caller: string;
  readonly priority: number;
  readonly work: Work<R>;
  readonly settle: (ran: Ran<R>) => void;
  readonly withdraw: () => void;
}

const backoff = { first: 100, longest: 10_000 };
const failuresWithin = 60_000;
// who has nothing waiting is let in a little longer than who keeps the queue full
const reserve = 1.1;

const shutDown = failure("cancelled", "Cancelled: the kernels were shut down.");

/**
 * Workers of one kind, and what waits for them: started when the first work comes, replaced when they die, ended when
 * there has been nothing to do for a while.
 */
export class WorkerPool<R> implements Disposable {
  readonly #options: PoolOptions;
  readonly #hooks: Hooks<R>;
  readonly #ground: Ground;
  readonly #lifetime = new Lifetime();
  readonly #changes = new Emitter<PoolView>();
  readonly #workers = new Set<Pooled<R>>();
  readonly #queue = new FairQueue<Queued<R>>();
  #bound: string | null = null;
  #ready = 0;
  #started = 0;
  #awake = false;
  #fruitless = noFailures;
  #failed: Failure | null = null;
  #pause: NodeJS.Timeout | null = null;
  #rest: NodeJS.Timeout | null = null;
  #telling = false;

  constructor(options: PoolOptions, ground: Ground, hooks: Hooks<R>) {
    this.#options = options;
    this.#ground = ground;
    this.#hooks = hooks;
    this.#lifetime.add(this.#changes);
    this.#lifetime.defer(() => this.#endAll());
  }

  get onDidChange(): Event<PoolView> {
    return this.#changes.event;
  }

  get view(): PoolView {
    const workers = [...this.#workers].flatMap(viewOf);
    return { size: this.#options.size, queued: this.#queue.size, workers };
  }

  /** Why no worker can be started, where that is so. */
  get failure(): Failure | null {
    return this.#failed;
  }

  /** Does `work` on a worker, once; never rejects. */
  run(work: Work<R>, options: RunOptions<R> = {}): Promise<Ran<R>> {
    const { caller = "", priority = 0, signal, again = false } = options;
    const refusal = this.#refusal(caller, again);
    if (refusal !== null) return Promise.resolve({ is: "refused", failure: refusal });
    if (signal?.aborted === true) return Promise.resolve({ is: "withdrawn" });
    return new Promise((settle) => {
      const queued: Queued<R> = {
        ...{ ...options, caller, priority, work, settle },
        withdraw: () => {
          if (!this.#queue.remove(queued)) return;
          settle({ is: "withdrawn" });
          this.#pump();
        },
      };
      if (again) this.#queue.putBack(queued);
      else this.#queue.push(queued);
      signal?.addEventListener("abort", queued.withdraw);
      this.#awake = true;
      this.#pump();
    });
  }

  /** Starts all workers that may run at once; settles when they are ready, or one of them could not be. */
  async warmUp(): Promise<Failure | null> {
    if (this.#failed !== null || this.#lifetime.ended) return this.#failed ?? shutDown;
    this.#awake = true;
    this.#ready = this.#options.size;
    this.#pump();
    return new Promise((resolve) => {
      const look = (): void => {
        const ready = [...this.#workers].filter(({ state }) => state.is === "idle" || state.is === "busy").length;
        if (!this.#lifetime.ended && this.#failed === null && this.#awake && ready < this.#options.size) return;
        listening.dispose();
        resolve(this.#lifetime.ended ? shutDown : this.#failed);
      };
      const listening = this.#changes.event(look);
      this.#tell();
    });
  }

  /** Ends the idle workers, lets the busy ones finish what they have, and forgets why none could be started. */
  restart(): void {
    this.#failed = null;
    this.#fruitless = noFailures;
    for (const worker of [...this.#workers]) worker.retire();
    for (const worker of this.#workers) worker.served = Infinity;
    this.#pump();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #refusal(caller: string, again: boolean): Failure | null {
    if (this.#lifetime.ended) return shutDown;
    if (this.#failed !== null) return this.#failed;
    const { queueLimit } = this.#options;
    if (again || this.#queue.size < queueLimit) return null;
    if (this.#queue.size < queueLimit * reserve && this.#queue.of(caller) === 0) return null;
    return failure("refused", `${this.#queue.size} calls wait already, which is as many as may.`, {
      advice: "Ask again later, ask for less at once, or give the pool a larger size or queue limit.",
    });
  }

  /** Gives out what can be given, and sees that enough workers are ready. */
  #pump(): void {
    if (this.#lifetime.ended) return;
    this.#retireSpent();
    for (let next = this.#queue.peek(); next !== undefined; next = this.#queue.peek()) {
      this.#bound = next.work.bound;
      const worker = choose([...this.#workers], next.work.bound, this.#options);
      if (worker === null) break;
      this.#queue.shift();
      void this.#give(next, worker);
    }
    if (this.#awake && this.#pause === null && this.#failed === null) this.#supply();
    this.#restLater();
    this.#tell();
  }

  async #give(queued: Queued<R>, worker: Pooled<R>): Promise<void> {
    const { work, signal } = queued;
    const clean = worker.state.is === "idle" && worker.state.bound === null;
    signal?.removeEventListener("abort", queued.withdraw);
    const cancel = (): void => {
      worker.cancel(work.id);
    };
    signal?.addEventListener("abort", cancel);
    queued.onBegin?.(worker);
    const ended = await worker.run(work);
    signal?.removeEventListener("abort", cancel);
    queued.settle({ is: "ended", ended, worker, clean });
    this.#pump();
  }

  #retireSpent(): void {
    const { maxAge, maxServed } = this.#options;
    const now = performance.now();
    for (const worker of this.#workers) {
      const spent = worker.served >= maxServed || now - worker.readySince >= maxAge;
      if (spent && worker.state.is === "idle") worker.retire();
    }
  }

  #supply(): void {
    for (;;) {
      const demand = { bound: this.#bound, waiting: this.#queue.size, ready: this.#ready };
      const next = supply([...this.#workers], demand, this.#options);
      if (next.is === "enough") return;
      // a retired worker makes room at once, and its change of state comes back here
      if (next.is === "retire") next.worker.retire();
      else this.#start();
    }
  }

  #start(): void {
    this.#started += 1;
    const { role, name = role } = this.#options;
    const process = new KernelProcess(`${name} ${this.#started}`, role, this.#ground);
    const worker = new Pooled<R>(process, (changed) => {
      this.#follow(changed);
    });
    this.#workers.add(worker);
    this.#hooks.prepare(worker);
    void process.died.then(() => {
      this.#workers.delete(worker);
      this.#tell();
    });
    void worker.start(this.#hooks.open);
  }

  #follow(worker: Pooled<R>): void {
    const { state } = worker;
    if (worker.served > 0 || (state.is === "idle" && !this.#options.staysFailed)) this.#fruitless = noFailures;
    if (state.is === "dead" && state.failure !== null) this.#afterDeath(worker, state.failure);
    this.#pump();
  }

  // one that has done something is replaced at once; one that was of no use yet, after a while
  #afterDeath(worker: Pooled<R>, why: Failure): void {
    this.#workers.delete(worker);
    this.#ground.logger.warn(why.detail === "" ? why.message : `${why.message}\n${why.detail}`);
    if (worker.served > 0) return;
    this.#fruitless = addFailure(this.#fruitless, Date.now(), failuresWithin);
    const count = this.#fruitless.at.length;
    if (!worker.ready && count >= this.#options.failedStarts) {
      this.#giveUp(why);
      return;
    }
    this.#pause ??= setTimeout(
      () => {
        this.#pause = null;
        this.#pump();
      },
      waitBefore(count - 1, backoff, Math.random()),
    );
  }

  // no worker can be started: whoever waits is told why
  #giveUp(why: Failure): void {
    this.#fruitless = noFailures;
    this.#awake = false;
    this.#ready = 0;
    if (this.#options.staysFailed) this.#failed = why;
    for (const { settle } of this.#queue.drain()) settle({ is: "refused", failure: why });
  }

  #restLater(): void {
    const busy = this.#queue.size > 0 || [...this.#workers].some(({ state }) => state.is === "busy");
    if (busy || this.#workers.size === 0) {
      if (this.#rest !== null) clearTimeout(this.#rest);
      this.#rest = null;
    } else if (this.#rest === null && Number.isFinite(this.#options.idleFor)) {
      this.#rest = setTimeout(() => {
        this.#rest = null;
        this.#awake = false;
        this.#ready = 0;
        for (const worker of [...this.#workers]) worker.retire();
      }, this.#options.idleFor);
      this.#rest.unref();
    }
  }

  // once for all that happens in one turn
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    setImmediate(() => {
      this.#telling = false;
      this.#changes.fire(this.view);
    });
  }

  async #endAll(): Promise<void> {
    for (const timer of [this.#pause, this.#rest]) if (timer !== null) clearTimeout(timer);
    for (const { settle } of this.#queue.drain()) settle({ is: "refused", failure: shutDown });
    await Promise.all([...this.#workers].map((worker) => worker.dispose()));
    this.#workers.clear();
  }
}

function viewOf<R>({ state, process: { pid } }: Pooled<R>): readonly WorkerView[] {
  if (state.is === "dead") return [];
  const spare = state.is === "starting" || (state.is === "idle" && state.bound === null);
  return [{ pid, is: state.is, spare, job: state.is === "busy" ? state.work : null }];
}
