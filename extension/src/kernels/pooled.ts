import type { Failure } from "../protocol/kernel/messages.gen.js";
import type { Answer } from "./answer.js";
import type { Connection, Reply } from "./connection.js";
import type { Death } from "./death.js";
import type { KernelProcess } from "./process.js";
import { step, type Cancelling, type Effect, type Worker, type WorkerEvent } from "./worker.js";

/** Something to do on one worker, by one request. */
export interface Work<R> {
  /** Names it among the work of its pool. */
  readonly id: string;
  /** The sources that its worker has imported afterwards; null where it leaves the worker as it was. */
  readonly bound: string | null;
  readonly ask: (connection: Connection, signal: AbortSignal, worker: Pooled<R>) => Promise<Reply<R>>;
  /** Whether this answer makes the worker of no further use. */
  readonly spends: (answer: Answer<R>) => boolean;
}

/** How work on a worker ended: answered, or with the worker's death. */
export type Ended<R> =
  | { readonly is: "answered"; readonly answer: Answer<R> }
  | { readonly is: "died"; readonly death: Death; readonly cancelling: Cancelling };

interface Running<R> {
  readonly work: Work<R>;
  readonly settle: (ended: Ended<R>) => void;
  readonly stop: AbortController;
}

/** How long a worker may take to end by itself when its input is closed, in milliseconds. */
const grace = 1500;

/** A worker and the process behind it: feeds the reducer with what happens, and does what it says. */
export class Pooled<R> {
  readonly process: KernelProcess;
  /** When it was ready first, and when it was last given back, by `performance.now()`. */
  readySince = performance.now();
  idleSince = performance.now();
  /** How much work it has answered. */
  served = 0;
  #state: Worker = { is: "starting" };
  #ready = false;
  #running: Running<R> | null = null;
  #answer: Answer<R> | null = null;
  #changed: (worker: Pooled<R>) => void;

  /** `changed` is called after every change of state, with the effects done. */
  constructor(process: KernelProcess, changed: (worker: Pooled<R>) => void) {
    this.process = process;
    this.#changed = changed;
  }

  get state(): Worker {
    return this.#state;
  }

  /** Whether it ever was ready for work. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Starts it; `open` makes it ready for work, or says why it cannot. */
  async start(open: (process: KernelProcess) => Promise<Failure | null>): Promise<void> {
    void this.process.died.then((death) => {
      this.#take({ is: "died", death });
    });
    const answer = await this.process.initialize();
    const why = answer.is === "failed" ? answer.failure : await open(this.process);
    this.#take(why === null ? { is: "ready" } : { is: "refused", failure: why });
  }

  run(work: Work<R>): Promise<Ended<R>> {
    return new Promise((settle) => {
      this.#running = { work, settle, stop: new AbortController() };
      this.#take({ is: "assigned", work: work.id, bound: work.bound });
    });
  }

  cancel(work: string): void {
    this.#take({ is: "cancelled", work });
  }

  /** Its work waits for the host while `answer` is made: others may run meanwhile. */
  async while<T>(work: string, answer: () => Promise<T>): Promise<T> {
    this.#take({ is: "waits", work });
    try {
      return await answer();
    } finally {
      this.#take({ is: "goes-on", work });
    }
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
    this.#state = state;
    if (state.is === "idle" && before.is !== "idle") this.idleSince = performance.now();
    if (state.is === "idle" && !this.#ready) this.readySince = this.idleSince;
    this.#ready ||= state.is === "idle";
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
          this.#take({ is: "elapsed", work: effect.work });
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
      case "settle": {
        const answer = this.#answer;
        this.#running = this.#answer = null;
        if (effect.ending.is === "died") running?.settle(effect.ending);
        else if (answer !== null) running?.settle({ is: "answered", answer });
        break;
      }
    }
  }

  async #send({ work, stop }: Running<R>): Promise<void> {
    this.process.begin();
    const reply = await work.ask(this.process.connection, stop.signal, this);
    if (reply.is === "lost") {
      // its death says why, and settles the work; a process that lives on without a connection is of no use
      await this.process.stop(grace);
      return;
    }
    this.served += 1;
    this.#answer = reply;
    this.#take({ is: "answered", work: work.id, spent: work.spends(reply) });
  }
}
