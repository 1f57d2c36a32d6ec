import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Answer } from "../../src/kernels/answer.js";
import { KernelHost, type KernelHostOptions } from "../../src/kernels/host.js";
import { probeInterpreter, type Interpreter } from "../../src/kernels/interpreter.js";
import type { EngineEvent } from "../../src/kernels/methods.js";
import type { PoolView } from "../../src/kernels/state.js";
import type { Logger } from "../../src/logger.js";
import type { RunChanged, RunStage } from "../../src/protocol/kernel/messages.gen.js";
import type { Supervisor } from "../../src/supervision/supervisor.js";
import { testPython, until } from "./processes.js";

export const kernelPath = path.resolve(import.meta.dirname, "../../../python-kernel/src");

/** Writes `files` into a new workspace in `folder`. */
export function makeWorkspace(folder: string, files: Readonly<Record<string, string>>): string {
  const workspace = mkdtempSync(path.join(folder, "workspace-"));
  writeFiles(workspace, files);
  return workspace;
}

export function writeFiles(workspace: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(workspace, name)), { recursive: true });
    writeFileSync(path.join(workspace, name), text);
  }
}

/** A run's last word, with the last word on each of its stages. */
export interface Ended {
  readonly is: RunChanged["is"];
  readonly failure: RunChanged["failure"];
  readonly stages: ReadonlyMap<string, RunStage>;
}

/** The real kernels of one workspace, with all they said. */
export class TestKernels {
  readonly host: KernelHost;
  readonly workspace: string;
  readonly said: string[] = [];
  readonly events: EngineEvent[] = [];
  pool: PoolView = { size: 0, queued: 0, workers: [] };

  constructor(workspace: string, supervisor: Supervisor, options: Partial<KernelHostOptions> = {}) {
    this.workspace = workspace;
    this.host = new KernelHost({
      workspace,
      store: path.join(workspace, ".stageloom", "store"),
      kernelPath,
      interpreter: () => this.#interpreter(supervisor),
      poolSize: 2,
      logger: this.logger,
      supervisor,
      ...options,
    });
    this.host.onDidTell((event) => this.events.push(event));
    this.host.onDidChangePool((view) => (this.pool = view));
  }

  get logger(): Logger {
    const write = (text: string): void => {
      this.said.push(text);
    };
    return { trace: write, info: write, warn: write, error: write };
  }

  async start(targets: readonly string[], file = "pipeline.py"): Promise<string> {
    const answer = await this.host.request("run/start", { path: file, targets, sets: {} });
    if (answer.is === "failed") throw new Error(JSON.stringify(answer.failure));
    return answer.result.run;
  }

  async realize(...targets: readonly string[]): Promise<Ended> {
    return this.ended(await this.start(targets));
  }

  /** Waits for the end of a run. */
  async ended(run: string, within = 60_000): Promise<Ended> {
    const about = (): readonly RunChanged[] =>
      this.events.flatMap((event) => (event.is === "run/changed" && event.params.run === run ? [event.params] : []));
    const over = ["done", "failed", "cancelled"];
    await until(`an end of ${run}: ${this.said.slice(-5).join("\n")}`, within, () =>
      about().some(({ is }) => over.includes(is)),
    );
    const changes = about();
    const last = changes.at(-1)!;
    const stages = new Map(changes.flatMap(({ stages }) => stages.map((stage) => [stage.name, stage] as const)));
    return { is: last.is, failure: last.failure, stages };
  }

  /** Waits until a stage has printed `text`. */
  async printed(run: string, text: string, within = 60_000): Promise<void> {
    await until(`${text} printed: ${this.said.slice(-5).join("\n")}`, within, () => this.log(run).includes(text));
  }

  log(run: string): string {
    const logs = this.events.flatMap((event) =>
      event.is === "run/log" && event.params.run === run ? [event.params] : [],
    );
    return logs.map(({ text }) => text).join("");
  }

  #interpreter(supervisor: Supervisor): Promise<Answer<Interpreter>> {
    const candidate = { command: testPython(), args: [], from: "setting", env: {} } as const;
    return probeInterpreter(candidate, this.workspace, supervisor);
  }
}
