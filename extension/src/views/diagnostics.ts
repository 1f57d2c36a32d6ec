import * as vscode from "vscode";

import { Lifetime, type Disposable } from "../lifetime.js";
import type { Pipeline } from "../pipelines/model.js";
import type { Stage } from "../pipelines/pipeline.js";
import type { Problem } from "../protocol/kernel/messages.gen.js";
import type { ViewContext } from "./context.js";
import { Findings } from "./findings.js";

const SEVERITY: Readonly<Record<Problem["severity"], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
};

/** Problems of pipelines, and where the last run failed, under the text. */
export class Diagnostics implements Disposable {
  readonly #context: ViewContext;
  readonly #lifetime = new Lifetime();
  readonly #collection = this.#lifetime.add(vscode.languages.createDiagnosticCollection());
  readonly #findings = new Findings<vscode.Diagnostic>(({ range, message, severity, code }) =>
    JSON.stringify([
      range.start.line,
      range.start.character,
      range.end.line,
      range.end.character,
      message,
      severity,
      code,
    ]),
  );

  constructor(context: ViewContext) {
    this.#context = context;
    this.#lifetime.add(
      context.model.onDidChange((change) => {
        if (change.is === "pipeline") this.#show(change.path);
      }),
    );
    for (const path of context.model.pipelines()) this.#show(path);
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  #show(path: string): void {
    const { model, root } = this.#context;
    // a folder within this one, which the workspace names, too, tells of its own files
    const pipeline = root.owns(root.uri(path)) ? model.pipeline(path) : null;
    const found = new Map<string, vscode.Diagnostic[]>();
    const add = (file: string, diagnostic: vscode.Diagnostic): void => {
      found.set(file, [...(found.get(file) ?? []), diagnostic]);
    };
    for (const problem of pipeline?.problems ?? []) add(problem.span.path, diagnosticOf(problem));
    for (const stage of pipeline?.stages ?? []) {
      const failure = pipeline === null ? null : this.#failure(pipeline, stage);
      if (failure !== null) add(...failure);
    }
    for (const [file, diagnostics] of this.#findings.set(path, found))
      this.#collection.set(this.#context.root.uri(file), diagnostics);
  }

  /** Where a stage failed: at the innermost line of the project's own code, else at the stage's name. */
  #failure(pipeline: Pipeline, { view, declaration }: Stage): [string, vscode.Diagnostic] | null {
    if (view.state.is !== "failed") return null;
    const { failure } = view.state;
    const frame = failure.frames.findLast((one) => one.user);
    const path = frame === undefined ? null : this.#context.root.path(vscode.Uri.file(frame.path));
    const { project } = this.#context.model;
    const inLine = frame === undefined || path === null ? null : project.source(path)?.lines.text(frame.line);
    const own = project.source(pipeline.path);
    const place =
      declaration === null || own === null ? { line: view.line, column: 0 } : own.lines.place(declaration.at.from);
    const range =
      frame === undefined || path === null
        ? new vscode.Range(place.line, place.column, place.line, place.column + view.name.length)
        : lineRange(frame.line, inLine ?? "");
    const message = `"${view.name}" failed: ${[failure.message, failure.advice].filter(Boolean).join("\n")}`;
    const diagnostic = new vscode.Diagnostic(range, message, vscode.DiagnosticSeverity.Error);
    diagnostic.source = "stageloom";
    diagnostic.code = failure.kind;
    return [path ?? view.path, diagnostic];
  }
}

/** A line without its indentation; the whole of it where its text is not known. */
function lineRange(line: number, text: string): vscode.Range {
  const start = text.length - text.trimStart().length;
  return new vscode.Range(line, start, line, text === "" ? 1000 : text.trimEnd().length);
}

function diagnosticOf({ span, message, severity, code }: Problem): vscode.Diagnostic {
  const range = new vscode.Range(span.line, span.column, span.endLine, span.endColumn);
  const diagnostic = new vscode.Diagnostic(range, message, SEVERITY[severity]);
  diagnostic.source = "stageloom";
  diagnostic.code = code;
  return diagnostic;
}
