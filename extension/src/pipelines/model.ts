import { failure, type Answer } from "../kernels/answer.js";
import type { EngineEvent } from "../kernels/methods.js";
import type { EngineState } from "../kernels/state.js";
import { Emitter, Lifetime, type Disposable, type Event } from "../lifetime.js";
import type { Logger } from "../logger.js";
import type {
  Failure,
  Invalidated,
  Point,
  Problem,
  Profiles,
  RunChanged,
  Undone,
  Why,
} from "../protocol/kernel/messages.gen.js";
import type { RunView } from "../protocol/panels/messages.js";
import { concerns } from "./concerns.js";
import type { WorkspaceFiles } from "./files.js";
import type { Kernel } from "./kernel.js";
import { Planning } from "./planning.js";
import type { Project } from "./project.js";
import {
  isLive,
  newPipeline,
  runView,
  stagesOf,
  step,
  type PipelineEvent,
  type PipelineState,
  type Stage,
} from "./pipeline.js";
import { problemsOf } from "./problems.js";
import { Recorder } from "./recorder.js";
import { RunWaits, type RunOutcome } from "./runs.js";
import { ProjectSources } from "./sources.js";

/** Whether the user trusts the workspace: nothing of it runs before. */
export interface Trust {
  readonly trusted: boolean;
  readonly onDidGrant: Event<void>;
}

/** What changed; a view that shows it asks the model again. */
export type ModelChange =
  | { readonly is: "pipelines" }
  | { readonly is: "pipeline"; readonly path: string }
  | { readonly is: "log"; readonly path: string; readonly stage: string; readonly text: string }
  | {
      readonly is: "points";
      readonly path: string;
      readonly stage: string;
      readonly points: readonly Point[];
      readonly reset: boolean;
    }
  | { readonly is: "store" }
  | { readonly is: "kernel" };

/** A pipeline as views show it. `failure` says why the engine has no word on it, where it has none. */
export interface Pipeline {
  readonly path: string;
  readonly stages: readonly Stage[];
  readonly problems: readonly Problem[];
  readonly run: RunView | null;
  readonly failure: Failure | null;
}

export interface ModelParts {
  readonly files: WorkspaceFiles;
  readonly kernel: Kernel;
  readonly trust: Trust;
  readonly logger: Logger;
}

/** The one truth about a workspace's pipelines: sources as typed, the engine's plan, the run under way. Views subscribe. */
export class PipelineModel implements Disposable {
  readonly #parts: ModelParts;
  readonly #lifetime = new Lifetime();
  readonly #states = new Map<string, PipelineState>();
  readonly #needed = new Set<string>();
  readonly #sources: ProjectSources;
  readonly #planning: Planning;
  readonly #recorder = new Recorder();
  readonly #waits = new RunWaits();
  readonly #changes: Emitter<ModelChange>;
  readonly #touched = new Set<string>();
  /** Several views ask between two changes: a state is composed once. */
  readonly #views = new WeakMap<PipelineState, View>();
  readonly #realizing = new Set<string>();
  #timer: NodeJS.Timeout | null = null;
  #asked = 0;
  #known = "";
  #profile = "";

