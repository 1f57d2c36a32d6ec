import type * as vscode from "vscode";

import type { ArtifactModel } from "../pipelines/artifacts.js";
import type { PipelineModel } from "../pipelines/model.js";
import type { Root } from "../platform/root.js";

/** What views of one folder are made over. */
export interface ViewContext {
  readonly root: Root;
  readonly model: PipelineModel;
  readonly artifacts: ArtifactModel;
  readonly log: vscode.LogOutputChannel;
  readonly extension: vscode.Uri;
}

/** A stage, as commands are told of it by lenses, trees and panels. */
export interface StageRef {
  /** The folder's key; whoever calls a command may leave it out where there is one folder. */
  readonly folder?: string;
  readonly path: string;
  readonly stage: string;
}

export function isStageRef(value: unknown): value is StageRef {
  return isRecord(value) && typeof value["path"] === "string" && typeof value["stage"] === "string";
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Seconds since the epoch. */
export function now(): number {
  return Date.now() / 1000;
}
