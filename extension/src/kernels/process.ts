import { setTimeout as wait } from "node:timers/promises";
import { named, type Logger } from "../logger.js";
import {
  PROTOCOL,
  type InitializeParams,
  type InitializeResult,
  type LogMessage,
  type Role,
} from "../protocol/kernel/messages.gen.js";
import type { MessageValidator } from "../protocol/kernel/validate.js";
import type { Exit } from "../supervision/exit.js";
import type { Supervised } from "../supervision/supervised.js";
import type { Supervisor } from "../supervision/supervisor.js";
import { failed, failure, type Answer } from "./answer.js";
import { memoryKills } from "./memory.js";
import { Lines } from "./lines.js";
import { bootstrapArguments, kernelEnvironment, type KernelModule } from "./bootstrap.js";
import { Connection } from "./connection.js";
import { failureOfDeath, type Death } from "./death.js";
import type { Interpreter } from "./interpreter.js";

/** How equal files of a store share their space. */
export type StoreLink = NonNullable<InitializeParams["link"]>;

/** All that starting a kernel process takes, for one workspace. */
export interface Ground {
  readonly supervisor: Supervisor;
  readonly validator: MessageValidator;
  readonly logger: Logger;
  readonly interpreter: Interpreter;
  /** The folder that holds the bundled package `stageloom`. */
  readonly kernel: string;
  /** The folder that processes run in. */
  readonly workspace: string;
  readonly store: string;
  /** How equal files of the store share their space; empty for what the environment says. */
  readonly link?: StoreLink;
  /** Variables for the processes, beside the host's own and those of the interpreter's environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const handshakeLimit = 60_000;
const client = "stageloom for VS Code";

/** A Python process that runs a program of the kernel, and the connection to it. */
export class KernelProcess {
  readonly name: string;
  readonly connection: Connection;
  /** Writes a line of the kernel's own log where it belongs. */
  readonly log: (message: LogMessage) => void;
  readonly #supervised: Supervised;
  readonly #ground: Ground;
  readonly #role: Role;
  #memoryKills = memoryKills();

  constructor(name: string, role: Role, ground: Ground) {
    const module: KernelModule = role === "engine" ? "stageloom.service" : "stageloom.worker";
    const { interpreter, kernel, workspace, env = {} } = ground;
    const seed = role === "engine" ? {} : { PYTHONHASHSEED: "0" };
    const logger = named(ground.logger, name);
    this.name = name;
    this.#ground = ground;
    this.#role = role;
    this.#supervised = ground.supervisor.spawn({
      name,
      command: interpreter.path,
      args: bootstrapArguments(kernel, module),
      env: kernelEnvironment({ ...process.env, ...interpreter.env }, { ...seed, ...env }),
      cwd: workspace,
    });
    const { stdout, stdin } = this.#supervised;
    this.connection = new Connection(name, stdout, stdin, ground.validator, logger);
    const lines = new Lines((line) => {
      if (line.trim() !== "") logger.info(line);
    });
    this.#supervised.onStderr((text) => {
      lines.push(text);
    });
    this.log = ({ level, text }) => {
      if (level === "debug") logger.trace(text);
      else if (level === "warning") logger.warn(text);
      else logger[level](text);
    };
    this.connection.hear("log/message", this.log);
  }

  get pid(): number | null {
    return this.#supervised.pid;
  }

  /** Settles with its death, when all it wrote has been read. */
  get died(): Promise<Death> {
    return this.#supervised.exited.then((exit) => this.#death(exit));
  }

  /** Opens the connection: call it once, after the handlers are in place. */
  async initialize(): Promise<Answer<InitializeResult>> {
    this.connection.listen();
    const { workspace, store, link = "" } = this.#ground;
    const folders = this.#role === "engine" ? { workspace, store, link } : {};
    const asked = this.connection.request("initialize", { protocol: PROTOCOL, role: this.#role, client, ...folders });
    const timer = new AbortController();
    const late = wait(handshakeLimit, { is: "late" } as const, { signal: timer.signal, ref: false });
    const reply = await Promise.race([asked, this.died.then(() => ({ is: "lost" }) as const), late]);
    timer.abort();
    late.catch(() => null);
    if (reply.is === "lost") return failed(await this.#startFailure());
    if (reply.is === "late") return failed(this.#silent());
    if (reply.is === "failed" || reply.result.protocol === PROTOCOL) return reply;
    return failed(mismatch(reply.result));
  }

  /** Says that new work begins: what happened to the system before has nothing to do with it. */
  begin(): void {
    this.#memoryKills = memoryKills();
  }

  terminate(): void {
    this.#supervised.terminate();
  }

  kill(): Promise<void> {
    return this.#supervised.kill();
  }

  /** Closes its input, at which it ends by itself; then terminate and kill. */
  async stop(grace: number): Promise<Death> {
    this.connection.dispose();
    const timer = new AbortController();
    const waited = wait(grace, null, { signal: timer.signal }).catch(() => null);
    await Promise.race([this.#supervised.exited, waited]);
    timer.abort();
    return this.#death(this.#supervised.exit ?? (await this.#supervised.stop({ interrupt: 0, terminate: 500 })));
  }

  async #startFailure(): Promise<ReturnType<typeof failure>> {
    // it closed its output without ending, or is about to end
    const death = await this.stop(1000);
    const about = failureOfDeath(death);
    if (death.exit.error !== null) return about;
    const { path } = this.#ground.interpreter;
    return failure("crashed", `${title(this.#role)} did not start: ${path} ended before it said anything.`, {
      advice: "The lines below say why. Choose another Python interpreter, or repair this environment.",
      detail: death.stderr.trimEnd(),
    });
  }

  #silent(): ReturnType<typeof failure> {
    const { path } = this.#ground.interpreter;
    return failure("crashed", `${title(this.#role)} (${path}) did not answer within ${handshakeLimit / 1000} s.`, {
      advice: "Choose another Python interpreter, or try again when the machine is less busy.",
      detail: this.#supervised.stderr().trimEnd(),
    });
  }

  #death(exit: Exit): Death {
    const outOfMemory = (memoryKills() ?? 0) > (this.#memoryKills ?? 0);
    return { name: this.name, pid: this.pid, exit, stderr: this.#supervised.stderr(), outOfMemory };
  }
}

function mismatch(other: InitializeResult): ReturnType<typeof failure> {
  return failure("internal", `The kernel speaks protocol ${other.protocol}, this extension protocol ${PROTOCOL}.`, {
    advice: "Install the same version of the extension and of the stageloom package in this environment.",
    detail: `stageloom ${other.version} in ${other.executable}`,
  });
}

function title(role: Role): string {
  return role === "engine" ? "The engine" : `A ${role}`;
}
