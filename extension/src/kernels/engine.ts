import { setTimeout as wait } from "node:timers/promises";
import { Emitter, Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { Failure, InitializeResult, JobOutcome, PoolRunParams } from "../protocol/kernel/messages.gen.js";
import { addFailure, noFailures, waitBefore } from "../supervision/backoff.js";
import { failed, failure, type Answer } from "./answer.js";
import { orAborted } from "./aborted.js";
import { failureOfDeath } from "./death.js";
import { onlyReads, type EngineEvent, type EngineMethod, type ParamsOf, type ResultOf } from "./methods.js";
import type { JobOptions } from "./job-pool.js";
import { KernelProcess, type Ground } from "./process.js";
import type { EngineState } from "./state.js";

/** Runs what the engine asks for on planners and workers. */
export type RunJob = (job: PoolRunParams, options: JobOptions) => Promise<JobOutcome>;

const backoff = { first: 200, longest: 5000 };
const failuresWithin = 60_000;
const failuresAllowed = 5;
// VS Code gives an extension five seconds to end, workers included
const shutdownLimit = 2000;

const ended = failure("cancelled", "Cancelled: the engine was shut down.");

/**
 * The engine's process as the host sees it: asked, listened to, and started again when it dies; after five deaths in a
 * minute it stays down and says why.
 */
export class Engine implements Disposable {
  readonly #ground: Ground;
  readonly #run: RunJob;
  readonly #lifetime = new Lifetime();
  readonly #states = this.#lifetime.add(new Emitter<EngineState>());
  readonly #events = this.#lifetime.add(new Emitter<EngineEvent>());
  readonly #stopping = new AbortController();
  #state: EngineState = { is: "off" };
  #process: KernelProcess | null = null;
  #deaths = noFailures;

  constructor(ground: Ground, run: RunJob) {
    this.#ground = ground;
    this.#run = run;
    this.#lifetime.defer(() => this.#stop());
  }

  get state(): EngineState {
    return this.#state;
  }

  get onDidChangeState(): Event<EngineState> {
    return this.#states.event;
  }

  get onDidTell(): Event<EngineEvent> {
    return this.#events.event;
  }

  /** Starts it where it is off; settles when it is ready or has failed. */
  async start(): Promise<EngineState> {
    if (this.#state.is === "off" && !this.#over()) {
      this.#become({ is: "starting" });
      void this.#live();
    }
    return this.#settled();
  }

  /** Asks, when it is ready. What only reads is asked once more where the engine died over it. */
  async request<M extends EngineMethod>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<Answer<ResultOf<M>>> {
    for (let attempt = 0; ; attempt += 1) {
      const state = await orAborted(this.start(), signal);
      if (state === null) return failed(failure("cancelled", "Cancelled."));
      if (state.is === "failed") return failed(state.failure);
      const process = this.#process;
      if (process === null || this.#over()) return failed(ended);
      const reply = await process.connection.request(method, params, signal);
      if (reply.is !== "lost") return reply;
      if (this.#over()) return failed(ended);
      const death = await process.died;
      if (attempt > 0 || !onlyReads(method)) return failed(failureOfDeath(death));
    }
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  /** Lives through process after process, until one cannot be started or too many have died. */
  async #live(): Promise<void> {
    while (!this.#over()) {
      const process = this.#launch();
      this.#process = process;
      const answer = await process.initialize();
      if (answer.is === "done") this.#become(readyState(answer.result));
      else void process.kill();
      const death = await process.died;
      this.#process = null;
      if (this.#over()) return;
      const why = answer.is === "failed" ? answer.failure : failureOfDeath(death);
      if (!(await this.#anotherLife(why, answer.is === "failed"))) return;
    }
  }

  async #anotherLife(why: Failure, neverBegan: boolean): Promise<boolean> {
    this.#ground.logger.error(`${why.message}\n${why.detail}`.trimEnd());
    this.#deaths = addFailure(this.#deaths, Date.now(), failuresWithin);
    const count = this.#deaths.at.length;
    // what the engine itself answered to the handshake, or a missing interpreter, will not change by itself
    const final = neverBegan && why.kind !== "crashed";
    if (final || count >= failuresAllowed) {
      this.#become({ is: "failed", failure: why });
      return false;
    }
    this.#become({ is: "starting" });
    const time = waitBefore(count - 1, backoff, Math.random());
    await wait(time, undefined, { signal: this.#stopping.signal }).catch(() => null);
    return !this.#over();
  }

  #launch(): KernelProcess {
    const process = new KernelProcess("engine", "engine", this.#ground);
    const { connection } = process;
    const told = ["run/changed", "run/log", "run/progress", "store/changed", "store/progress", "log/message"] as const;
    for (const method of told) this.#tellOf(process, method);
    connection.serve("pool/run", (job, signal) =>
      this.#run(job, {
        signal,
        onChange: (changed) => {
          connection.notify("job/changed", changed);
        },
        onLog: (log) => {
          connection.notify("job/log", log);
        },
        onProgress: (progress) => {
          connection.notify("job/progress", progress);
        },
      }),
    );
    return process;
  }

  #tellOf(process: KernelProcess, method: EngineEvent["is"]): void {
    const logged = method === "log/message" ? process.log : null;
    process.connection.hear(method, (params) => {
      if (logged !== null && "level" in params) logged(params);
      // safe: method and parameters come from one row of the protocol
      this.#events.fire({ is: method, params } as EngineEvent);
    });
  }

  #become(state: EngineState): void {
    this.#state = state;
    this.#states.fire(state);
  }

  /** The next state that is not on the way to another. */
  #settled(): Promise<EngineState> {
    if (this.#state.is !== "starting") return Promise.resolve(this.#state);
    return new Promise((resolve) => {
      const listening = this.#states.event((state) => {
        if (state.is === "starting") return;
        listening.dispose();
        resolve(state);
      });
    });
  }

  #over(): boolean {
    return this.#lifetime.ended;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort();
    const process = this.#process;
    if (process !== null) {
      const limit = AbortSignal.timeout(shutdownLimit);
      const late = new Promise((resolve) => {
        limit.addEventListener("abort", resolve);
      });
      if (this.#state.is === "ready")
        await Promise.race([process.connection.request("shutdown", {}), process.died, late]);
      await process.stop(500);
    }
    this.#become({ is: "off" });
  }
}

function readyState({ python, executable, warnings }: InitializeResult): EngineState {
  return { is: "ready", python, executable, warnings };
}
