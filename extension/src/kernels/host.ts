import { Emitter, Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { Logger } from "../logger.js";
import type { JobOutcome } from "../protocol/kernel/messages.gen.js";
import { MessageValidator } from "../protocol/kernel/validate.js";
import type { Supervisor } from "../supervision/supervisor.js";
import { failed, failure, type Answer } from "./answer.js";
import { orAborted } from "./aborted.js";
import { Engine, type RunJob } from "./engine.js";
import type { Interpreter } from "./interpreter.js";
import type { EngineEvent, EngineMethod, ParamsOf, ResultOf } from "./methods.js";
import { JobPool } from "./job-pool.js";
import type { Ground, StoreLink } from "./process.js";
import type { EngineState, PoolView } from "./state.js";

export interface KernelHostOptions {
  readonly workspace: string;
  /** The store's folder. */
  readonly store: string;
  /** How equal files of the store share their space; empty for what the environment says. */
  readonly link?: StoreLink;
  /** The folder that holds the bundled package `stageloom`. */
  readonly kernelPath: string;
  /** Finds the interpreter; asked at every start. */
  readonly interpreter: () => Promise<Answer<Interpreter>>;
  /** How many workers run at once; 0 leaves it to the pool. */
  readonly poolSize: number;
  readonly logger: Logger;
  readonly supervisor: Supervisor;
  /** How long workers without work are kept, in milliseconds. */
  readonly idleFor?: number;
}

/** One life of the kernels of a workspace, on one interpreter. */
interface Running {
  readonly lifetime: Lifetime;
  readonly engine: Engine;
  readonly workers: JobPool;
}

const defaultPool = ["", "default"];
const defaultSize = 2;
const tenMinutes = 600_000;
const aMinute = 60_000;

/** The kernels of one workspace: its engine, and the planners and workers that the engine's jobs run on. */
export class KernelHost implements Disposable {
  readonly #options: KernelHostOptions;
  readonly #lifetime = new Lifetime();
  readonly #states = this.#lifetime.add(new Emitter<EngineState>());
  readonly #events = this.#lifetime.add(new Emitter<EngineEvent>());
  readonly #pools = this.#lifetime.add(new Emitter<PoolView>());
  readonly #validator = new MessageValidator();
  #state: EngineState = { is: "off" };
  #running: Promise<Answer<Running>> | null = null;

  constructor(options: KernelHostOptions) {
    this.#options = options;
    this.#lifetime.defer(() => this.#end());
  }

  get state(): EngineState {
    return this.#state;
  }

  get onDidChangeState(): Event<EngineState> {
    return this.#states.event;
  }

  /** What the engine tells unasked. */
  get onDidTell(): Event<EngineEvent> {
    return this.#events.event;
  }

  get onDidChangePool(): Event<PoolView> {
    return this.#pools.event;
  }

  /** Starts what is off; settles when the engine is ready or has failed. */
  async start(): Promise<EngineState> {
    const running = await this.#begin();
    return running.is === "done" ? running.result.engine.start() : this.#state;
  }

  /** Asks the engine, starting it where it is off. A failure is a value; aborting cancels. */
  async request<M extends EngineMethod>(
    method: M,
    params: ParamsOf<M>,
    signal?: AbortSignal,
  ): Promise<Answer<ResultOf<M>>> {
    if (this.#lifetime.ended) return failed(failure("cancelled", "Cancelled: the kernels were shut down."));
    const running = await orAborted(this.#begin(), signal);
    if (running === null) return failed(failure("cancelled", "Cancelled."));
    return running.is === "done" ? running.result.engine.request(method, params, signal) : running;
  }

  /** Ends all processes and starts anew, on the interpreter that is chosen now. */
  async restart(): Promise<EngineState> {
    await this.#end();
    return this.start();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #begin(): Promise<Answer<Running>> {
    this.#running ??= this.#build();
    return this.#running;
  }

  async #build(): Promise<Answer<Running>> {
    this.#become({ is: "starting" });
    const { interpreter, supervisor, logger, kernelPath, workspace, store, link = "" } = this.#options;
    const found = await interpreter();
    if (found.is === "failed") {
      logger.error(`${found.failure.message} ${found.failure.detail}`.trimEnd());
      this.#become({ is: "failed", failure: found.failure });
      return found;
    }
    const { path, version, from } = found.result;
    logger.info(`Python ${version} at ${path} (${from})`);
    const ground = { supervisor, logger, kernel: kernelPath, workspace, store, link, validator: this.#validator };
    return { is: "done", result: this.#compose({ ...ground, interpreter: found.result }) };
  }

  #compose(ground: Ground): Running {
    const { poolSize, idleFor = tenMinutes } = this.#options;
    const size = poolSize > 0 ? poolSize : defaultSize;
    const lifetime = new Lifetime();
    const workers = lifetime.add(new JobPool({ role: "worker", size, rebind: true, idleFor }, ground));
    // a planner imports the pipeline file, so each snapshot gets a process of its own
    const planners = lifetime.add(new JobPool({ role: "planner", size: 1, rebind: false, idleFor: aMinute }, ground));
    const run: RunJob = (job, options) => {
      if (!defaultPool.includes(job.pool)) return Promise.resolve(noSuchPool(job.pool));
      return (job.role === "planner" ? planners : workers).run(job, options);
    };
    const engine = lifetime.add(new Engine(ground, run));
    lifetime.add(
      engine.onDidTell((event) => {
        this.#events.fire(event);
      }),
    );
    lifetime.add(
      engine.onDidChangeState((state) => {
        this.#become(state);
      }),
    );
    lifetime.add(
      workers.onDidChange((view) => {
        this.#pools.fire(view);
      }),
    );
    return { lifetime, engine, workers };
  }

  async #end(): Promise<void> {
    const running = await this.#running;
    this.#running = null;
    if (running?.is === "done") await running.result.lifetime.dispose();
    this.#become({ is: "off" });
  }

  #become(state: EngineState): void {
    this.#state = state;
    this.#states.fire(state);
  }
}

function noSuchPool(pool: string): JobOutcome {
  const why = failure("internal", `There is no pool named “${pool}”.`, {
    advice: "Remove the pool from the stage: this version has the default pool alone.",
  });
  return { is: "failed", failure: why };
}
