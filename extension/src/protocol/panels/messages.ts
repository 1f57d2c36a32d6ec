/**
 * What host and webview say to each other. Pure types: imported by both, and by nothing at run time.
 *
 * The host owns every state. A panel gets a whole snapshot when it says `ready` and when it becomes visible again,
 * then changes; it sends intents and keeps only what is its own (scroll, folds, selection) with `setState`.
 */
import type { FilePreview, Point, Problem, Reason, Failure, Realization, Parameter } from "../kernel/messages.gen.js";

/**
 * How a stage stands, as every view shows it: the plan's word, overlaid by the run under way. It is unknown until the
 * engine has spoken; `told` says that it has, and can't say more before a dependency has run. A waiting one `awaits`
 * other stages, unless it says what else: a free worker, or another process that is at the same work. A stage stays
 * failed or cancelled, `at` a time, until it is made or is another.
 */
export type StageState =
  | { is: "unknown"; told?: true }
  | { is: "broken" }
  | { is: "cached"; realization: Realization; kept: boolean; note?: string }
  | { is: "stale"; reasons: readonly Reason[] }
  | { is: "absent" }
  | { is: "waiting"; awaits?: "worker" | "process" }
  | { is: "running"; since: number; fraction?: number; message?: string }
  | { is: "failed"; failure: Failure; at?: number }
  | { is: "cancelled"; at?: number }
  | { is: "skipped" };

/** One stage as a cell and a node show it. `source` is the text of its definition, `line` where that starts (from 0). */
export interface StageView {
  readonly name: string;
  readonly function: string;
  readonly language: "function" | "derivation" | "reactor";
  readonly path: string;
  readonly line: number;
  readonly source: string;
  readonly doc: string;
  readonly guessed: boolean;
  readonly dependencies: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly state: StageState;
  /** How many seconds it took when it last ran, where it isn't cached. */
  readonly expects?: number;
}

/** A whole pipeline. */
export interface PipelineView {
  readonly path: string;
  readonly title: string;
  readonly trusted: boolean;
  readonly stages: readonly StageView[];
  readonly problems: readonly Problem[];
  readonly run: RunView | null;
}

/** The run under way, or the last one; where nothing of it runs, what it `awaits`. */
export interface RunView {
  readonly run: string;
  readonly is: "planning" | "running" | "done" | "failed" | "cancelling" | "cancelled";
  readonly targets: readonly string[];
  readonly finished: number;
  readonly total: number;
  readonly awaits?: "worker" | "process";
}

/** What a cell shows below its source. Logs are raw: carriage returns and ANSI colours included. */
export interface OutputsView {
  readonly stage: string;
  readonly rref: string | null;
  readonly previews: readonly FilePreview[];
  readonly log: string;
  readonly points: readonly Point[];
  /** Why the realization could not be read. */
  readonly failure?: Failure;
}

/**
 * Host to webview. A snapshot's `outputs` are those of runs alone: a page keeps what it holds of the realization that a
 * stage is cached by, and asks for what it does not hold.
 */
export type ToPanel =
  | { is: "snapshot"; pipeline: PipelineView; outputs: readonly OutputsView[]; focus: string | null }
  | { is: "stages"; stages: readonly StageView[]; run: RunView | null }
  | { is: "outputs"; outputs: OutputsView }
  | { is: "log"; stage: string; text: string }
  | { is: "points"; stage: string; points: readonly Point[]; reset: boolean }
  | { is: "focus"; stage: string };

/** Webview to host. */
export type FromPanel =
  | { is: "ready" }
  | { is: "realize"; stages: readonly string[] }
  | { is: "cancel" }
  | { is: "invalidate"; stage: string; dependents: boolean }
  | { is: "undo" }
  | { is: "reveal"; stage: string }
  | { is: "open-frame"; path: string; line: number }
  | { is: "diff"; stage: string }
  | { is: "open-file"; rref: string; file: string }
  | { is: "outputs"; stage: string }
  | { is: "copy"; text: string };
