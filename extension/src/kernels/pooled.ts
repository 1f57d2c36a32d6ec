import type { JobLog, JobOutcome, JobProgress, PoolRunParams } from "../protocol/kernel/messages.gen.js";
import { failure } from "./answer.js";
import type { KernelProcess } from "./process.js";
import { step, type Effect, type Worker, type WorkerEvent } from "./worker.js";

/** What a worker tells of a job while it runs. */
export interface JobListener {
  readonly onLog: (log: JobLog) => void;
  readonly onProgress: (progress: JobProgress) => void;
}

interface Running extends JobListener {
  readonly job: PoolRunParams;
  readonly settle: (outcome: JobOutcome) => void;
  readonly stop: AbortController;
}

/** How long a worker may take to end by itself when its input is closed, in milliseconds. */
const grace = 1500;

/** A worker and the process behind it: feeds the reducer with what happens, and does what it says. */
export class Pooled {
  readonly process: KernelProcess;
  /** When it was last given back, by `performance.now()`. */
  idleSince = performance.now();
  #state: Worker = { is: "starting" };
  #ready = false;
  #running: Running | null = null;
  #changed: (worker: Pooled) => void;

  /** `changed` is called after every change of state, with the effects done. */
  constructor(process: KernelProcess, changed: (worker: Pooled) => void) {
    this.process = process;
    this.#changed = changed;
    process.connection.hear("job/log", (log) => {
      if (log.job === this.#running?.job.job) this.#running.onLog(log);
    });
    process.connection.hear("job/progress", (progress) => {
      if (progress.job === this.#running?.job.job) this.#running.onProgress(progress);
    });
  }

  get state(): Worker {
    return this.#state;
  }

  /** Whether it ever was ready for work. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Starts it; the modules of `warm` are imported ahead of the first job. */
  async start(warm: readonly string[]): Promise<void> {
    void this.process.died.then((death) => {
      this.#take({ is: "died", death });
    });
    const answer = await this.process.initialize();
    if (answer.is === "failed") {
      this.#take({ is: "refused", failure: answer.failure });
      return;
    }
    // not waited for: a job that comes meanwhile queues behind the imports, which it needs anyway
    if (warm.length > 0) void this.process.connection.request("worker/warm", { modules: warm });
    this.#take({ is: "ready" });
  }

  run(job: PoolRunParams, { onLog, onProgress }: JobListener): Promise<JobOutcome> {
    return new Promise((settle) => {
      this.#running = { job, settle, stop: new AbortController(), onLog, onProgress };
      this.#take({ is: "assigned", job: job.job, snapshot: job.snapshot });
    });
  }

  cancel(job: string): void {
    this.#take({ is: "cancelled", job });
  }

  retire(): void {
    this.#take({ is: "retired" });
  }

  async dispose(): Promise<void> {
    this.#changed = () => {
      // nobody is left to tell
    };
    await this.process.stop(this.#state.is === "busy" ? 0 : grace);
  }

  #take(event: WorkerEvent): void {
    const before = this.#state;
    const [state, effects] = step(before, event);
    this.#ready ||= state.is === "idle";
    this.#state = state;
    if (state.is === "idle" && before.is !== "idle") this.idleSince = performance.now();
    for (const effect of effects) this.#do(effect);
    if (state !== before) this.#changed(this);
  }

  #do(effect: Effect): void {
    const running = this.#running;
    switch (effect.is) {
      case "send":
        if (running !== null) void this.#send(running);
        break;
      case "ask-to-stop":
        running?.stop.abort();
        break;
      case "wait":
        setTimeout(() => {
          this.#take({ is: "elapsed", job: effect.job });
        }, effect.time);
        break;
      case "terminate":
        this.process.terminate();
        break;
      case "kill":
        void this.process.kill();
        break;
      case "close":
        void this.process.stop(grace);
        break;
      case "settle":
        this.#running = null;
        running?.settle(effect.outcome);
        break;
    }
  }

  async #send({ job, stop }: Running): Promise<void> {
    this.process.begin();
    // safe: the engine made them for this method, and the worker checks them
    const reply = await this.process.connection.request(job.method, job.params as never, stop.signal);
    if (reply.is === "lost") {
      await this.#afterLoss(job.job);
      return;
    }
    const outcome: JobOutcome = reply.is === "done" ? reply.result : { is: "failed", failure: reply.failure };
    this.#take({ is: "answered", job: job.job, outcome });
  }

  // its death says why, and settles the job; a process that lives on without a connection is of no use
  async #afterLoss(job: string): Promise<void> {
    await this.process.stop(grace);
    const lost = failure("crashed", "The worker closed its connection in the middle of its work.");
    this.#take({ is: "answered", job, outcome: { is: "failed", failure: lost } });
  }
}
