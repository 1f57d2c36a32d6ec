import { done, type Answer } from "../kernels/answer.js";
import { Lifetime, type Disposable } from "../lifetime.js";
import type {
  Artifacts,
  Described,
  FilePreview,
  Located,
  Outputs,
  Realization,
} from "../protocol/kernel/messages.gen.js";
import type { OutputsView } from "../protocol/panels/messages.js";
import type { Kernel } from "./kernel.js";
import { KeptOutputs } from "./kept-outputs.js";
import type { PipelineModel } from "./model.js";

/** What the store holds, as views show it. Realizations never change, so what was read of one is kept for a while. */
export class ArtifactModel implements Disposable {
  readonly #kernel: Kernel;
  readonly #model: PipelineModel;
  readonly #lifetime = new Lifetime();
  readonly #outputs = new KeptOutputs();
  #listed: Promise<Answer<Artifacts>> | null = null;

  constructor(kernel: Kernel, model: PipelineModel) {
    this.#kernel = kernel;
    this.#model = model;
    this.#lifetime.add(
      model.onDidChange((change) => {
        if (change.is === "store" || change.is === "kernel") this.#listed = null;
      }),
    );
  }

  dispose(): Promise<void> {
    return this.#lifetime.dispose();
  }

  /** All that is cached in the workspace; null where nothing may be asked. */
  async list(): Promise<Answer<Artifacts> | null> {
    if (!this.#model.trusted) return null;
    this.#listed ??= this.#kernel.request("store/artifacts", { path: "", hidden: false });
    const listed = this.#listed;
    const answer = await listed;
    if (answer.is === "failed" && this.#listed === listed) this.#listed = null;
    return answer;
  }

  preview(rref: string, file: string): Promise<Answer<FilePreview>> {
    return this.#kernel.request("store/preview", { rref, file });
  }

  locate(rref: string, file: string): Promise<Answer<Located>> {
    return this.#kernel.request("store/locate", { rref, file });
  }

  export(rref: string, file: string, target: string): Promise<Answer<Located>> {
    return this.#kernel.request("store/export", { rref, file, target });
  }

  pin(rref: string, pinned: boolean): Promise<Answer<unknown>> {
    return this.#kernel.request("store/pin", { rref, pinned });
  }

  /** What a realization was made from, stage by stage, as text. */
  describe(rref: string): Promise<Answer<Described>> {
    return this.#kernel.request("store/describe", { rref, file: "" });
  }

  /** The other realizations of the stage that made one, the newest first. */
  async others(rref: string): Promise<readonly Realization[]> {
    const answer = await this.list();
    if (answer?.is !== "done") return [];
    const stages = answer.result.stages.map((stage) => stage.realizations.map(({ realization }) => realization));
    const own = stages.find((realizations) => realizations.some((made) => made.rref === rref));
    return (own ?? []).filter((made) => made.rref !== rref);
  }

  /** What a cell shows below its source: the run's log and curve while it counts, else all that the realization made. */
  async outputs(path: string, name: string): Promise<OutputsView> {
    const stage = this.#model.stage(path, name);
    const recorded = this.#model.recorded(path, name);
    const state = stage?.view.state;
    const ran = state?.is === "running" || state?.is === "failed" || state?.is === "cancelled";
    const live = { stage: name, rref: null, previews: [], log: recorded?.log ?? "", points: recorded?.points ?? [] };
    const last = stage?.status?.lastRun ?? null;
    if (ran && (recorded !== null || last === null || state.is === "running")) return live;
    if (ran && last !== null) {
      const record = await this.#kernel.request("store/record", { run: last.run, stage: last.stage });
      return record.is === "done" ? { ...live, ...record.result } : live;
    }
    const rref = state?.is === "cached" ? state.realization.rref : (stage?.status?.realization?.rref ?? null);
    if (rref === null) return live;
    const outputs = await this.#read(rref);
    if (outputs.is === "failed") return { ...live, rref, failure: outputs.failure };
    const { previews, log, points } = outputs.result;
    return { stage: name, rref, previews, log, points };
  }

  async #read(rref: string): Promise<Answer<Outputs>> {
    const known = this.#outputs.of(rref);
    if (known !== null) return done(known);
    const answer = await this.#kernel.request("store/outputs", { rref });
    if (answer.is === "done") this.#outputs.keep(rref, answer.result);
    return answer;
  }
}
