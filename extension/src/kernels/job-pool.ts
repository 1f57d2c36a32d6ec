import type { Disposable, Event } from "../lifetime.js";
import type {
  Failure,
  JobChanged,
  JobLog,
  JobOutcome,
  JobProgress,
  PoolRunParams,
} from "../protocol/kernel/messages.gen.js";
import { failure, type Answer } from "./answer.js";
import { failureOfDeath, type Death } from "./death.js";
import { WorkerPool, type Ran } from "./pool.js";
import type { Pooled, Work } from "./pooled.js";
import type { Ground, KernelProcess } from "./process.js";
import type { PoolView } from "./state.js";
import type { Cancelling } from "./worker.js";

export interface JobPoolOptions {
  readonly role: "planner" | "worker";
  readonly size: number;
  /** Whether a worker that has run one snapshot may be given a job of another. */
  readonly rebind: boolean;
  /** All workers end when none has had work for this long, in milliseconds. */
  readonly idleFor: number;
}

/** What a caller gives with a job. Aborting cancels it. */
export interface JobOptions {
  /** A worker has begun with it; or it waits again, since that worker had other sources. */
  readonly onChange: (changed: JobChanged) => void;
  readonly onLog: (log: JobLog) => void;
  readonly onProgress: (progress: JobProgress) => void;
  readonly signal: AbortSignal;
}

/** The engine's jobs on workers: in order of arrival, with a clean worker kept ready beside those that run. */
export class JobPool implements Disposable {
  readonly #pool: WorkerPool<JobOutcome>;
  readonly #ground: Ground;
  readonly #running = new Map<string, JobOptions>();
  #warm: readonly string[] = [];

  constructor(options: JobPoolOptions, ground: Ground) {
    this.#ground = ground;
    const lasting = { queueLimit: Infinity, maxAge: Infinity, maxServed: Infinity };
    this.#pool = new WorkerPool({ ...options, ...lasting, spare: 1, failedStarts: 2, staysFailed: false }, ground, {
      prepare: (worker) => {
        this.#listen(worker);
      },
      open: (process) => this.#open(process),
    });
  }

  get onDidChange(): Event<PoolView> {
    return this.#pool.onDidChange;
  }

  get view(): PoolView {
    return this.#pool.view;
  }

  /** Runs a job and says what it came to; never rejects, and is never *stale*. */
  async run(job: PoolRunParams, options: JobOptions): Promise<JobOutcome> {
    const { signal } = options;
    if (job.warm.length > 0) this.#warm = job.warm;
    for (let again = false; ; again = true) {
      const ran = await this.#pool.run(workOf(job), {
        signal,
        again,
        onBegin: () => {
          this.#running.set(job.job, options);
          options.onChange({ job: job.job, is: "running" });
        },
      });
      this.#running.delete(job.job);
      const outcome = outcomeOf(ran);
      if (outcome.is !== "stale") return outcome;
      if (signal.aborted) return cancelled("Cancelled.");
      if (ran.is === "ended" && ran.clean) return { is: "failed", failure: staleThoughClean() };
      this.#ground.logger.trace(`a worker has other sources than ${job.job} needs; another takes it`);
      options.onChange({ job: job.job, is: "waiting" });
    }
  }

  dispose(): Promise<void> {
    return this.#pool.dispose();
  }

  #listen({ process: { connection } }: Pooled<JobOutcome>): void {
    connection.hear("job/log", (log) => this.#running.get(log.job)?.onLog(log));
    connection.hear("job/progress", (progress) => this.#running.get(progress.job)?.onProgress(progress));
  }

  #open({ connection }: KernelProcess): Promise<Failure | null> {
    // not waited for: a job that comes meanwhile queues behind the imports, which it needs anyway
    if (this.#warm.length > 0) void connection.request("worker/warm", { modules: this.#warm });
    return Promise.resolve(null);
  }
}

function workOf({ job, snapshot, method, params }: PoolRunParams): Work<JobOutcome> {
  return {
    id: job,
    bound: snapshot,
    // safe: the engine made them for this method, and the worker checks them
    ask: (connection, signal) => connection.request(method, params as never, signal),
    spends: (answer) => answer.is === "done" && answer.result.is === "stale",
  };
}

function outcomeOf(ran: Ran<JobOutcome>): JobOutcome {
  if (ran.is === "withdrawn") return cancelled("Cancelled before it began.");
  if (ran.is === "refused") return { is: "failed", failure: ran.failure };
  const { ended } = ran;
  if (ended.is === "died") return { is: "failed", failure: whyItEnded(ended.death, ended.cancelling) };
  return ofAnswer(ended.answer);
}

function ofAnswer(answer: Answer<JobOutcome>): JobOutcome {
  return answer.is === "done" ? answer.result : { is: "failed", failure: answer.failure };
}

/** What the death of a worker means to who waited for its work. */
export function whyItEnded(death: Death, cancelling: Cancelling): Failure {
  if (cancelling === "no") return failureOfDeath(death);
  if (cancelling === "asked") return failure("cancelled", "Cancelled.", { detail: death.stderr.trimEnd() });
  return failure("cancelled", "Cancelled: the work did not stop when asked, so its process was ended.");
}

function cancelled(message: string): JobOutcome {
  return { is: "failed", failure: failure("cancelled", message) };
}

function staleThoughClean(): Failure {
  return failure("internal", "A worker that had imported nothing said that it had imported other sources.", {
    advice: "This is a fault of Stageloom: please report it with the log.",
  });
}
