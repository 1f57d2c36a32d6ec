import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import path from "node:path";
import type { Disposable } from "../lifetime.js";
import type { Logger } from "../logger.js";
import { waitBefore } from "./backoff.js";
import { markVariable } from "./mark.js";

interface GuardOptions {
  /** The bundled `guardian.ts`. */
  readonly program: string;
  readonly lease: string;
  readonly run: string;
  readonly logger: Logger;
}

/** The host's side of the guardian: starts it, keeps it running, and holds the pipe by whose end it sees the host die. */
export class Guard implements Disposable {
  readonly #options: GuardOptions;
  #child: ChildProcess | null = null;
  #timer: NodeJS.Timeout | null = null;
  #starts = 0;
  #ended = false;

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    if (this.#child !== null || this.#timer !== null || this.#ended) return;
    const { program, lease, run, logger } = this.#options;
    this.#starts += 1;
    const { [markVariable]: _mark, ...environment } = process.env;
    const child = spawn(process.execPath, [program, lease, run], {
      detached: true,
      cwd: path.parse(process.execPath).root,
      stdio: ["pipe", "ignore", "ignore"],
      env: { ...environment, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" },
      windowsHide: true,
    });
    this.#child = child;
    child.stdin.on("error", () => {
      // it died; its exit says so
    });
    child.once("error", (error) => {
      logger.warn(`the guardian could not be started: ${error.message}`);
      this.#again();
    });
    child.once("exit", () => {
      this.#again();
    });
    child.unref();
    if (child.stdin instanceof Socket) child.stdin.unref();
  }

  /** Lets the guardian look for leftovers a last time and end. */
  dispose(): void {
    this.#ended = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#child?.stdin?.end();
    this.#child = null;
  }

  #again(): void {
    this.#child = null;
    if (this.#ended || this.#timer !== null) return;
    const delay = waitBefore(this.#starts - 1, { first: 50, longest: 60_000 }, Math.random());
    this.#options.logger.info(`the guardian ended; another starts in ${delay} ms`);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.start();
    }, delay);
    this.#timer.unref();
  }
}
