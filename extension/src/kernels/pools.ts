import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { Lifetime, type Disposable } from "../lifetime.js";
import { silent, type Logger } from "../logger.js";
import { MessageValidator } from "../protocol/kernel/validate.js";
import { Supervisor } from "../supervision/supervisor.js";
import { processTable } from "../supervision/table.js";
import { done, type Answer } from "./answer.js";
import { CallPool } from "./call-pool.js";
import type { AnyOperations, Operations, Pool, PoolDefinition } from "./definition.js";
import { probeInterpreter } from "./interpreter.js";
import type { Ground } from "./process.js";
import { Scratch } from "./scratch.js";

export interface PoolsOptions {
  /** The folder that holds the Python package `stageloom`. */
  readonly kernel: string;
  /** The program that ends what this process leaves when it is killed (`guardian.js`). */
  readonly guardian: string;
  readonly logger?: Logger;
  /** For leases and for files that are shared with workers; a folder of this user's among the temporary ones. */
  readonly folder?: string;
}

/** The named pools of one program. Nothing that they start outlives it. */
export class Pools implements Disposable, AsyncDisposable {
  readonly #options: PoolsOptions;
  readonly #supervisor: Supervisor;
  readonly #scratch: Scratch;
  readonly #lifetime = new Lifetime();
  readonly #validator = new MessageValidator();
  readonly #pools = new Map<string, Pool>();

  private constructor(options: PoolsOptions, supervisor: Supervisor, scratch: Scratch) {
    this.#options = options;
    this.#supervisor = supervisor;
    this.#scratch = scratch;
    this.#lifetime.add(scratch);
    this.#lifetime.add(supervisor);
  }

  static async open(options: PoolsOptions): Promise<Pools> {
    const folder = options.folder ?? path.join(tmpdir(), `stageloom-${userInfo().username}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { guardian, logger = silent } = options;
    const supervisor = await Supervisor.open({ leases: path.join(folder, "leases"), guardian, logger });
    void supervisor.sweep().catch((error: unknown) => {
      logger.warn(`the sweep failed: ${String(error)}`);
    });
    const scratch = await Scratch.open(path.join(folder, "pools"), processTable(process.platform));
    return new Pools(options, supervisor, scratch);
  }

  /** The pools by name. */
  get all(): ReadonlyMap<string, Pool> {
    return this.#pools;
  }

  /** Makes a pool; it starts nothing yet. A second one of a name is an error. */
  define<Ops extends Operations = AnyOperations>(definition: PoolDefinition): Pool<Ops> {
    check(definition);
    if (this.#pools.has(definition.name)) throw new Error(`there is a pool named ${definition.name} already`);
    const surroundings = { ground: (of: PoolDefinition) => this.#ground(of), scratch: this.#scratch };
    const pool = this.#lifetime.add(new CallPool<Ops>(definition, surroundings));
    // safe: with nothing known of its operations, any name and any arguments may be tried
    this.#pools.set(definition.name, pool);
    return pool;
  }

  /** Ends all pools and everything they started. */
  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  async #ground({ python, folder = process.cwd(), env = {} }: PoolDefinition): Promise<Answer<Ground>> {
    const command = python ?? (process.platform === "win32" ? "python" : "python3");
    const candidate = { command, args: [], from: "setting", env: {} } as const;
    const found = await probeInterpreter(candidate, folder, this.#supervisor);
    if (found.is === "failed") return found;
    const { kernel, logger = silent } = this.#options;
    const shared = { supervisor: this.#supervisor, validator: this.#validator, kernel, logger };
    return done({ ...shared, interpreter: found.result, workspace: folder, store: "", env });
  }
}

function check({ name, entry, size = 1, queueLimit = 1 }: PoolDefinition): void {
  if (name.trim() === "") throw new Error("a pool needs a name");
  if (!Number.isSafeInteger(size) || size < 1) throw new Error(`the pool ${name} needs a size of 1 or more`);
  if (!(queueLimit >= 1)) throw new Error(`the pool ${name} needs a queue limit of 1 or more`);
  if ("script" in entry && !path.isAbsolute(entry.script))
    throw new Error(`the pool ${name} needs the absolute path of its script, not ${entry.script}`);
}
