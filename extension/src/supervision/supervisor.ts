import { randomBytes } from "node:crypto";
import { Lifetime, type Disposable } from "../lifetime.js";
import type { Logger } from "../logger.js";
import { describeExit } from "./exit.js";
import { Guard } from "./guard.js";
import { Journal } from "./journal.js";
import { formatMark, markVariable } from "./mark.js";
import { killNow } from "./signals.js";
import { Supervised, type SpawnOptions } from "./supervised.js";
import { sweep, type Swept } from "./sweep.js";
import { processTable, type ProcessTable } from "./table.js";

export interface SupervisorOptions {
  /** Where hosts of this user keep their leases: one folder for all windows. */
  readonly leases: string;
  /** The bundled guardian (`dist/guardian.js`). */
  readonly guardian: string;
  readonly logger: Logger;
}

/**
 * The one place that starts processes. Nothing it starts outlives the host.
 *
 * Each child leads a group of its own and bears a mark in its environment. Four things see to its end: the
 * supervisor when it is disposed; the kernel itself where the system can tell it that its parent died; the guardian
 * when the host is killed; the sweep of the next start when the guardian was killed too.
 */
export class Supervisor implements Disposable {
  readonly #options: SupervisorOptions;
  readonly #table: ProcessTable;
  readonly #run: string;
  readonly #journal: Journal;
  readonly #guard: Guard;
  readonly #lifetime = new Lifetime();
  readonly #children = new Map<number, Supervised>();
  readonly #reaping = new Set<Promise<void>>();
  #count = 0;

  private constructor(options: SupervisorOptions, table: ProcessTable, started: string) {
    this.#options = options;
    this.#table = table;
    this.#run = randomBytes(8).toString("hex");
    const machine = table.machine();
    this.#journal = new Journal(options.leases, { run: this.#run, pid: process.pid, started, machine });
    this.#guard = new Guard({
      program: options.guardian,
      lease: this.#journal.file,
      run: this.#run,
      logger: options.logger,
    });
    this.#lifetime.defer(() => {
      this.#close();
    });
    this.#lifetime.defer(() => this.#stopAll());
  }

  static async open(options: SupervisorOptions): Promise<Supervisor> {
    const table = processTable(process.platform);
    return new Supervisor(options, table, (await table.started(process.pid).catch(() => null)) ?? "");
  }

  get guardianPid(): number | null {
    return this.#guard.pid;
  }

  /** The processes that run now. */
  get running(): readonly Supervised[] {
    return [...this.#children.values()];
  }

  spawn(options: SpawnOptions): Supervised {
    if (this.#lifetime.ended) throw new Error(`${options.name} was to be started after the end`);
    this.#guard.start();
    const number = (this.#count += 1);
    const env = { ...options.env, [markVariable]: formatMark({ run: this.#run, child: number }) };
    const child = new Supervised({ ...options, env }, this.#table);
    if (child.pid === null) return child;
    this.#children.set(number, child);
    this.#record(number, child.pid, child.name);
    this.#options.logger.trace(`started ${child.name} (pid ${child.pid})`);
    const reaping = this.#reap(number, child).finally(() => this.#reaping.delete(reaping));
    this.#reaping.add(reaping);
    return child;
  }

  /** Ends what hosts left behind that were killed together with their guardian. */
  async sweep(): Promise<Swept> {
    const swept = await sweep(this.#options.leases, this.#table);
    if (swept.killed > 0) this.#options.logger.warn(`ended ${swept.killed} processes that an earlier window left`);
    return swept;
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #record(number: number, pid: number, name: string): void {
    const write = (started: string | null): void => {
      this.#write(() => {
        this.#journal.child({ number, pid, started: started ?? "", name });
      });
    };
    if (process.platform !== "linux") write(null); // asking takes a while there
    void this.#table.started(pid).then(
      (started) => {
        if (this.#children.has(number)) write(started);
      },
      () => {
        write(null);
      },
    );
  }

  // without a lease the guardian still finds processes by their mark, so work goes on
  #write(line: () => void): void {
    try {
      line();
    } catch (error) {
      this.#options.logger.warn(`the lease ${this.#journal.file} cannot be written: ${String(error)}`);
    }
  }

  async #reap(number: number, child: Supervised): Promise<void> {
    const exit = await child.exited;
    this.#options.logger.trace(`${child.name} (pid ${child.pid ?? 0}) ${describeExit(exit)}`);
    for (let round = 0; round < 5; round += 1) {
      const marked = await this.#marked(number);
      if (marked.length === 0) break;
      for (const pid of marked) killNow(pid);
    }
    this.#children.delete(number);
    if (!this.#lifetime.ended || this.#children.size > 0)
      this.#write(() => {
        this.#journal.gone(number);
      });
  }

  // what left the child's group and session still bears its mark
  async #marked(number: number): Promise<readonly number[]> {
    const table = await this.#table.list().catch(() => []);
    return table.filter(({ mark }) => mark?.run === this.#run && mark.child === number).map(({ pid }) => pid);
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.running.map((child) => child.dispose()));
    await Promise.all(this.#reaping);
  }

  #close(): void {
    this.#write(() => {
      this.#journal.close();
    });
    this.#guard.dispose();
  }
}
