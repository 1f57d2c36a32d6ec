import type { Disposable, Event } from "../lifetime.js";
import type { Outcome } from "./outcome.js";
import type { Session, SessionCallOptions, SessionView } from "./session.js";
import type { Stream } from "./stream.js";
import type { PoolView } from "./state.js";

/** What operations take: positional arguments, or named ones. */
export type Arguments = readonly unknown[] | Readonly<Record<string, unknown>>;

/** The operations of an entry module, by name, for the compiler alone. */
export type Operations = Readonly<Record<string, { readonly args: Arguments; readonly result: unknown }>>;

/** Any operation, with nothing known of it. */
export type AnyOperations = Readonly<Record<string, { readonly args: Arguments; readonly result: unknown }>>;

/** What makes a pool. Times are milliseconds, sizes bytes. */
export interface PoolDefinition {
  readonly name: string;
  /** Whose public functions are the pool's operations: a module, or the absolute path of a script. */
  readonly entry: { readonly module: string } | { readonly script: string };
  /** The Python to run, a command or a path; `python3` (on Windows `python`) unless told. */
  readonly python?: string;
  /** Where workers run, and where modules are looked for; this process's folder unless told. */
  readonly folder?: string;
  /** More folders to look for modules in, before the others. */
  readonly paths?: readonly string[];
  /** How many workers run at once; 2 unless told. */
  readonly size?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** What one worker may take, where the system can hold it to that (Linux): `MemoryError` is raised then. */
  readonly memory?: number;
  /** Modules that are imported, and a script that is run, before the entry module. */
  readonly imports?: readonly string[];
  readonly script?: string;
  /** All workers end when there was nothing to do for this long; ten minutes unless told. */
  readonly idleTime?: number;
  /** A worker is replaced after this time, or after so many calls. */
  readonly maxAge?: number;
  readonly maxCalls?: number;
  /** How many calls may wait; 1,000 unless told. More are refused at once. */
  readonly queueLimit?: number;
  /** Bytes and arrays from this size on travel in a file that is mapped, smaller ones in the text; 32 KB unless told. */
  readonly inlineBelow?: number;
  /** How many sessions there may be, each with a worker of its own beside those of the pool; 4 unless told. */
  readonly sessions?: number;
}

/** A function of this program that Python code may call by `call_host`. What it throws is raised there. */
export type Tool = (args: Arguments, signal: AbortSignal) => unknown;

export interface CallOptions {
  /** Milliseconds for all of it, waiting included. A call that runs then is interrupted. */
  readonly deadline?: number;
  /** Aborting cancels: at once what waits, by an interrupt what runs, by ending its worker what does not heed that. */
  readonly signal?: AbortSignal;
  /** It may be done twice: then it is done again where its worker died over it. */
  readonly idempotent?: boolean;
  /** Higher ones go first; 0 unless told. */
  readonly priority?: number;
  /** Who asks. Callers get their turns one after the other, however much each has waiting. */
  readonly caller?: string;
  /** What Python code may ask of this program during the call. */
  readonly tools?: Readonly<Record<string, Tool>>;
  /** What it prints; the pool's log has it unless told. */
  readonly onOutput?: (output: { readonly stream: "stdout" | "stderr"; readonly text: string }) => void;
}

/** A stream's `deadline` is for all of it. */
export type StreamOptions = Omit<CallOptions, "idempotent">;

/** How a session begins. `tools` and `onOutput` are those of all its calls. */
export interface SessionOptions extends SessionCallOptions {
  /** What it is called; the pool's name and a number unless told. */
  readonly id?: string;
  /** After how many milliseconds without a call or `renew` it is ended; half an hour unless told. */
  readonly lease?: number;
  /** The file that the object is made from, instead of the arguments. */
  readonly checkpoint?: string;
}

/** Workers that run the operations of one entry module. The first call starts them. */
export interface Pool<Ops extends Operations = AnyOperations> extends Disposable, AsyncDisposable {
  readonly name: string;
  readonly definition: PoolDefinition;
  /** Its workers and its queue as they are now. */
  readonly view: PoolView;
  readonly onDidChange: Event<PoolView>;
  /** Calls an operation; never rejects. */
  call<K extends keyof Ops & string>(
    operation: K,
    args: Ops[K]["args"],
    options?: CallOptions,
  ): Promise<Outcome<Ops[K]["result"]>>;
  /** Reads what an operation yields, as it is read; the first `next` begins. The worker is taken until it is over. */
  stream<K extends keyof Ops & string>(
    operation: K,
    args: Ops[K]["args"],
    options?: StreamOptions,
  ): Stream<Ops[K]["result"]>;
  /** Makes an instance of a class of the entry module, in a worker that serves nobody else until it is released. */
  openSession(kind: string, args: Arguments, options?: SessionOptions): Promise<Outcome<Session>>;
  sessions(): readonly SessionView[];
  /** Starts all workers side by side; settles when they are ready. */
  warmUp(): Promise<Outcome<null>>;
  /** Replaces the workers, the busy ones when they have finished, and starts again where none could be started. */
  restart(): void;
  dispose(): Promise<void>;
}
