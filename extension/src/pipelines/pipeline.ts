import type {
  Failure,
  Parameter,
  Plan,
  Problem,
  Realization,
  RunChanged,
  RunStage,
  StageStatus,
} from "../protocol/kernel/messages.gen.js";
import type { RunView, StageState, StageView } from "../protocol/panels/messages.js";
import type { Resolved, StageDeclaration } from "./resolve.js";
import type { Source } from "./source.js";

/** What the source alone says of a pipeline: instant, and always of the text as it stands. */
export interface Declarations {
  readonly source: Source;
  readonly resolved: Resolved;
}

/** How far the engine's word goes. `asked` numbers the question, so that a late answer is told from the last one. */
export type PlanState =
  | { readonly is: "none" }
  | { readonly is: "known"; readonly plan: Plan; readonly asked: number }
  | { readonly is: "failed"; readonly failure: Failure; readonly last: Plan | null };

/** What the run under way, or the last one, made of a stage. `dref` is the plan's of that time, `asked` the last question then. */
interface StageRun {
  readonly stage: RunStage;
  readonly dref: string | null;
  readonly asked: number;
  readonly fraction: number | null;
  readonly message: string;
  /** A newer plan knows better how the stage stands. */
  readonly overtaken: boolean;
}

export interface RunState {
  readonly run: string;
  readonly is: RunChanged["is"];
  readonly targets: readonly string[];
  readonly stages: ReadonlyMap<string, StageRun>;
  /** What runs before this one left undone, and nothing has mended since. */
  readonly earlier: ReadonlyMap<string, StageRun>;
  readonly failure: Failure | null;
  readonly problems: readonly Problem[];
}

export interface PipelineState {
  readonly path: string;
  readonly declarations: Declarations | null;
  readonly plan: PlanState;
  readonly asked: number;
  readonly run: RunState | null;
}

export type PipelineEvent =
  | { readonly is: "read"; readonly declarations: Declarations | null }
  | { readonly is: "asked"; readonly asked: number }
  | { readonly is: "planned"; readonly asked: number; readonly plan: Plan }
  | { readonly is: "unplanned"; readonly asked: number; readonly failure: Failure }
  | { readonly is: "run"; readonly changed: RunChanged }
  | {
      readonly is: "progress";
      readonly run: string;
      readonly stage: string;
      readonly fraction: number | null;
      readonly message: string;
    }
  | { readonly is: "lost"; readonly failure: Failure; readonly final: boolean }
  | { readonly is: "found" };

export function newPipeline(path: string): PipelineState {
  return { path, declarations: null, plan: { is: "none" }, asked: 0, run: null };
}

/** What a pipeline is after an event. Nothing is read, asked or written here. */
export function step(state: PipelineState, event: PipelineEvent): PipelineState {
  switch (event.is) {
    case "read":
      return { ...state, declarations: event.declarations };
    case "asked":
      return { ...state, asked: Math.max(state.asked, event.asked) };
    case "planned":
      if (event.asked < state.asked) return state;
      return stepPlan(state, event);
    case "unplanned":
      if (event.asked < state.asked) return state;
      return { ...state, plan: { is: "failed", failure: event.failure, last: planOf(state) } };
    case "run":
      return { ...state, run: stepRun(state, event.changed) };
    case "progress":
      return { ...state, run: stepProgress(state.run, event) };
    case "found":
      return { ...state, run: forgetInterpreter(state.run) };
    case "lost": {
      // an engine that cannot start says nothing: settings may have led it to another store or interpreter
      const plan: PlanState = event.final ? { is: "failed", failure: event.failure, last: null } : state.plan;
      const run = loseRun(state.run, event.failure);
      return plan === state.plan && run === state.run ? state : { ...state, plan, run };
    }
  }
}

/** The engine's last word, however old. */
export function planOf(state: PipelineState): Plan | null {
  return state.plan.is === "known" ? state.plan.plan : state.plan.is === "failed" ? state.plan.last : null;
}

export function isLive(run: { readonly is: RunChanged["is"] } | null): boolean {
  return run !== null && (run.is === "planning" || run.is === "running" || run.is === "cancelling");
}

