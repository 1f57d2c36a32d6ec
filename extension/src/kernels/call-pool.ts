import { Emitter, Lifetime, type Event } from "../lifetime.js";
import { orAborted } from "./aborted.js";
import { failed, failure, type Answer } from "./answer.js";
import type {
  Arguments,
  CallOptions,
  Operations,
  Pool,
  PoolDefinition,
  SessionOptions,
  StreamOptions,
} from "./definition.js";
import { encode } from "./exchange.js";
import { Operators, type Asked } from "./operators.js";
import { error, ok, untravelling, type Outcome } from "./outcome.js";
import type { Ground } from "./process.js";
import type { Scratch } from "./scratch.js";
import { streamOf, type Stream } from "./stream.js";
import { OperatorSession, type Session, type SessionView } from "./session.js";
import type { PoolView } from "./state.js";
import { Stop } from "./stop.js";

/** All that a pool needs of what surrounds it. `ground` finds its Python; it is asked until it has. */
export interface Surroundings {
  readonly ground: (definition: PoolDefinition) => Promise<Answer<Ground>>;
  readonly scratch: Scratch;
}

const tenMinutes = 600_000;
const halfAnHour = 1_800_000;
const defaultSize = 2;
const defaultQueue = 1000;
const defaultSessions = 4;

/** What the workers of a pool stand on, once its Python is known. */
interface Opened {
  readonly ground: Ground;
  readonly operators: Operators;
}

/** A pool of workers that run the operations of one entry module, and its sessions. */
export class CallPool<Ops extends Operations> implements Pool<Ops> {
  readonly name: string;
  readonly definition: PoolDefinition;
  readonly #surroundings: Surroundings;
  readonly #lifetime = new Lifetime();
  readonly #changes = this.#lifetime.add(new Emitter<PoolView>());
  readonly #sessions = new Map<OperatorSession, Operators>();
  #opened: Opened | null = null;
  #opening: Promise<Answer<Opened>> | null = null;
  #fence = 0;
  #openings = 0;

  constructor(definition: PoolDefinition, surroundings: Surroundings) {
    this.name = definition.name;
    this.definition = definition;
    this.#surroundings = surroundings;
    this.#lifetime.defer(() => Promise.all([...this.#sessions.values()].map((operators) => operators.dispose())));
  }

  get view(): PoolView {
    return this.#opened?.operators.view ?? { size: this.definition.size ?? defaultSize, queued: 0, workers: [] };
  }

  get onDidChange(): Event<PoolView> {
    return this.#changes.event;
  }

  async call<K extends keyof Ops & string>(
    operation: K,
    args: Ops[K]["args"],
    options: CallOptions = {},
  ): Promise<Outcome<Ops[K]["result"]>> {
    const stop = new Stop(options.signal, options.deadline);
    try {
      const opened = this.#opened ?? (await this.#open(stop));
      if ("is" in opened) return opened;
      using lease = opened.operators.lease();
      const text = encode(args, lease);
      const asked = {
        anywhere: true,
        ask: ({ connection, call, signal }) =>
          connection.request("worker/call", { call, operation, arguments: text }, signal),
      } satisfies Asked;
      return await opened.operators.run(asked, options, stop);
    } catch (wrong) {
      return error(untravelling(`The arguments of ${operation}`, wrong));
    } finally {
      stop.dispose();
    }
  }

  stream<K extends keyof Ops & string>(
    operation: K,
    args: Ops[K]["args"],
    options: StreamOptions = {},
  ): Stream<Ops[K]["result"]> {
    const run = async (asked: Asked): Promise<Outcome> => {
      const stop = new Stop(options.signal, options.deadline);
      try {
        const opened = this.#opened ?? (await this.#open(stop));
        return "is" in opened ? opened : await opened.operators.run(asked, options, stop);
      } finally {
        stop.dispose();
      }
    };
    return streamOf({ operation, args, fence: 0, anywhere: true }, run);
  }

  async openSession(kind: string, args: Arguments, options: SessionOptions = {}): Promise<Outcome<Session>> {
    const opened = this.#opened ?? (await this.#openWithin(options));
    if ("is" in opened) return opened;
    const { sessions: limit = defaultSessions, queueLimit = defaultQueue } = this.definition;
    if (this.#sessions.size >= limit) return error(tooMany(this.name, limit));
    this.#openings += 1;
    const id = options.id ?? `${this.name}/${this.#openings}`;
    if (this.sessions().some((session) => session.id === id)) return error(known(id));
    const lasting = { idleFor: Infinity, maxAge: Infinity, maxServed: Infinity, queueLimit };
    const operators = new Operators(
      this.definition,
      { ...lasting, name: `${this.name} session ${this.#openings}`, size: 1, failedStarts: 2, staysFailed: false },
      opened.ground,
      this.#surroundings.scratch,
    );
    const { lease = halfAnHour, checkpoint = null } = options;
    const session = new OperatorSession(
      { id, kind, args, checkpoint, lease, options },
      operators,
      () => (this.#fence += 1),
      (ended) => this.#sessions.delete(ended),
    );
    this.#sessions.set(session, operators);
    const made = await session.open();
    return made.is === "ok" ? ok(session) : made;
  }

  sessions(): readonly SessionView[] {
    return [...this.#sessions.keys()].map(({ view }) => view);
  }

  async warmUp(): Promise<Outcome<null>> {
    const opened = this.#opened ?? (await this.#openWithin({}));
    if ("is" in opened) return opened;
    const why = await opened.operators.warmUp();
    return why === null ? ok(null) : error(why);
  }

  restart(): void {
    this.#opened?.operators.restart();
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #openWithin({ signal, deadline }: SessionOptions): Promise<Opened | Outcome<never>> {
    const stop = new Stop(signal, deadline);
    try {
      return await this.#open(stop);
    } finally {
      stop.dispose();
    }
  }

  async #open(stop: Stop): Promise<Opened | Outcome<never>> {
    this.#opening ??= this.#build();
    const opened = await orAborted(this.#opening, stop.signal);
    if (opened === null) return error(stop.why("before it began"));
    if (opened.is === "done") return opened.result;
    // what was missing may have been put there meanwhile
    this.#opening = null;
    return error(opened.failure);
  }

  async #build(): Promise<Answer<Opened>> {
    const ground = await this.#surroundings.ground(this.definition);
    if (this.#lifetime.ended) return failed(failure("cancelled", `Cancelled: the pool ${this.name} was shut down.`));
    if (ground.is === "failed") return ground;
    const { size = defaultSize, idleTime: idleFor = tenMinutes, maxAge = Infinity } = this.definition;
    const { maxCalls: maxServed = Infinity, queueLimit = defaultQueue } = this.definition;
    const limits = { size, idleFor, maxAge, maxServed, queueLimit, failedStarts: 5, staysFailed: true };
    const { scratch } = this.#surroundings;
    const operators = new Operators(this.definition, { ...limits, name: this.name }, ground.result, scratch);
    this.#lifetime.add(operators);
    this.#lifetime.add(
      operators.onDidChange((view) => {
        this.#changes.fire(view);
      }),
    );
    this.#opened = { ground: ground.result, operators };
    return { is: "done", result: this.#opened };
  }
}

function tooMany(pool: string, limit: number): ReturnType<typeof failure> {
  return failure("refused", `The pool ${pool} has ${limit} sessions already, which is as many as it may.`, {
    advice: "Release one that is not needed, or give the pool a larger limit (`sessions`).",
  });
}

function known(id: string): ReturnType<typeof failure> {
  return failure("refused", `There is a session ${id} already.`, { advice: "Use that one, or choose another id." });
}
