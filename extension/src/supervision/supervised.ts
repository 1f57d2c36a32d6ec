import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { execa } from "execa";
import { Emitter, type Disposable, type Event } from "../lifetime.js";
import type { Exit } from "./exit.js";
import { killNow, trySignal } from "./signals.js";
import { descendants, type ProcessTable } from "./table.js";
import { Tail } from "./tail.js";

/** What to run. `env` is the whole environment. */
export interface SpawnOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Milliseconds between the steps of a stop; a step of 0 is left out. */
export interface StopTimes {
  readonly interrupt: number;
  readonly terminate: number;
}

const stderrKept = 64 * 1024;
const pipesMayLag = 300;

/** A process of ours, leader of a group of its own. Signals go to the whole group. */
export class Supervised implements Disposable {
  readonly name: string;
  /** Null where it could not be started; `exited` says why. */
  readonly pid: number | null;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Settles when the process has ended and what it wrote has been read; never rejects. */
  readonly exited: Promise<Exit>;
  readonly onStderr: Event<string>;
  readonly #child: ChildProcess;
  readonly #table: ProcessTable;
  readonly #stderr = new Tail(stderrKept);
  #exit: Exit | null = null;

  constructor(options: SpawnOptions, table: ProcessTable) {
    const subprocess = execa(options.command, [...options.args], {
      cwd: options.cwd,
      env: definedOnly(options.env),
      extendEnv: false,
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
      buffer: false,
      reject: false,
      killDescendants: true,
      // the guardian does that, also where the host is killed; execa's way would patch the extension host's process
      cleanup: false,
      forceKillAfterDelay: false,
    });
    this.name = options.name;
    this.pid = subprocess.pid ?? null;
    this.stdin = subprocess.stdin;
    this.stdout = subprocess.stdout;
    this.#child = subprocess.nodeChildProcess;
    this.#table = table;
    const stderr = new Emitter<string>();
    this.onStderr = stderr.event;
    this.stdin.on("error", () => {
      // the process has gone; its exit says so
    });
    subprocess.stderr.setEncoding("utf8").on("data", (piece: string) => {
      this.#stderr.push(piece);
      stderr.fire(piece);
    });
    this.exited = this.pid === null ? subprocess.then(whyUnstarted) : this.#watch(this.#child);
    void this.exited.then((exit) => (this.#exit = exit));
  }

  /** How it ended; null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** The end of what it wrote to standard error. */
  stderr(): string {
    return this.#stderr.text();
  }

  /** Ctrl-C. Windows has no such thing for another's console: there a message must do it. */
  interrupt(): void {
    this.#signal("SIGINT");
  }

  terminate(): void {
    this.#signal("SIGTERM");
  }

  /** Kills it, its group, and what has left the group but still stands below it. */
  async kill(): Promise<void> {
    if (this.pid === null || this.#gone()) return;
    const before = await Promise.race([this.#table.list().catch(() => []), wait(250, [])]);
    if (this.#gone()) return;
    this.#signal("SIGKILL");
    for (const { pid } of descendants(before, this.pid)) killNow(pid);
  }

  /** Interrupt, terminate, kill, with time to end in between. */
  async stop({ interrupt, terminate }: StopTimes): Promise<Exit> {
    if (
      interrupt > 0 &&
      (await this.#endsAfter(() => {
        this.interrupt();
      }, interrupt))
    )
      return this.exited;
    if (
      terminate > 0 &&
      (await this.#endsAfter(() => {
        this.terminate();
      }, terminate))
    )
      return this.exited;
    await this.kill();
    return this.exited;
  }

  dispose(): Promise<Exit> {
    return this.stop({ interrupt: 0, terminate: 500 });
  }

  async #endsAfter(step: () => void, time: number): Promise<boolean> {
    step();
    const timer = new AbortController();
    const ended = await Promise.race([
      this.exited.then(() => true),
      wait(time, false, { signal: timer.signal }).catch(() => false),
    ]);
    timer.abort();
    return ended;
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid === null || this.#gone()) return;
    if (process.platform !== "win32") trySignal(-this.pid, signal);
    else if (signal !== "SIGINT") killNow(this.pid);
  }

  #gone(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #watch(child: ChildProcess): Promise<Exit> {
    const closed = once(child, "close");
    const exit = await new Promise<Exit>((resolve) => {
      child.once("exit", (code, signal) => {
        resolve({ code, signal, error: null });
      });
    });
    // its pid cannot have come again in this instant, so the group, if there is one, is still its own
    if (this.pid !== null && process.platform !== "win32") trySignal(-this.pid, "SIGKILL");
    await Promise.race([closed, wait(pipesMayLag, undefined, { ref: false })]);
    return exit;
  }
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const entries = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return Object.fromEntries(entries);
}

function whyUnstarted(result: {
  readonly originalMessage?: string | undefined;
  readonly shortMessage?: string | undefined;
}): Exit {
  const error = result.originalMessage ?? result.shortMessage ?? "the reason is not known";
  return { code: null, signal: null, error };
}
