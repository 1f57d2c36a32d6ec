import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { done, failed, failure, type Answer } from "../../../src/kernels/answer.js";
import type { EngineEvent, EngineMethod, ParamsOf, ResultOf } from "../../../src/kernels/methods.js";
import type { EngineState } from "../../../src/kernels/state.js";
import { Emitter } from "../../../src/lifetime.js";
import { silent } from "../../../src/logger.js";
import type { FileChange, WorkspaceFiles } from "../../../src/pipelines/files.js";
import type { Kernel } from "../../../src/pipelines/kernel.js";
import { PipelineModel, type ModelChange } from "../../../src/pipelines/model.js";
import type { RunChanged, RunStage } from "../../../src/protocol/kernel/messages.gen.js";

const TEXT = "from stageloom import stage\n\n@stage\ndef one(): ...\n\n@stage\ndef two(one): ...\n";

interface Asked {
  readonly method: EngineMethod;
  readonly params: ParamsOf<EngineMethod>;
  readonly signal: AbortSignal | undefined;
  readonly answer: (answer: Answer<ResultOf<EngineMethod>>) => void;
}

/** The engine as the test plays it: every question waits until the test answers. */
class PlayedKernel implements Kernel {
  readonly states = new Emitter<EngineState>();
  readonly events = new Emitter<EngineEvent>();
  readonly onDidChangeState = this.states.event;
  readonly onDidTell = this.events.event;
  readonly asked: Asked[] = [];
  state: EngineState = { is: "off" };

  request<M extends EngineMethod>(method: M, params: ParamsOf<M>, signal?: AbortSignal): Promise<Answer<ResultOf<M>>> {
    return new Promise((resolve) => {
      // safe: the test answers each method with its own result
      const answer = resolve as Asked["answer"];
      this.asked.push({ method, params, signal, answer });
      signal?.addEventListener("abort", () => {
        answer(failed(failure("cancelled", "Cancelled")));
      });
    });
  }

  of(method: EngineMethod): Asked[] {
    return this.asked.filter((one) => one.method === method);
  }

  run(is: RunChanged["is"], ...stages: Partial<RunStage>[]): void {
    const whole = stages.map((stage) => ({
      name: "",
      is: "waiting" as const,
      started: null,
      took: null,
      realization: null,
      failure: null,
      awaits: "stages" as const,
      ...stage,
    }));
    this.events.fire({
      is: "run/changed",
      params: { run: "r1", path: "p.py", is, targets: ["two"], stages: whole, failure: null, problems: [] },
    });
  }
}

class PlayedFiles implements WorkspaceFiles {
  readonly changes = new Emitter<FileChange>();
  readonly onDidChange = this.changes.event;
  readonly texts = new Map([
    ["p.py", TEXT],
    ["plain.py", "x = 1\n"],
  ]);
  readonly unsaved = new Map<string, string>();
  /** What a slow disk waits for. */
  disk: Promise<void> = Promise.resolve();
  saves = 0;
  savable = true;

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.texts.keys()]);
  }
  holds(path: string): boolean {
    return !path.startsWith(".venv/");
  }
  async read(path: string): Promise<string | null> {
    const text = this.texts.get(path) ?? null;
    await this.disk;
    return text;
  }
  dirty(): ReadonlyMap<string, string> {
    return this.unsaved;
  }
  save(): Promise<boolean> {
    this.saves += 1;
    return Promise.resolve(this.savable);
  }
  type(path: string, text: string): void {
    this.unsaved.set(path, text);
    this.changes.fire({ path, text });
  }
}