  readonly onDidChange: Event<ModelChange>;

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.#changes = this.#lifetime.add(new Emitter<ModelChange>());
    this.onDidChange = this.#changes.event;
    this.#sources = this.#lifetime.add(
      new ProjectSources(parts.files, () => {
        this.#reread();
      }),
    );
    this.#planning = this.#lifetime.add(new Planning((path, signal) => this.#plan(path, signal)));
    this.#lifetime.add(parts.files.onDidChange(({ path, text }) => void this.#changed(path, text)));
    this.#lifetime.add(
      parts.kernel.onDidTell((event) => {
        this.#heard(event);
      }),
    );
    this.#lifetime.add(
      parts.kernel.onDidChangeState((state) => {
        this.#kernel(state);
      }),
    );
    this.#lifetime.add(
      parts.trust.onDidGrant(() => {
        // views that need no plan say that nothing runs, too
        this.#changes.fire({ is: "kernel" });
        this.#replan(() => true, "now");
      }),
    );
    this.#lifetime.defer(() => {
      if (this.#timer !== null) clearTimeout(this.#timer);
    });
  }

  dispose(): Promise<void> {
    this.#waits.abandon();
    return this.#lifetime.dispose();
  }

  /** Reads the workspace's files of stages. */
  async discover(): Promise<void> {
    const files = await this.#sources.discover();
    this.#parts.logger.info(`${this.project.pipelines().length} pipelines in ${files} Python files`);
  }

  // --- what there is -----------------------------------------------------------------------------------------------

  get trusted(): boolean {
    return this.#parts.trust.trusted;
  }

  /** The parameter profile of `stageloom.json` that stages are shown and realized with; empty for none. */
  get profile(): string {
    return this.#profile;
  }

  /** Shows and realizes with another profile, or with none. */
  useProfile(profile: string): void {
    if (profile === this.#profile) return;
    this.#profile = profile;
    this.#changes.fire({ is: "kernel" });
    this.#replan(() => true, "now");
  }

  async profiles(): Promise<Answer<Profiles>> {
    return this.#parts.kernel.request("pipeline/profiles", {});
  }

  get kernel(): EngineState {
    return this.#parts.kernel.state;
  }

  get project(): Project {
    return this.#sources.project;
  }

  pipelines(): readonly string[] {
    return this.project.pipelines();
  }

  /** A pipeline as it stands; null where the file holds no stage. */
  pipeline(path: string): Pipeline | null {
    const state = this.#states.get(path);
    return state === undefined ? null : this.#view(state).pipeline;
  }

  stage(path: string, name: string): Stage | null {
    const state = this.#states.get(path);
    return state === undefined ? null : (this.#view(state).stages.get(name) ?? null);
  }

  #view(state: PipelineState): View {
    const known = this.#views.get(state);
    if (known !== undefined) return known;
    const pipeline = pipelineOf(state);
    const view = {
      pipeline,
      stages: new Map(pipeline.stages.map((stage) => [stage.view.name, stage])),
    };
    this.#views.set(state, view);
    return view;
  }

  /** The pipelines with a run under way. */
  running(): readonly Pipeline[] {
    return [...this.#states.keys()].flatMap((path) => {
      const pipeline = this.pipeline(path);
      return pipeline !== null && isLive(pipeline.run) ? [pipeline] : [];
    });
  }

  recorded(path: string, stage: string): { readonly log: string; readonly points: readonly Point[] } | null {
    return this.#recorder.of(path, stage);
  }

  /** Says that a view shows this pipeline, so that the engine is asked how it stands, now and after every change. */
  need(path: string): void {
    if (this.#needed.has(path)) return;
    this.#needed.add(path);
    if (this.trusted && this.#states.has(path)) this.#planning.now(path);
  }

  /** Reads the workspace and asks the engine again. */
  async refresh(): Promise<void> {
    await this.discover();
    this.#changes.fire({ is: "store" });
    this.#replan(() => true, "now");
  }

  /** Takes the text of an open file of the project at once, without waiting for a change. */
  see(path: string, text: string): void {
    this.#sources.see(path, text);
  }

  // --- what can be done --------------------------------------------------------------------------------------------

  /** Saves, then realizes stages (all, when none is named), and says how it ended. Aborting cancels the run. */
  async realize(path: string, targets: readonly string[], signal: AbortSignal): Promise<RunOutcome> {
    if (!this.trusted) return { is: "untrusted" };
    const state = this.#states.get(path);
    if (isLive(state?.run ?? null) || this.#realizing.has(path)) return { is: "busy" };
    this.#realizing.add(path);
    try {
      return await this.#realize(path, targets, signal);
    } finally {
      this.#realizing.delete(path);
    }
  }

  async #realize(path: string, targets: readonly string[], signal: AbortSignal): Promise<RunOutcome> {
    if (!(await this.#parts.files.save())) return { is: "unsaved" };
    const profile = this.#profile;
    const answer = await this.#parts.kernel.request("run/start", { path, targets: [...targets], profile }, signal);
    if (answer.is === "failed")
      return answer.failure.kind === "cancelled" ? { is: "cancelled" } : { is: "refused", failure: answer.failure };
    const { run } = answer.result;
    const cancel = (): void => void this.cancel(run);
    if (signal.aborted) cancel();
    signal.addEventListener("abort", cancel);
    const outcome = await this.#waits.until(run, this.#states.get(path)?.run ?? null);
    signal.removeEventListener("abort", cancel);
    return outcome;
  }

  async cancel(run: string): Promise<Failure | null> {
    const answer = await this.#parts.kernel.request("run/cancel", { run });
    return answer.is === "failed" ? answer.failure : null;
  }

  /** Hides stages' realizations; those of unsaved code are what the editor shows, so what is open is saved first. */
  async invalidate(path: string, stages: readonly string[], dependents: boolean): Promise<Answer<Invalidated>> {
    await this.#parts.files.save();
    const profile = this.#profile;
    return this.#refresh(await this.#parts.kernel.request("stage/invalidate", { path, stages, dependents, profile }));
  }

  async invalidateRealization(rref: string): Promise<Answer<Invalidated>> {
    return this.#refresh(await this.#parts.kernel.request("stage/invalidate", { rrefs: [rref] }));
  }

  /** Undoes the invalidation of that journal sequence, or the last one. */
  async undo(sequence = 0): Promise<Answer<Undone>> {
    return this.#refresh(await this.#parts.kernel.request("stage/undo", { sequence }));
  }

  /** Why a stage is not cached, with the texts to compare. */
  why(path: string, stage: string): Promise<Answer<Why>> {
    const overlays = Object.fromEntries(this.#parts.files.dirty());
    return this.#parts.kernel.request("pipeline/why", { path, stage, overlays, profile: this.#profile });
  }

  #refresh<T>(answer: Answer<T>): Answer<T> {
    if (answer.is === "done") {
      this.#changes.fire({ is: "store" });
      this.#replan(() => true, "now");
    }
    return answer;
  }

  // --- what happens ------------------------------------------------------------------------------------------------

  async #changed(path: string, text: string | null): Promise<void> {
    const became = await this.#sources.follow(path, text);
    if (became === null) return;
    this.#replan(
      (state) => path === state.path || concerns(state.plan.is === "known" ? state.plan.plan : null, became),
      text === null ? "after" : "later",
    );
  }

  #reread(): void {
    const paths = new Set(this.project.pipelines());
    for (const [path, state] of this.#states) {
      // a run goes on without its file: whoever waits for its end hears of it
      if (paths.has(path) || isLive(state.run)) continue;
      this.#states.delete(path);
      this.#changes.fire({ is: "pipeline", path });
    }
    for (const path of paths) {
      const source = this.project.source(path);
      if (source === null) continue;
      const known = this.#states.get(path);
      const state = known ?? newPipeline(path);
      const resolved = this.project.resolved(path);
      if (state.declarations?.source === source && state.declarations.resolved === resolved) continue;
      this.#states.set(path, state);
      this.#step(path, { is: "read", declarations: { source, resolved } }, "now");
      // a view, such as a panel of before a reload, may have come first
      if (known === undefined && this.#needed.has(path) && this.trusted) this.#planning.now(path);
    }
    const known = [...paths].join("\n");
    if (known === this.#known) return;
    this.#known = known;
    this.#changes.fire({ is: "pipelines" });
  }

  #replan(which: (state: PipelineState) => boolean, when: "now" | "later" | "after"): void {
    if (!this.trusted) return;
    for (const path of this.#needed) {
      const state = this.#states.get(path);
      if (state !== undefined && which(state)) this.#planning[when](path);
    }
  }

  async #plan(path: string, signal: AbortSignal): Promise<void> {
    this.#asked += 1;
    const asked = this.#asked;
    this.#step(path, { is: "asked", asked });
    const overlays = Object.fromEntries(this.#parts.files.dirty());
    const profile = this.#profile;
    const answer = await this.#parts.kernel.request("pipeline/plan", { path, overlays, profile }, signal);
    if (signal.aborted) return;
    if (answer.is === "done") this.#step(path, { is: "planned", asked, plan: answer.result });
    else if (answer.failure.kind !== "cancelled") this.#step(path, { is: "unplanned", asked, failure: answer.failure });
  }

  #step(path: string, event: PipelineEvent, when: "now" | "soon" = "soon"): void {
    const state = this.#states.get(path);
    if (state === undefined) return;
    const next = step(state, event);
    if (next === state) return;
    this.#states.set(path, next);
    if (when === "now") this.#changes.fire({ is: "pipeline", path });
    else this.#touch(path);
  }

  /** Tells views of a change within a frame: a stage that reports a thousand points a second repaints them 60 times. */
  #touch(path: string): void {
    this.#touched.add(path);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      const paths = [...this.#touched];
      this.#touched.clear();
      for (const one of paths) this.#changes.fire({ is: "pipeline", path: one });
    }, 16);
  }

  #heard(event: EngineEvent): void {
    switch (event.is) {
      case "run/changed":
        this.#run(event.params);
        return;
      case "run/log": {
        this.#recorder.log(event.params);
        const { path, stage, text } = event.params;
        this.#changes.fire({ is: "log", path, stage, text });
        return;
      }
      case "run/progress": {
        const { run, path, stage, points, fraction, message } = event.params;
        this.#recorder.points(event.params);
        if (points.length > 0) this.#changes.fire({ is: "points", path, stage, points, reset: false });
        this.#step(path, { is: "progress", run, stage, fraction, message });
        return;
      }
      case "store/changed":
        this.#changes.fire({ is: "store" });
        this.#replan(() => true, "after");
        return;
      case "store/progress":
      case "log/message":
        return;
    }
  }

  #run(changed: RunChanged): void {
    const { path, run } = changed;
    for (const stage of changed.stages) {
      if (stage.is === "done" || stage.is === "failed" || stage.is === "cancelled")
        this.#recorder.ended(path, stage.name, stage.is === "done");
      if (stage.is !== "running" && stage.is !== "waiting") continue;
      const before = this.#states.get(path)?.run;
      const ran = before?.run === run && before.stages.get(stage.name)?.stage.is === "running";
      const again = ran && stage.is === "waiting" && this.#recorder.again(path, stage.name);
      if (this.#recorder.begin(run, path, stage.name) || again)
        this.#changes.fire({ is: "points", path, stage: stage.name, points: [], reset: true });
    }
    this.#step(path, { is: "run", changed });
    const state = this.#states.get(path);
    if (state?.run === null || state === undefined || isLive(state.run)) return;
    this.#waits.ended(state.run);
    this.#reread();
    if (this.#needed.has(path)) this.#planning.now(path);
  }

  #kernel(state: EngineState): void {
    if (state.is !== "ready") {
      this.#recorder.lost();
      for (const path of this.#states.keys()) this.#lose(path, state);
      this.#waits.lose(state.is === "failed" ? state.failure : LOST);
    }
    if (state.is === "ready") for (const path of this.#states.keys()) this.#step(path, { is: "found" });
    this.#changes.fire({ is: "kernel" });
    if (state.is === "ready") this.#replan((one) => !this.#planning.asking(one.path), "now");
  }

  /** A run ends with the engine that it was in. */
  #lose(path: string, state: EngineState): void {
    const failure = state.is === "failed" ? state.failure : LOST;
    this.#step(path, { is: "lost", failure, final: state.is === "failed" });
    const run = this.#states.get(path)?.run ?? null;
    if (run !== null && !isLive(run)) this.#waits.ended(run);
  }
}

const LOST = failure("crashed", "The engine stopped during the run.", {
  advice: "What was finished is kept. Realize again.",
});

interface View {
  readonly pipeline: Pipeline;
  readonly stages: ReadonlyMap<string, Stage>;
}

function pipelineOf(state: PipelineState): Pipeline {
  return {
    path: state.path,
    stages: stagesOf(state),
    problems: problemsOf(state),
    run: runView(state),
    failure: state.plan.is === "failed" ? state.plan.failure : null,
  };
}
