import { AsyncLocalStorage } from "node:async_hooks";
import type { Disposable, Event } from "../lifetime.js";
import type { CallLog, CallOutcome, Failure, ToolParams } from "../protocol/kernel/messages.gen.js";
import { failure, type Answer } from "./answer.js";
import type { Connection, Reply } from "./connection.js";
import { failureOfDeath } from "./death.js";
import type { Arguments, CallOptions, PoolDefinition, Tool } from "./definition.js";
import { decode, encode, type Carrier } from "./exchange.js";
import { defaultInline, Lease } from "./files.js";
import { readJournal, type Noted } from "./journal.js";
import { error, indeterminate, ofAnswer, type Outcome } from "./outcome.js";
import { WorkerPool, type PoolOptions, type Ran } from "./pool.js";
import type { Pooled, Work } from "./pooled.js";
import type { Ground, KernelProcess } from "./process.js";
import type { Scratch } from "./scratch.js";
import type { PoolView } from "./state.js";
import type { Stop } from "./stop.js";

/** What is at hand when something is asked. */
export interface Asking {
  readonly connection: Connection;
  readonly call: number;
  readonly signal: AbortSignal;
  /** Carries what is sent, until the call ends, and what comes back. */
  readonly lease: Lease;
  /** Runs `wait`; meanwhile the work takes no slot of its pool. */
  readonly waits: <T>(wait: () => Promise<T>) => Promise<T>;
}

/** One thing to ask an operator for. */
export interface Asked {
  readonly ask: (asking: Asking) => Promise<Reply<CallOutcome>>;
  /** It is several requests: what the journal notes of one says nothing of the whole. */
  readonly stream?: boolean;
  /** Whether any worker can do it: then what never began on one that died is begun on another. */
  readonly anywhere: boolean;
}

interface Running {
  readonly number: number;
  readonly options: CallOptions;
  readonly stop: Stop;
  /** On what its tools answered. */
  readonly lease: Lease;
}

export interface OperatorsOptions extends Omit<PoolOptions, "role" | "spare" | "rebind"> {
  readonly name: string;
}

// an idempotent call that ends every worker it runs on would end them all
const deathsAllowed = 5;

/** Workers that have opened the entry module of a pool, and the calls on their way to them. */
export class Operators implements Disposable {
  readonly #definition: PoolDefinition;
  readonly #ground: Ground;
  readonly #scratch: Scratch;
  readonly #workers: WorkerPool<CallOutcome>;
  readonly #running = new Map<number, Running>();
  readonly #journals = new WeakMap<KernelProcess, string>();
  readonly #carrier: Carrier;
  readonly #inside = new AsyncLocalStorage<true>();
  #count = 0;