/** A text that Python cannot read has no stages: those of the last one that it could stay. */
function stepPlan(state: PipelineState, event: PipelineEvent & { is: "planned" }): PipelineState {
  const last = planOf(state);
  const unreadable = event.plan.problems.some(({ code, span }) => code === "syntax" && span.path === state.path);
  if (unreadable && last !== null && event.plan.stages.length === 0)
    return { ...state, plan: { is: "known", plan: { ...event.plan, stages: last.stages }, asked: event.asked } };
  return { ...state, plan: { is: "known", plan: event.plan, asked: event.asked }, run: forget(state.run, event) };
}

function stepRun(state: PipelineState, changed: RunChanged): RunState {
  const before = state.run?.run === changed.run ? state.run : null;
  const earlier = before?.earlier ?? undone(state.run);
  const stages = new Map(before?.stages ?? []);
  for (const stage of changed.stages) {
    const known = stages.get(stage.name);
    const dref = known?.dref ?? planOf(state)?.stages.find((one) => one.name === stage.name)?.dref ?? null;
    const running = stage.is === "running" && known?.stage.is === "running";
    stages.set(stage.name, {
      stage,
      dref,
      asked: state.asked,
      fraction: running ? known.fraction : null,
      message: running ? known.message : "",
      overtaken: false,
    });
  }
  return {
    run: changed.run,
    is: changed.is,
    targets: changed.targets,
    stages,
    earlier,
    failure: changed.failure ?? before?.failure ?? null,
    problems: changed.problems,
  };
}

function undone(run: RunState | null): ReadonlyMap<string, StageRun> {
  const stages = [...(run?.earlier ?? []), ...(run?.stages ?? [])];
  return new Map(
    stages.filter(([, { stage, overtaken }]) => !overtaken && (stage.is === "failed" || stage.is === "cancelled")),
  );
}

function stepProgress(run: RunState | null, event: PipelineEvent & { is: "progress" }): RunState | null {
  const known = run?.run === event.run ? run.stages.get(event.stage) : undefined;
  if (run === null || known?.stage.is !== "running") return run;
  const stages = new Map(run.stages).set(event.stage, {
    ...known,
    fraction: event.fraction ?? known.fraction,
    message: event.message === "" ? known.message : event.message,
  });
  return { ...run, stages };
}

/** What a newer plan makes stale in the memory of an ended run: results it knows of, failures of code that has changed. */
function forget(run: RunState | null, event: PipelineEvent & { is: "planned" }): RunState | null {
  if (run === null) return null;
  const planned = new Map(event.plan.stages.map((stage) => [stage.name, stage]));
  const live = isLive(run);
  const overtaken = (name: string, { stage, dref, asked }: StageRun): boolean => {
    const now = planned.get(name);
    if (stage.is === "done") return event.asked > asked;
    if (stage.is === "kept")
      return event.asked > asked && (now?.is !== "cached" || now.realization?.rref !== stage.realization?.rref);
    if (live && run.stages.has(name)) return false;
    return now === undefined || now.is === "cached" || now.dref !== dref;
  };
  const marked = (stages: ReadonlyMap<string, StageRun>): ReadonlyMap<string, StageRun> =>
    new Map(
      [...stages].map(([name, one]) => [
        name,
        one.overtaken || !overtaken(name, one) ? one : { ...one, overtaken: true },
      ]),
    );
  return { ...run, stages: marked(run.stages), earlier: marked(run.earlier) };
}

/** An engine runs, so there is an interpreter: that there was none says nothing of a stage any more. */
function forgetInterpreter(run: RunState | null): RunState | null {
  if (run === null || isLive(run)) return run;
  const found = (stages: ReadonlyMap<string, StageRun>): ReadonlyMap<string, StageRun> =>
    new Map(
      [...stages].map(([name, one]) => {
        const kind = one.stage.failure?.kind;
        return [name, kind === "no-interpreter" || kind === "old-interpreter" ? { ...one, overtaken: true } : one];
      }),
    );
  return { ...run, stages: found(run.stages), earlier: found(run.earlier) };
}

/** The kernel went away: what ran has failed with it. */
function loseRun(run: RunState | null, failure: Failure): RunState | null {
  if (run === null || !isLive(run)) return run;
  const stages = [...run.stages].map(([name, one]): [string, StageRun] => {
    if (one.stage.is === "running") return [name, { ...one, stage: { ...one.stage, is: "failed", failure } }];
    if (one.stage.is === "waiting") return [name, { ...one, stage: { ...one.stage, is: "skipped" } }];
    return [name, one];
  });
  return { ...run, is: "failed", failure, stages: new Map(stages) };
}