describe("the model", () => {
  let files: PlayedFiles;
  let kernel: PlayedKernel;
  let granted: Emitter<void>;
  let trust: { trusted: boolean; onDidGrant: Emitter<void>["event"] };
  let model: PipelineModel;
  let changes: ModelChange[];

  beforeEach(async () => {
    vi.useFakeTimers();
    files = new PlayedFiles();
    kernel = new PlayedKernel();
    granted = new Emitter();
    trust = { trusted: true, onDidGrant: granted.event };
    model = new PipelineModel({ files, kernel, trust, logger: silent });
    changes = [];
    model.onDidChange((change) => changes.push(change));
    await model.discover();
  });

  afterEach(async () => {
    await model.dispose();
    vi.useRealTimers();
  });

  const settle = (milliseconds = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

  describe("parameter profiles", () => {
    it("plans anew with another profile, and runs with it", async () => {
      model.need("p.py");
      await settle(1000);
      expect(kernel.of("pipeline/plan").at(-1)?.params).toMatchObject({ profile: "" });
      model.useProfile("quick");
      await settle(1000);
      expect(kernel.of("pipeline/plan").at(-1)?.params).toMatchObject({ path: "p.py", profile: "quick" });
      const asked = kernel.of("pipeline/plan").length;
      model.useProfile("quick");
      files.changes.fire({ path: "stageloom.json", text: "{}" });
      await settle(5000);
      expect(kernel.of("pipeline/plan").length).toBe(asked + 1);
      void model.realize("p.py", ["two"], new AbortController().signal);
      await settle();
      expect(kernel.of("run/start")[0]?.params).toMatchObject({ targets: ["two"], profile: "quick" });
    });
  });

  describe("finding pipelines", () => {
    it("finds the files that hold stages, and follows them as they come and go", async () => {
      expect(model.pipelines()).toEqual(["p.py"]);
      files.changes.fire({ path: "new.py", text: TEXT });
      await settle();
      expect(model.pipelines()).toEqual(["new.py", "p.py"]);
      files.texts.delete("new.py");
      files.changes.fire({ path: "new.py", text: null });
      await settle();
      expect(model.pipelines()).toEqual(["p.py"]);
      expect(changes.filter(({ is }) => is === "pipelines").length).toBe(3);
    });
  });

  it("takes an open file for a pipeline, but for one of an environment", () => {
    model.see("open.py", TEXT);
    model.see(".venv/lib/steps.py", TEXT);
    expect(model.pipelines()).toEqual(["open.py", "p.py"]);
  });

  describe("what comes at the same time", () => {
    const signal = (): AbortSignal => new AbortController().signal;

    it("starts one run for two clicks at once", async () => {
      void model.realize("p.py", ["two"], signal());
      expect(await model.realize("p.py", ["two"], signal())).toEqual({
        is: "busy",
      });
      await settle();
      expect(kernel.of("run/start").length).toBe(1);
    });

    it("tells the end of a run whose file was deleted meanwhile", async () => {
      const outcome = model.realize("p.py", ["two"], signal());
      await settle();
      kernel.of("run/start")[0]?.answer(done({ run: "r1" }));
      kernel.run("running");
      await settle();
      files.texts.delete("p.py");
      files.changes.fire({ path: "p.py", text: null });
      await settle();
      kernel.run("done");
      expect((await outcome).is).toBe("done");
      expect(model.pipelines()).toEqual([]);
      expect(model.pipeline("p.py")).toBeNull();
    });

    it("ends with an engine that dies before it said anything of the run", async () => {
      const outcome = model.realize("p.py", ["two"], signal());
      await settle();
      kernel.of("run/start")[0]?.answer(done({ run: "r1" }));
      await settle();
      kernel.states.fire({ is: "starting" });
      expect((await outcome).is).toBe("failed");
    });

    it("forgets the files of a folder that is deleted, of which VS Code names the folder alone", async () => {
      files.changes.fire({ path: "sub/new.py", text: TEXT });
      await settle();
      files.changes.fire({ path: "sub", text: null });
      await settle();
      expect(model.pipelines()).toEqual(["p.py"]);
    });

    it("forgets at a refresh what has gone unseen", async () => {
      files.texts.delete("p.py");
      await model.refresh();
      expect(model.pipelines()).toEqual([]);
    });

    it("keeps what was typed while a slow disk was read, and the later of two readings", async () => {
      const answers: (() => void)[] = [];
      const slow = (): Promise<void> => new Promise((resolve) => answers.push(resolve));
      const typed = TEXT.replace("one()", "one(k=1)");
      files.disk = slow();
      const found = model.discover();
      await settle();
      files.type("p.py", typed);
      model.see("p.py", typed);
      answers[0]?.();
      await found;
      expect(model.project.source("p.py")?.text).toBe(typed);

      files.disk = slow();
      files.changes.fire({ path: "p.py", text: null });
      files.disk = Promise.resolve();
      files.texts.set("p.py", `${TEXT}# saved`);
      files.changes.fire({ path: "p.py", text: null });
      await settle();
      answers[1]?.();
      await settle();
      expect(model.project.source("p.py")?.text).toBe(`${TEXT}# saved`);
    });

    it("asks about a pipeline that was needed before it was found", async () => {
      model.need("late.py");
      files.changes.fire({ path: "late.py", text: TEXT });
      await settle();
      expect(kernel.of("pipeline/plan").length).toBe(1);
    });

    it("waits for an answer while the store goes on changing", async () => {
      model.need("p.py");
      await settle();
      for (let time = 0; time < 5; time += 1) {
        kernel.events.fire({ is: "store/changed", params: { sequence: time } });
        await settle(1000);
      }
      const asked = kernel.of("pipeline/plan");
      expect(asked.length).toBe(1);
      expect(asked[0]?.signal?.aborted).toBe(false);
      asked[0]?.answer(failed(failure("internal", "no plan")));
      await settle(1000);
      expect(kernel.of("pipeline/plan").length).toBe(2);
    });

    it("asks soon while files change all the time", async () => {
      model.need("p.py");
      await settle();
      kernel.of("pipeline/plan")[0]?.answer(failed(failure("internal", "no plan")));
      for (let time = 0; time < 10; time += 1) {
        files.changes.fire({ path: "notes.txt", text: null });
        await settle(100);
      }
      expect(kernel.of("pipeline/plan").length).toBeGreaterThan(1);
    });
  });

  describe("asking the engine", () => {
    it("asks for no pipeline that no view shows", async () => {
      files.type("p.py", `${TEXT}\n`);
      await settle(1000);
      expect(kernel.asked).toEqual([]);
    });

    it("asks once typing pauses, with what is not saved, and cancels the question before", async () => {
      model.need("p.py");
      expect(kernel.of("pipeline/plan").length).toBe(1);
      for (const letter of "abc") {
        files.type("p.py", `${TEXT}# ${letter}`);
        await settle(50);
      }
      expect(kernel.of("pipeline/plan").length).toBe(1);
      expect(kernel.asked[0]!.signal!.aborted).toBe(true);
      await settle(150);
      const [, second] = kernel.of("pipeline/plan");
      expect(second!.params).toEqual({ path: "p.py", overlays: { "p.py": `${TEXT}# c` }, profile: "" });
    });

    it("asks again after a change in the store, and after a change of a helper that the plan was read from", async () => {
      model.need("p.py");
      kernel.asked[0]!.answer(
        done({ path: "p.py", snapshot: "s", stages: [], problems: [], files: ["p.py", "helper.py"] }),
      );
      await settle();
      kernel.events.fire({ is: "store/changed", params: { sequence: 3 } });
      await settle(200);
      expect(kernel.of("pipeline/plan").length).toBe(2);
      files.type("helper.py", "x = 2");
      await settle(200);
      expect(kernel.of("pipeline/plan").length).toBe(3);
      files.changes.fire({ path: "data.csv", text: null });
      await settle(200);
      expect(changes.some(({ is }) => is === "store")).toBe(true);
    });

    it("asks nothing of an untrusted workspace until it is trusted", async () => {
      trust.trusted = false;
      model.need("p.py");
      files.type("p.py", `${TEXT}# x`);
      await settle(500);
      expect(await model.realize("p.py", ["two"], new AbortController().signal)).toEqual({ is: "untrusted" });
      expect(kernel.asked).toEqual([]);
      trust.trusted = true;
      granted.fire();
      expect(kernel.of("pipeline/plan").length).toBe(1);
    });

    it("tells views of trust, whether or not one shows a pipeline", () => {
      changes.length = 0;
      granted.fire();
      expect(changes).toEqual([{ is: "kernel" }]);
      expect(kernel.asked).toEqual([]);
    });

    it("tells why there is no plan", async () => {
      model.need("p.py");
      kernel.asked[0]!.answer(failed(failure("no-interpreter", "There is no Python.")));
      await settle();
      expect(model.pipeline("p.py")!.failure!.kind).toBe("no-interpreter");
      kernel.states.fire({ is: "ready", python: "3.12", executable: "/py", warnings: [] });
      expect(kernel.of("pipeline/plan").length).toBe(2);
    });
  });

  describe("realizing", () => {
    const begin = async (
      signal = new AbortController().signal,
    ): Promise<{ outcome: ReturnType<PipelineModel["realize"]> }> => {
      const outcome = model.realize("p.py", ["two"], signal);
      await settle();
      kernel
        .of("run/start")
        .at(-1)
        ?.answer(done({ run: "r1" }));
      await settle();
      return { outcome };
    };

    it("saves first, then runs, and tells what ran", async () => {
      const { outcome } = await begin();
      expect(files.saves).toBe(1);
      kernel.run("running", { name: "one", is: "kept" }, { name: "two", is: "running" });
      await settle(20);
      expect(model.running().map(({ path }) => path)).toEqual(["p.py"]);
      kernel.run("done", { name: "two", is: "done" });
      expect(await outcome).toEqual({ is: "done", targets: ["two"], made: ["two"], kept: ["one"] });
    });

    it("hears of a run that ended before its name arrived", async () => {
      const outcome = model.realize("p.py", ["two"], new AbortController().signal);
      await settle();
      kernel.run("done", { name: "two", is: "kept" });
      kernel.of("run/start")[0]!.answer(done({ run: "r1" }));
      expect(await outcome).toEqual({ is: "done", targets: ["two"], made: [], kept: ["two"] });
    });

    it("runs nothing that could not be saved", async () => {
      files.savable = false;
      expect(await model.realize("p.py", ["two"], new AbortController().signal)).toEqual({ is: "unsaved" });
      expect(kernel.of("run/start")).toEqual([]);
    });

    it("cancels", async () => {
      const abort = new AbortController();
      const { outcome } = await begin(abort.signal);
      kernel.run("running", { name: "two", is: "running" });
      abort.abort();
      await settle();
      expect(kernel.of("run/cancel")[0]!.params).toEqual({ run: "r1" });
      kernel.run("cancelled", { name: "two", is: "cancelled" });
      expect(await outcome).toEqual({ is: "cancelled" });
    });

    it("does not start beside a run of the same pipeline", async () => {
      const { outcome } = await begin();
      kernel.run("running", { name: "two", is: "running" });
      expect(await model.realize("p.py", ["one"], new AbortController().signal)).toEqual({ is: "busy" });
      kernel.run("done");
      await outcome;
    });

    it("ends with an engine that dies, and says so", async () => {
      const { outcome } = await begin();
      kernel.run("running", { name: "two", is: "running" });
      kernel.states.fire({ is: "starting" });
      const ended = await outcome;
      expect(ended).toMatchObject({ is: "failed", stages: [{ stage: "two", failure: { kind: "crashed" } }] });
      expect(model.stage("p.py", "two")!.view.state.is).toBe("failed");
    });

    it("passes logs and points on, and keeps them", async () => {
      const { outcome } = await begin();
      kernel.run("running", { name: "two", is: "running" });
      const at = { run: "r1", path: "p.py", stage: "two" };
      kernel.events.fire({ is: "run/log", params: { ...at, stream: "stdout", text: "hello\n" } });
      const point = { step: 1, values: { best: 2 }, at: 3 };
      kernel.events.fire({ is: "run/progress", params: { ...at, points: [point], fraction: 0.25, message: "" } });
      await settle(20);
      expect(model.recorded("p.py", "two")).toMatchObject({ log: "hello\n", points: [point] });
      expect(model.stage("p.py", "two")!.view.state).toMatchObject({ is: "running", fraction: 0.25 });
      expect(changes.filter(({ is }) => is === "log" || is === "points").length).toBe(2);
      kernel.run("done", { name: "two", is: "done" });
      await outcome;
    });

    it("goes on with the log, and begins the curve anew, where a stage is tried again", async () => {
      const { outcome } = await begin();
      kernel.run("running", { name: "two", is: "running" });
      const at = { run: "r1", path: "p.py", stage: "two" };
      const report = (step: number): void => {
        kernel.events.fire({ is: "run/log", params: { ...at, stream: "stdout", text: `try ${step}\n` } });
        const points = [{ step, values: { best: 2 }, at: 3 }];
        kernel.events.fire({ is: "run/progress", params: { ...at, points, fraction: null, message: "" } });
      };
      report(1);
      changes.length = 0;
      kernel.run("running", { name: "two", is: "waiting", awaits: "worker" });
      expect(changes).toContainEqual({ is: "points", path: "p.py", stage: "two", points: [], reset: true });
      kernel.run("running", { name: "two", is: "running" });
      report(2);
      expect(model.recorded("p.py", "two")).toMatchObject({ log: "try 1\ntry 2\n", points: [{ step: 2 }] });
      kernel.run("done", { name: "two", is: "done" });
      await outcome;
    });

    it("tells views of a thousand points in a frame once", async () => {
      const { outcome } = await begin();
      kernel.run("running", { name: "two", is: "running" });
      await settle(20);
      changes.length = 0;
      for (let step = 0; step < 1000; step += 1)
        kernel.events.fire({
          is: "run/progress",
          params: { run: "r1", path: "p.py", stage: "two", points: [], fraction: step / 1000, message: "" },
        });
      await settle(20);
      expect(changes.filter(({ is }) => is === "pipeline").length).toBe(1);
      kernel.run("done");
      await outcome;
    });
  });
});
