import type { Problem, Span } from "../protocol/kernel/messages.gen.js";
import { planOf, type PipelineState } from "./pipeline.js";
import type { Source } from "./source.js";
import type { Stretch } from "./syntax.js";

/** What the source tells as it is typed; the engine's word on these is older. */
const LIVE: ReadonlySet<Problem["code"]> = new Set(["cycle", "unknown-dependency", "duplicate-stage"] as const);

/** What is wrong with a pipeline: what its text shows at once, and what only the engine can tell. */
export function problemsOf(state: PipelineState): readonly Problem[] {
  const { declarations } = state;
  const live = (declarations?.resolved.problems ?? []).flatMap((problem): Problem[] => {
    if (declarations === null) return [];
    const span = spanOf(state.path, declarations.source, problem.at);
    return [{ code: problem.code, message: problem.message, span, severity: "error", stages: [...problem.stages] }];
  });
  const told = (planOf(state)?.problems ?? []).filter(
    (problem) => !LIVE.has(problem.code) || problem.span.path !== state.path,
  );
  return [...live, ...told];
}

export function spanOf(path: string, source: Source, at: Stretch): Span {
  const from = source.lines.place(at.from);
  const to = source.lines.place(at.to);
  return { path, line: from.line, column: from.column, endLine: to.line, endColumn: to.column };
}