// --- what views see ---------------------------------------------------------------------------------------------------

/** A stage with all that is known of it. `declaration` is null for one that only the engine knows of. */
export interface Stage {
  readonly view: StageView;
  readonly declaration: StageDeclaration | null;
  readonly status: StageStatus | null;
}

/** The stages of a pipeline: the source's, in its order, with the engine's word; then those that only the engine knows. */
export function stagesOf(state: PipelineState): readonly Stage[] {
  const planned = planOf(state)?.stages ?? [];
  const declared = firstOfEachName(state.declarations?.resolved.stages ?? []);
  const spoken = planned.some((status) => status.language !== "function" && !status.guessed);
  const standing = byStanding(planned, state.path);
  const taken = new Set<StageStatus>();
  const found: Stage[] = [];
  for (const declaration of declared) {
    const own = (standing.get(standingOf(declaration)) ?? []).filter((status) => !taken.has(status));
    for (const status of own) taken.add(status);
    for (const status of own) found.push(compose(state, declaration, status));
    if (own.length === 0 && !(declaration.guessed && spoken)) found.push(compose(state, declaration, null));
  }
  for (const status of planned) {
    const gone = status.span.path === state.path && status.language === "function" && state.declarations !== null;
    if (!taken.has(status) && !gone) found.push(compose(state, null, status));
  }
  return withInstances(found);
}

function firstOfEachName(stages: readonly StageDeclaration[]): readonly StageDeclaration[] {
  const seen = new Set<string>();
  return stages.filter((stage) => {
    if (seen.has(stage.name)) return false;
    seen.add(stage.name);
    return true;
  });
}

/** What the engine tells of this file, by the declaration that it stands at: 10,000 stages are not compared in pairs. */
function byStanding(planned: readonly StageStatus[], path: string): ReadonlyMap<string, readonly StageStatus[]> {
  const found = new Map<string, StageStatus[]>();
  for (const status of planned) {
    if (status.span.path !== path) continue;
    // `each` makes several of one declaration: `long[length=2]`
    const name = status.language === "function" ? (status.name.split("[")[0] ?? "") : status.name;
    const keys = [`name ${name}`, ...(status.language === "derivation" ? [`derivation ${status.function}`] : [])];
    for (const key of keys) {
      const own = found.get(key);
      if (own === undefined) found.set(key, [status]);
      else own.push(status);
    }
  }
  return found;
}

function standingOf(declaration: StageDeclaration): string {
  return declaration.language === "derivation" ? `derivation ${declaration.function}` : `name ${declaration.name}`;
}

/** Who needs a stage that `each` makes several of needs them all. */
function withInstances(stages: readonly Stage[]): readonly Stage[] {
  const several = new Map<string, string[]>();
  for (const { view, declaration } of stages)
    if (declaration !== null && declaration.name !== view.name && declaration.language === "function")
      several.set(declaration.name, [...(several.get(declaration.name) ?? []), view.name]);
  if (several.size === 0) return stages;
  return stages.map((stage) => {
    const dependencies = stage.view.dependencies.flatMap((name) => several.get(name) ?? [name]);
    return { ...stage, view: { ...stage.view, dependencies } };
  });
}

function compose(state: PipelineState, declaration: StageDeclaration | null, status: StageStatus | null): Stage {
  const name = status?.name ?? declaration?.name ?? "";
  const current = state.plan.is === "known" && state.plan.asked === state.asked;
  const source = state.declarations?.source ?? null;
  const engineKnows =
    status !== null && (declaration === null || declaration.guessed || (declaration.crosses && current));
  const view: StageView = {
    name,
    function: declaration?.function ?? status?.function ?? name,
    language: status?.language ?? declaration?.language ?? "function",
    path: status?.span.path ?? state.path,
    line:
      declaration !== null && source !== null
        ? source.lines.place(declaration.whole.from).line
        : (status?.span.line ?? 0),
    source:
      declaration !== null && source !== null
        ? source.text.slice(declaration.whole.from, declaration.whole.to).trimEnd()
        : "",
    doc: declaration?.doc ?? status?.doc ?? "",
    guessed: status?.guessed ?? (declaration !== null && (declaration.guessed || declaration.crosses)),
    dependencies: engineKnows
      ? status.dependencies
      : [...new Set((declaration?.dependencies ?? []).map((one) => one.stage))],
    parameters:
      status !== null && (current || declaration === null) ? status.parameters : writtenParameters(declaration),
    state: stateOf(state, name, status),
    ...(current && typeof status?.expects === "number" ? { expects: status.expects } : {}),
  };
  return { view, declaration, status };
}

