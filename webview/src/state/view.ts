import type { Failure, FilePreview, OutputsView, PipelineView, RunView, StageView, ToPanel } from "../contract.js";
import { appendPoints, makeCurve, type Curve } from "./curve.js";
import { appendLog, makeLog, type Log } from "./log.js";
import { orderOf, sameOrder, type Order } from "./order.js";

/** What is known of a stage's outputs. `rref` is the realization they are of; `null` for a run without one. */
export interface Output {
  readonly rref: string | null;
  readonly previews: readonly FilePreview[];
  readonly log: Log;
  readonly curve: Curve;
  readonly failure: Failure | null;
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

const noOutput: Output = { rref: null, previews: [], log: makeLog("", 0), curve: makeCurve([], 0), failure: null };

const withOutput = (view: View, stage: string, change: (output: Output) => Output): View => ({
  ...view,
  outputs: new Map(view.outputs).set(stage, change(view.outputs.get(stage) ?? noOutput)),
});

const outputOf = ({ rref, previews, log, points, failure }: OutputsView, before: Output = noOutput): Output => ({
  rref,
  previews,
  log: makeLog(log, before.log.epoch + 1),
  curve: makeCurve(points, before.curve.epoch + 1),
  failure: failure ?? null,
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

/** What is held already of realizations that stages are cached by, and of runs long ended: a snapshot leaves it out. */
const held = (view: View, stages: readonly StageView[]): readonly (readonly [string, Output])[] =>
  stages.flatMap(({ name, state }) => {
    const before = view.outputs.get(name);
    if (before === undefined) return [];
    const ended = (state.is === "failed" || state.is === "cancelled") && before.rref === null;
    return ended || (state.is === "cached" && before.rref === state.realization.rref) ? [[name, before] as const] : [];
  });

const snapshot = (view: View, pipeline: PipelineView, outputs: readonly OutputsView[], focus: string | null): View => {
  const { stages, run, ...head } = pipeline;
  // a realization does not change: what is shown of it stays as it is scrolled and folded
  const told = outputs.map((output) => {
    const before = view.outputs.get(output.stage);
    const same = before !== undefined && before.rref !== null && before.rref === output.rref;
    return [output.stage, same ? before : outputOf(output, before)] as const;
  });
  const next: View = {
    ...withOrder(view, stages),
    head,
    run,
    outputs: new Map([...held(view, stages), ...told]),
  };
  return focus === null ? next : focused(next, focus);
};

/** What a run makes shows nothing of the realization before it: an empty log, an empty curve, no files. */
const fresh = (output: Output): Output => ({
  rref: null,
  previews: [],
  log: makeLog("", output.log.epoch + 1),
  curve: makeCurve([], output.curve.epoch + 1),
  failure: null,
});

const live = (output: Output): Output => (output.rref === null ? output : fresh(output));

const changedStages = (view: View, changed: readonly StageView[], run: RunView | null): View => {
  const stages = new Map(view.stages);
  for (const stage of changed) stages.set(stage.name, stage);
  const sameEdges = changed.every((stage) => {
    const before = view.stages.get(stage.name)?.dependencies;
    return before?.length === stage.dependencies.length && stage.dependencies.every((name, at) => name === before[at]);
  });
  return sameEdges ? { ...view, run, stages } : { ...withOrder(view, [...stages.values()]), run };
};

/** What the view is after a message of the host. */
export const step = (view: View, message: ToPanel): View => {
  switch (message.is) {
    case "snapshot":
      return snapshot(view, message.pipeline, message.outputs, message.focus);
    case "stages":
      return changedStages(view, message.stages, message.run);
    case "outputs": {
      const { outputs } = message;
      // asked for before the stage began to run again: it would put the old log before the new one
      if (outputs.rref !== null && view.stages.get(outputs.stage)?.state.is === "running") return view;
      return withOutput(view, outputs.stage, (output) => outputOf(outputs, output));
    }
    case "log":
      return withOutput(view, message.stage, (output) => {
        const now = live(output);
        return { ...now, log: appendLog(now.log, message.text) };
      });
    case "points":
      // a reset is how the host says that the stage begins anew
      return withOutput(view, message.stage, (output) => {
        const now = message.reset ? fresh(output) : live(output);
        return { ...now, curve: appendPoints(now.curve, message.points) };
      });
    case "focus":
      return focused(view, message.stage);
  }
};
