import type { FilePreview, OutputsView, PipelineView, RunView, StageView, ToPanel } from "../contract.js";
import { appendPoints, makeCurve, type Curve } from "./curve.js";
import { appendLog, makeLog, type Log } from "./log.js";
import { orderOf, sameOrder, type Order } from "./order.js";

/** What is known of a stage's outputs. `rref` is the realization they are of; `null` for a run without one. */
export interface Output {
  readonly rref: string | null;
  readonly previews: readonly FilePreview[];
  readonly log: Log;
  readonly curve: Curve;
}

/** A pipeline without its stages and its run, which change more often. */
export type Head = Pick<PipelineView, "path" | "title" | "trusted" | "problems">;

/** All that the host has told. `head` is null until the first snapshot; `focus` counts so that each request is new. */
export interface View {
  readonly head: Head | null;
  readonly run: RunView | null;
  readonly order: Order;
  readonly stages: ReadonlyMap<string, StageView>;
  readonly outputs: ReadonlyMap<string, Output>;
  readonly focus: { readonly stage: string; readonly turn: number } | null;
}

export const emptyView: View = {
  head: null,
  run: null,
  order: { names: [], edges: [] },
  stages: new Map(),
  outputs: new Map(),
  focus: null,
};

const noOutput: Output = { rref: null, previews: [], log: makeLog("", 0), curve: makeCurve([], 0) };

const withOutput = (view: View, stage: string, change: (output: Output) => Output): View => ({
  ...view,
  outputs: new Map(view.outputs).set(stage, change(view.outputs.get(stage) ?? noOutput)),
});

const outputOf = ({ rref, previews, log, points }: OutputsView, before: Output = noOutput): Output => ({
  rref,
  previews,
  log: makeLog(log, before.log.epoch + 1),
  curve: makeCurve(points, before.curve.epoch + 1),
});

const withOrder = (view: View, stages: readonly StageView[]): View => {
  const order = orderOf(stages);
  return {
    ...view,
    order: sameOrder(order, view.order) ? view.order : order,
    stages: new Map(stages.map((stage) => [stage.name, stage])),
  };
};

const focused = (view: View, stage: string): View => ({ ...view, focus: { stage, turn: (view.focus?.turn ?? 0) + 1 } });

const snapshot = (view: View, pipeline: PipelineView, outputs: readonly OutputsView[], focus: string | null): View => {
  const { stages, run, ...head } = pipeline;
  const next: View = {
    ...withOrder(view, stages),
    head,
    run,
    outputs: new Map(outputs.map((output) => [output.stage, outputOf(output, view.outputs.get(output.stage))])),
  };
  return focus === null ? next : focused(next, focus);
};

/** A stage that begins to run anew starts with an empty log and curve; what it made last is shown no more. */
const restarted = (view: View, changed: readonly StageView[]): View => {
  const begun = changed.filter(({ name, state }) => {
    const before = view.stages.get(name)?.state;
    return state.is === "running" && (before?.is !== "running" || before.since !== state.since);
  });
  return begun.reduce(
    (next, { name }) =>
      next.outputs.get(name)?.rref == null
        ? next
        : withOutput(next, name, (output) =>
            outputOf({ stage: name, rref: null, previews: [], log: "", points: [] }, output),
          ),
    view,
  );
};

const changedStages = (view: View, changed: readonly StageView[], run: RunView | null): View => {
  const fresh = restarted(view, changed);
  const stages = new Map(fresh.stages);
  for (const stage of changed) stages.set(stage.name, stage);
  const sameEdges = changed.every((stage) => {
    const before = view.stages.get(stage.name)?.dependencies;
    return before?.length === stage.dependencies.length && stage.dependencies.every((name, at) => name === before[at]);
  });
  if (sameEdges) return { ...fresh, run, stages };
  return { ...withOrder(fresh, [...stages.values()]), run };
};

/** What the view is after a message of the host. */
export const step = (view: View, message: ToPanel): View => {
  switch (message.is) {
    case "snapshot":
      return snapshot(view, message.pipeline, message.outputs, message.focus);
    case "stages":
      return changedStages(view, message.stages, message.run);
    case "outputs":
      return withOutput(view, message.outputs.stage, (output) => outputOf(message.outputs, output));
    case "log":
      return withOutput(view, message.stage, (output) => ({
        ...(output.rref === null
          ? output
          : outputOf({ stage: message.stage, rref: null, previews: [], log: "", points: [] }, output)),
        log: output.rref === null ? appendLog(output.log, message.text) : makeLog(message.text, output.log.epoch + 1),
      }));
    case "points":
      return withOutput(view, message.stage, (output) => ({
        ...output,
        curve: message.reset
          ? makeCurve(message.points, output.curve.epoch + 1)
          : appendPoints(output.curve, message.points),
      }));
    case "focus":
      return focused(view, message.stage);
  }
};