function writtenParameters(declaration: StageDeclaration | null): readonly Parameter[] {
  return (declaration?.parameters ?? []).map(({ name, text, is }) => ({ name, value: null, text, source: is }));
}

/** The plan's word on a stage, overlaid by the run's. */
function stateOf(state: PipelineState, name: string, status: StageStatus | null): StageState {
  const ran = state.run?.stages.get(name) ?? state.run?.earlier.get(name);
  const overlay = ran === undefined || ran.overtaken ? null : overlaid(ran, status, isLive(state.run));
  if (overlay !== null) return overlay;
  switch (status?.is) {
    case undefined:
      return { is: "unknown" };
    case "unknown":
      return { is: "unknown", told: true };
    case "broken":
      return { is: "broken" };
    case "absent":
      return lastRun(status) ?? { is: "absent" };
    case "stale":
      return lastRun(status) ?? { is: "stale", reasons: status.reasons };
    case "cached": {
      const realization = status.realization;
      if (realization === null) return { is: "unknown" };
      return {
        is: "cached",
        realization,
        kept: ran?.stage.is === "kept" && !ran.overtaken && ran.stage.realization?.rref === realization.rref,
        ...(status.note === "" ? {} : { note: status.note }),
      };
    }
  }
}

/** How a run of this or another session ended that made nothing of the stage as it is. */
function lastRun({ lastRun: last }: StageStatus): StageState | null {
  if (last === null) return null;
  return last.is === "failed" ? { is: "failed", failure: last.failure, at: last.at } : { is: "cancelled", at: last.at };
}

function overlaid(ran: StageRun, status: StageStatus | null, live: boolean): StageState | null {
  const { stage } = ran;
  switch (stage.is) {
    case "waiting":
      return live ? waiting(stage) : null;
    case "running":
      return live ? running(ran) : null;
    case "done":
    case "kept":
      return ended(stage.realization, stage.is === "kept", status);
    case "failed":
      return stage.failure === null ? null : { is: "failed", failure: stage.failure, ...endOf(stage) };
    case "cancelled":
      return { is: "cancelled", ...endOf(stage) };
    case "skipped":
      return { is: "skipped" };
  }
}

function endOf({ started, took }: RunStage): { readonly at?: number } {
  return started === null || took === null ? {} : { at: started + took };
}

function waiting({ awaits }: RunStage): StageState {
  return awaits === "stages" ? { is: "waiting" } : { is: "waiting", awaits };
}

function running(ran: StageRun): StageState {
  return {
    is: "running",
    since: ran.stage.started ?? 0,
    ...(ran.fraction === null ? {} : { fraction: ran.fraction }),
    ...(ran.message === "" ? {} : { message: ran.message }),
  };
}

/** What a run has just made counts until the next plan, unless the buffer is already another derivation's. */
function ended(realization: Realization | null, kept: boolean, status: StageStatus | null): StageState | null {
  if (realization === null) return null;
  const other = status !== null && status.dref !== null && status.dref !== realization.dref;
  return other || status?.is === "cached" ? null : { is: "cached", realization, kept };
}

/** The run as a view shows it: how many of its stages have come to an end. */
export function runView(state: PipelineState): RunView | null {
  const { run } = state;
  if (run === null) return null;
  const stages = [...run.stages.values()].map(({ stage }) => stage);
  const runs = !isLive(run) || stages.some(({ is }) => is === "running");
  const awaits = runs ? "stages" : stages.find((stage) => stage.is === "waiting" && stage.awaits !== "stages")?.awaits;
  return {
    run: run.run,
    is: run.is,
    targets: run.targets,
    finished: stages.filter(({ is }) => is !== "waiting" && is !== "running").length,
    total: stages.length,
    ...(awaits === undefined || awaits === "stages" ? {} : { awaits }),
  };
}