  constructor(definition: PoolDefinition, options: OperatorsOptions, ground: Ground, scratch: Scratch) {
    this.#definition = definition;
    this.#ground = ground;
    this.#scratch = scratch;
    this.#carrier = this.lease();
    this.#workers = new WorkerPool<CallOutcome>({ ...options, role: "operator", spare: 0, rebind: false }, ground, {
      prepare: (worker) => {
        this.#prepare(worker);
      },
      open: (process) => this.#open(process),
    });
  }

  get view(): PoolView {
    return this.#workers.view;
  }

  get onDidChange(): Event<PoolView> {
    return this.#workers.onDidChange;
  }

  /** Carries what is sent; the files are there until it is disposed. */
  lease(): Lease {
    return new Lease(this.#scratch, this.#definition.inlineBelow ?? defaultInline);
  }

  /** Whether the caller is a tool that one of these workers waits for. */
  get inside(): boolean {
    return this.#inside.getStore() === true;
  }

  warmUp(): Promise<Failure | null> {
    return this.#workers.warmUp();
  }

  restart(): void {
    this.#workers.restart();
  }

  dispose(): Promise<void> {
    return this.#workers.dispose();
  }

  /** Asks until there is an outcome; never rejects. */
  async run(asked: Asked, options: CallOptions, stop: Stop): Promise<Outcome> {
    this.#count += 1;
    using lease = this.lease();
    const call: Running = { number: this.#count, options, stop, lease };
    this.#running.set(call.number, call);
    try {
      return await this.#settle(asked, call);
    } finally {
      this.#running.delete(call.number);
    }
  }

  // --- workers ---------------------------------------------------------------------------------------------------------

  #prepare(worker: Pooled<CallOutcome>): void {
    const { process } = worker;
    const journal = this.#scratch.file(".journal");
    this.#journals.set(process, journal);
    // a turn later whoever waited for what it was doing has read it
    void process.died.then(() =>
      setImmediate(() => {
        this.#scratch.remove(journal);
      }),
    );
    process.connection.hear("call/log", (log) => {
      const listener = this.#running.get(log.call)?.options.onOutput;
      if (listener === undefined) this.#ground.logger.info(`${process.name}: ${log.text.trimEnd()}`);
      else listener(outputOf(log));
    });
    process.connection.serve("call/tool", (tool, signal) =>
      worker.while(String(tool.call), () => this.#inside.run(true, () => this.#answerTool(tool, signal))),
    );
  }

  async #open(process: KernelProcess): Promise<Failure | null> {
    const { entry, folder, paths = [], imports = [], script = "", memory = 0 } = this.#definition;
    const { inlineBelow: inline = defaultInline } = this.#definition;
    const reply = await process.connection.request("worker/open", {
      entry: "script" in entry ? entry.script : entry.module,
      journal: this.#journals.get(process) ?? "",
      paths: [...paths, ...(folder === undefined ? [] : [folder])],
      modules: imports,
      script,
      memory,
      inline,
    });
    if (reply.is === "done") return reply.result.failure;
    return reply.is === "failed" ? reply.failure : failureOfDeath(await process.died);
  }

  // --- calls -----------------------------------------------------------------------------------------------------------

  async #settle(asked: Asked, call: Running): Promise<Outcome> {
    const { stop, options } = call;
    const { caller, priority } = options;
    const work: Work<CallOutcome> = {
      id: String(call.number),
      bound: null,
      ask: (connection, signal, worker) =>
        asked.ask({
          ...{ connection, signal, call: call.number, lease: call.lease },
          waits: (wait) => worker.while(String(call.number), wait),
        }),
      spends: () => false,
    };
    let deaths = 0;
    for (let again = false; ; again = true) {
      const ran = await this.#workers.run(work, { signal: stop.signal, caller, priority, again });
      const outcome = this.#outcomeOf(call, ran, asked.stream === true);
      if (outcome.is === "again") {
        if (asked.anywhere) continue;
        return error(failure("lost-session", "The worker of the session died before the call began."));
      }
      if (outcome.is !== "indeterminate" || options.idempotent !== true) return outcome;
      deaths += 1;
      if (!asked.anywhere || asked.stream === true || stop.stopped || deaths >= deathsAllowed)
        return error(outcome.failure);
    }
  }

  /** What came of one try; *again* where it had not begun. */
  #outcomeOf({ number, stop }: Running, ran: Ran<CallOutcome>, stream: boolean): Outcome | { readonly is: "again" } {
    if (ran.is === "withdrawn") return error(stop.why("before it began"));
    if (ran.is === "refused") return error(ran.failure);
    const { ended, worker } = ran;
    if (ended.is === "answered") return answered(ended.answer, stop, this.#carrier);
    const all = readJournal(this.#journals.get(worker.process) ?? "", number);
    const noted: Noted = stream && all.is === "ended" ? { is: "began" } : all;
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
          ? ofAnswer({ is: "ok", value: noted.text }, this.#carrier)
          : // safe: the worker wrote a Failure as it goes over the wire, and its checksum held
            error(JSON.parse(noted.text) as Failure);
    }
  }

  // --- what workers ask of the host ------------------------------------------------------------------------------------

  async #answerTool({ call, tool, arguments: text }: ToolParams, signal: AbortSignal): Promise<CallOutcome> {
    const running = this.#running.get(call);
    const tools = running?.options.tools ?? {};
    const found: Tool | undefined = Object.hasOwn(tools, tool) ? tools[tool] : undefined;
    if (found === undefined) {
      const known = Object.keys(tools).join(", ");
      const advice = known === "" ? "The call was given no tools." : `It was given ${known}.`;
      return { is: "error", failure: failure("refused", `The host has no tool ${tool} for this call. ${advice}`) };
    }
    try {
      // safe: operations send their arguments as an array or an object
      const result = await found(decode(text, this.#carrier) as Arguments, signal);
      // what the tool gave is there until the call ends
      return { is: "ok", value: encode(result, running?.lease) };
    } catch (wrong) {
      const message = wrong instanceof Error ? wrong.message : String(wrong);
      return { is: "error", failure: failure("exception", message, { detail: String(wrong) }) };
    }
  }
}

function answered(answer: Answer<CallOutcome>, stop: Stop, carrier: Carrier): Outcome {
  const outcome = answer.is === "done" ? ofAnswer(answer.result, carrier) : error(answer.failure);
  const stopped = outcome.is === "error" && outcome.failure.kind === "cancelled" && stop.stopped;
  return stopped ? error(stop.why("while it ran")) : outcome;
}

function outputOf({ stream, text }: CallLog): { readonly stream: CallLog["stream"]; readonly text: string } {
  return { stream, text };
}
