import { rmSync } from "node:fs";
import type { Event } from "../lifetime.js";
import { Emitter, Lifetime } from "../lifetime.js";
import type { CallLog, CallOutcome, Failure, ToolParams } from "../protocol/kernel/messages.gen.js";
import { orAborted } from "./aborted.js";
import { failed, failure, type Answer } from "./answer.js";
import { failureOfDeath } from "./death.js";
import type { CallOptions, Arguments, Operations, Pool, PoolDefinition, Tool } from "./definition.js";
import { decode, encode } from "./exchange.js";
import { readJournal } from "./journal.js";
import { error, indeterminate, ofAnswer, ok, untravelling, type Outcome } from "./outcome.js";
import { WorkerPool, type Ran } from "./pool.js";
import type { Pooled, Work } from "./pooled.js";
import type { Ground, KernelProcess } from "./process.js";
import type { Scratch } from "./scratch.js";
import type { PoolView } from "./state.js";
import { Stop } from "./stop.js";

/** All that a pool needs of what surrounds it. `ground` finds its Python; it is asked until it has. */
export interface Surroundings {
  readonly ground: (definition: PoolDefinition) => Promise<Answer<Ground>>;
  readonly scratch: Scratch;
}

const tenMinutes = 600_000;
const defaultSize = 2;
const defaultQueue = 1000;
const failedStarts = 5;
// an idempotent call that ends every worker it runs on would end them all
const deathsAllowed = 5;

/** A call on its way. */
interface Running {
  readonly number: number;
  readonly text: string;
  readonly operation: string;
  readonly options: CallOptions;
  readonly stop: Stop;
}

/** A pool of workers that run the operations of one entry module. */
export class CallPool<Ops extends Operations> implements Pool<Ops> {
  readonly name: string;
  readonly definition: PoolDefinition;
  readonly #surroundings: Surroundings;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new Emitter<PoolView>());
  readonly #running = new Map<number, Running>();
  readonly #journals = new WeakMap<KernelProcess, string>();
  #workers: WorkerPool<CallOutcome> | null = null;
  #opening: Promise<Answer<WorkerPool<CallOutcome>>> | null = null;
  #count = 0;

  constructor(definition: PoolDefinition, surroundings: Surroundings) {
    this.name = definition.name;
    this.definition = definition;
    this.#surroundings = surroundings;
  }

  get view(): PoolView {
    return this.#workers?.view ?? { size: this.definition.size ?? defaultSize, queued: 0, workers: [] };
  }

  get onDidChange(): Event<PoolView> {
    return this.#changes.event;
  }

  async call<K extends keyof Ops & string>(
    operation: K,
    args: Ops[K]["args"],
    options: CallOptions = {},
  ): Promise<Outcome<Ops[K]["result"]>> {
    let text: string;
    try {
      text = encode(args);
    } catch (wrong) {
      return error(untravelling(`The arguments of ${operation}`, wrong));
    }
    this.#count += 1;
    const stop = new Stop(options.signal, options.deadline);
    const call: Running = { number: this.#count, text, operation, options, stop };
    this.#running.set(call.number, call);
    try {
      return await this.#settle(call);
    } finally {
      this.#running.delete(call.number);
      stop.dispose();
    }
  }

  async warmUp(): Promise<Outcome<null>> {
    const workers = await this.#open();
    if (workers.is === "failed") return error(workers.failure);
    const why = await workers.result.warmUp();
    return why === null ? ok(null) : error(why);
  }

  restart(): void {
    this.#workers?.restart();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  // --- workers ---------------------------------------------------------------------------------------------------------

  async #open(): Promise<Answer<WorkerPool<CallOutcome>>> {
    if (this.#workers !== null) return { is: "done", result: this.#workers };
    this.#opening ??= this.#build();
    const opened = await this.#opening;
    // what was missing may have been put there meanwhile
    if (opened.is === "failed") this.#opening = null;
    return opened;
  }

  async #build(): Promise<Answer<WorkerPool<CallOutcome>>> {
    const ground = await this.#surroundings.ground(this.definition);
    if (this.#lifetime.ended) return failed(failure("cancelled", `Cancelled: the pool ${this.name} was shut down.`));
    if (ground.is === "failed") return ground;
    const { size = defaultSize, idleTime = tenMinutes, maxAge = Infinity, maxCalls = Infinity } = this.definition;
    const { queueLimit = defaultQueue } = this.definition;
    const limits = { size, spare: 0, rebind: false, idleFor: idleTime, maxAge, maxServed: maxCalls, queueLimit };
    const workers = new WorkerPool<CallOutcome>(
      { ...limits, role: "operator", name: this.name, failedStarts, staysFailed: true },
      ground.result,
      {
        prepare: (worker) => {
          this.#prepare(worker, ground.result);
        },
        open: (process) => this.#openWorker(process),
      },
    );
    this.#workers = this.#lifetime.add(workers);
    this.#lifetime.add(
      workers.onDidChange((view) => {
        this.#changes.fire(view);
      }),
    );
    return { is: "done", result: workers };
  }

  #prepare(worker: Pooled<CallOutcome>, { logger }: Ground): void {
    const { process } = worker;
    const journal = this.#surroundings.scratch.file(".journal");
    this.#journals.set(process, journal);
    // a turn later whoever waited for what it was doing has read it
    void process.died.then(() =>
      setImmediate(() => {
        rmSync(journal, { force: true });
      }),
    );
    process.connection.hear("call/log", (log) => {
      const listener = this.#running.get(log.call)?.options.onOutput;
      if (listener === undefined) logger.info(`${process.name}: ${log.text.trimEnd()}`);
      else listener(outputOf(log));
    });
    process.connection.serve("call/tool", (asked, signal) =>
      worker.while(String(asked.call), () => this.#answerTool(asked, signal)),
    );
  }

  async #openWorker(process: KernelProcess): Promise<Failure | null> {
    const { entry, folder, paths = [], imports = [], script = "", memory = 0 } = this.definition;
    const named = "script" in entry ? entry.script : entry.module;
    const reply = await process.connection.request("worker/open", {
      entry: named,
      journal: this.#journals.get(process) ?? "",
      paths: [...paths, ...(folder === undefined ? [] : [folder])],
      modules: imports,
      script,
      memory,
    });
    if (reply.is === "done") return reply.result.failure;
    return reply.is === "failed" ? reply.failure : failureOfDeath(await process.died);
  }

