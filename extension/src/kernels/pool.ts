import { Emitter, Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { Failure, JobChanged, JobOutcome, PoolRunParams } from "../protocol/kernel/messages.gen.js";
import { addFailure, noFailures, waitBefore } from "../supervision/backoff.js";
import { failure } from "./answer.js";
import { choose, supply, type Limits } from "./choice.js";
import { Pooled, type JobListener } from "./pooled.js";
import { KernelProcess, type Ground } from "./process.js";
import type { PoolView, WorkerView } from "./state.js";

export interface PoolOptions extends Limits {
  readonly role: "planner" | "worker";
  /** All workers end when none has had work for this long, in milliseconds; the next job starts them again. */
  readonly idleFor: number;
}

/** What a caller gives with a job. Aborting cancels it. */
export interface RunOptions extends JobListener {
  /** A worker has begun with it; or it waits again, since that worker had other sources. */
  readonly onChange: (changed: JobChanged) => void;
  readonly signal: AbortSignal;
}

interface Queued extends RunOptions {
  readonly job: PoolRunParams;
  readonly settle: (outcome: JobOutcome) => void;
}

const backoff = { first: 100, longest: 10_000 };
const failuresWithin = 60_000;
const failedStartsAllowed = 2;

/**
 * A pool of workers of one kind: jobs in order of arrival, workers started when the first comes, and a clean one kept
 * ready beside the busy ones.
 */
export class Pool implements Disposable {
  readonly #options: PoolOptions;
  readonly #ground: Ground;
  readonly #lifetime = new Lifetime();
  readonly #changes = new Emitter<PoolView>();
  readonly #workers = new Set<Pooled>();
  readonly #queue: Queued[] = [];
  #snapshot = "";
  #warm: readonly string[] = [];
  #started = 0;
  #awake = false;
  #failedStarts = 0;
  #deaths = noFailures;
  #pause: NodeJS.Timeout | null = null;
  #rest: NodeJS.Timeout | null = null;

  constructor(options: PoolOptions, ground: Ground) {
    this.#options = options;
    this.#ground = ground;
    this.#lifetime.add(this.#changes);
    this.#lifetime.defer(() => this.#endAll());
  }

  get onDidChange(): Event<PoolView> {
    return this.#changes.event;
  }

  get view(): PoolView {
    const workers = [...this.#workers].flatMap(viewOf);
    return { size: this.#options.size, queued: this.#queue.length, workers };
  }

  /** Runs a job and says what it came to; never rejects, and is never *stale*. */
  run(job: PoolRunParams, options: RunOptions): Promise<JobOutcome> {
    if (this.#lifetime.ended) return Promise.resolve(cancelled("Cancelled: the kernels were shut down."));
    if (options.signal.aborted) return Promise.resolve(cancelled("Cancelled before it began."));
    return new Promise((settle) => {
      const queued: Queued = { ...options, job, settle };
      this.#queue.push(queued);
      options.signal.addEventListener("abort", () => {
        this.#withdraw(queued);
      });
      if (job.warm.length > 0) this.#warm = job.warm;
      this.#awake = true;
      this.#pump();
    });
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #withdraw(queued: Queued): void {
    const place = this.#queue.indexOf(queued);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    queued.settle(cancelled("Cancelled before it began."));
    this.#changes.fire(this.view);
  }

  /** Gives out what can be given, and sees that enough workers are ready. */
  #pump(): void {
    if (this.#lifetime.ended) return;
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      this.#snapshot = next.job.snapshot;
      const worker = choose([...this.#workers], next.job.snapshot, this.#options);
      if (worker === null) break;
      this.#queue.shift();
      void this.#give(next, worker);
    }
    if (this.#awake && this.#pause === null) this.#supply();
    this.#restLater();
    this.#changes.fire(this.view);
  }

  async #give(queued: Queued, worker: Pooled): Promise<void> {
    const { job, signal } = queued;
    const clean = worker.state.is === "idle" && worker.state.snapshot === null;
    const cancel = (): void => {
      worker.cancel(job.job);
    };
    signal.addEventListener("abort", cancel);
    queued.onChange({ job: job.job, is: "running" });
    const outcome = await worker.run(job, queued);
    signal.removeEventListener("abort", cancel);
    if (outcome.is !== "stale") queued.settle(outcome);
    else if (signal.aborted) queued.settle(cancelled("Cancelled."));
    else if (clean) queued.settle({ is: "failed", failure: staleThoughClean() });
    else {
      this.#ground.logger.trace(`${worker.process.name} has other sources than ${job.job} needs; another takes it`);
      queued.onChange({ job: job.job, is: "waiting" });
      this.#queue.unshift(queued);
    }
    this.#pump();
  }

  #supply(): void {
    for (;;) {
      const next = supply([...this.#workers], this.#snapshot, this.#queue.length, this.#options);
      if (next.is === "enough") return;
      // a retired worker makes room at once, and its change of state comes back here
      if (next.is === "replace") next.worker.retire();
      else this.#start();
    }
  }

  #start(): void {
    this.#started += 1;
    const { role } = this.#options;
    const process = new KernelProcess(`${role} ${this.#started}`, role, this.#ground);
    const worker = new Pooled(process, (changed) => {
      this.#follow(changed);
    });
    this.#workers.add(worker);
    void process.died.then(() => {
      this.#workers.delete(worker);
      this.#changes.fire(this.view);
    });
    void worker.start(this.#warm);
  }

  #follow(worker: Pooled): void {
    const { state } = worker;
    if (state.is === "idle") this.#failedStarts = 0;
    if (state.is === "dead" && state.failure !== null) this.#afterDeath(worker, state.failure);
    this.#pump();
  }

  #afterDeath(worker: Pooled, why: Failure): void {
    this.#workers.delete(worker);
    this.#ground.logger.warn(why.message);
    this.#deaths = addFailure(this.#deaths, Date.now(), failuresWithin);
    if (!worker.ready) {
      this.#failedStarts += 1;
      if (this.#failedStarts >= failedStartsAllowed) {
        this.#giveUp(why);
        return;
      }
    }
    const time = waitBefore(this.#deaths.at.length - 1, backoff, Math.random());
    this.#pause ??= setTimeout(() => {
      this.#pause = null;
      this.#pump();
    }, time);
  }

  // no worker can be started: whoever waits is told why, and the next job tries again
  #giveUp(why: Failure): void {
    this.#failedStarts = 0;
    this.#awake = false;
    for (const { settle } of this.#queue.splice(0)) settle({ is: "failed", failure: why });
  }

  #restLater(): void {
    if (this.#rest !== null) clearTimeout(this.#rest);
    this.#rest = null;
    const busy = this.#queue.length > 0 || [...this.#workers].some(({ state }) => state.is === "busy");
    if (busy || this.#workers.size === 0) return;
    this.#rest = setTimeout(() => {
      this.#awake = false;
      for (const worker of [...this.#workers]) worker.retire();
    }, this.#options.idleFor);
    this.#rest.unref();
  }

  async #endAll(): Promise<void> {
    for (const timer of [this.#pause, this.#rest]) if (timer !== null) clearTimeout(timer);
    for (const { settle } of this.#queue.splice(0)) settle(cancelled("Cancelled: the kernels were shut down."));
    await Promise.all([...this.#workers].map((worker) => worker.dispose()));
    this.#workers.clear();
  }
}

function viewOf({ state, process: { pid } }: Pooled): readonly WorkerView[] {
  if (state.is === "dead") return [];
  const spare = state.is === "starting" || (state.is === "idle" && state.snapshot === null);
  return [{ pid, is: state.is, spare, job: state.is === "busy" ? state.job : null }];
}

function cancelled(message: string): JobOutcome {
  return { is: "failed", failure: failure("cancelled", message) };
}

function staleThoughClean(): Failure {
  return failure("internal", "A worker that had imported nothing said that it had imported other sources.", {
    advice: "This is a fault of Stageloom: please report it with the log.",
  });
}