  // --- calls -----------------------------------------------------------------------------------------------------------

  async #settle(call: Running): Promise<Outcome> {
    const { stop, options } = call;
    const opened = this.#workers ?? (await orAborted(this.#open(), stop.signal));
    if (opened === null) return error(stop.why("before it began"));
    if ("is" in opened && opened.is === "failed") return error(opened.failure);
    const workers = "is" in opened ? opened.result : opened;
    const { caller, priority } = options;
    const work = workOf(call);
    let deaths = 0;
    for (let again = false; ; again = true) {
      const ran = await workers.run(work, { signal: stop.signal, caller, priority, again });
      const outcome = this.#outcomeOf(call, ran);
      if (outcome.is === "again") continue;
      if (outcome.is !== "indeterminate" || options.idempotent !== true) return outcome;
      deaths += 1;
      if (stop.stopped || deaths >= deathsAllowed) return error(outcome.failure);
    }
  }

  /** What came of one try; *again* where it had not begun. */
  #outcomeOf({ number, stop }: Running, ran: Ran<CallOutcome>): Outcome | { readonly is: "again" } {
    if (ran.is === "withdrawn") return error(stop.why("before it began"));
    if (ran.is === "refused") return error(ran.failure);
    const { ended, worker } = ran;
    if (ended.is === "answered") return answered(ended.answer, stop);
    const noted = readJournal(this.#journals.get(worker.process) ?? "", number);
    switch (noted.is) {
      case "never-began":
        return stop.stopped ? error(stop.why("before it began")) : { is: "again" };
      case "began":
        return indeterminate(
          stop.stopped
            ? stop.why("by ending its worker, since it did not stop when asked")
            : failureOfDeath(ended.death),
        );
      case "ended":
        return noted.kind === "v"
          ? ofAnswer({ is: "ok", value: noted.text })
          : // safe: the worker wrote a Failure as it goes over the wire, and its checksum held
            error(JSON.parse(noted.text) as Failure);
    }
  }

  // --- what workers ask of the host ------------------------------------------------------------------------------------

  async #answerTool({ call, tool, arguments: text }: ToolParams, signal: AbortSignal): Promise<CallOutcome> {
    const tools = this.#running.get(call)?.options.tools ?? {};
    const found: Tool | undefined = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
    if (found === undefined) {
      const known = Object.keys(tools).join(", ");
      const advice = known === "" ? "The call was given no tools." : `It was given ${known}.`;
      return { is: "error", failure: failure("refused", `The host has no tool ${tool} for this call. ${advice}`) };
    }
    try {
      // safe: operations send their arguments as an array or an object
      const result = await found(decode(text) as Arguments, signal);
      return { is: "ok", value: encode(result) };
    } catch (wrong) {
      const message = wrong instanceof Error ? wrong.message : String(wrong);
      return { is: "error", failure: failure("exception", message, { detail: String(wrong) }) };
    }
  }
}

function workOf({ number, operation, text }: Running): Work<CallOutcome> {
  return {
    id: String(number),
    bound: null,
    ask: (connection, signal) =>
      connection.request("worker/call", { call: number, operation, arguments: text }, signal),
    spends: () => false,
  };
}

function answered(answer: Answer<CallOutcome>, stop: Stop): Outcome {
  const outcome = answer.is === "done" ? ofAnswer(answer.result) : error(answer.failure);
  const stopped = outcome.is === "error" && outcome.failure.kind === "cancelled" && stop.stopped;
  return stopped ? error(stop.why("while it ran")) : outcome;
}

function outputOf({ stream, text }: CallLog): { readonly stream: CallLog["stream"]; readonly text: string } {
  return { stream, text };
}
