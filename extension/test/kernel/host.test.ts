import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { failed, failure } from "../../src/kernels/answer.js";
import type { EngineState } from "../../src/kernels/state.js";
import { silent } from "../../src/logger.js";
import { Supervisor } from "../../src/supervision/supervisor.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { makeWorkspace, TestKernels, writeFiles } from "./kernels.js";
import { survivors, until } from "./processes.js";

const pipeline = `
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

import helper
from stageloom import report, stage


@stage
def numbers(start: int = 1):
    print("counting", flush=True)
    return [start, start + 1, helper.third(start)]


@stage
def total(numbers):
    return sum(numbers)


@stage
def reports():
    for step in range(5):
        report(step=step, value=step / 2)
    return 0


@stage
def environment():
    return {"seed": os.environ.get("PYTHONHASHSEED"), "folder": os.getcwd(), "pid": os.getpid()}


@stage
def loops():
    print("begun", flush=True)
    while True:
        pass


@stage
def waits():
    print("begun", flush=True)
    threading.Event().wait(600)


@stage
def stuck():
    print("begun", flush=True)
    time.sleep(0.2)  # what is printed is passed on by a thread, which nothing can do while native code holds Python
    return len(str(10 ** (10**9)))


@stage
def parent():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    print("child", child.pid, flush=True)
    time.sleep(600)


@stage
def killed():
    sys.stderr.write("about to be killed\\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


@stage
def crashes():
    ctypes.string_at(0)


@stage
def leaves():
    os._exit(3)


@stage
def raises():
    return {}["key"]
`;

const pair = `
import time
from stageloom import stage


@stage
def one():
    time.sleep(1)
    return 1


@stage
def two():
    time.sleep(1)
    return 2
`;

const helper = "def third(start):\n    return start + 2\n";

describe.runIf(process.platform !== "win32")("the kernels of a workspace", () => {
  let programs: Programs;
  let supervisor: Supervisor;
  let kernels: TestKernels;

  beforeAll(async () => {
    programs = await bundlePrograms();
  });
  afterAll(() => {
    programs.dispose();
  });
  beforeEach(async () => {
    const leases = path.join(programs.folder, "leases");
    supervisor = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
    const workspace = makeWorkspace(programs.folder, { "pipeline.py": pipeline, "helper.py": helper });
    kernels = new TestKernels(workspace, supervisor);
  });
  afterEach(async () => {
    await kernels.host.dispose();
    await supervisor.dispose();
  });

  const enginePid = (): number => supervisor.running.find(({ name }) => name === "engine")!.pid!;

  it("start with the first request, run stages, keep what they made, and end with nothing left", async () => {
    expect(kernels.host.state.is).toBe("off");
    const plan = await kernels.host.request("pipeline/plan", { path: "pipeline.py", overlays: {}, sets: {} });
    expect(plan.is === "done" && plan.result.stages.length).toBe(12);
    expect(kernels.host.state.is).toBe("ready");
    const run = await kernels.start(["total"]);
    const first = await kernels.ended(run);
    expect(first).toMatchObject({ is: "done" });
    expect(first.stages.get("total")?.is).toBe("done");
    expect(kernels.log(run)).toBe("counting\n");
    const again = await kernels.realize("total");
    expect(again.is).toBe("done");
    expect(again.stages.get("total")?.is ?? "kept").toBe("kept");
    const pids = supervisor.running.map(({ pid }) => pid!);
    expect(pids.length).toBeGreaterThanOrEqual(2);
    await kernels.host.dispose();
    expect(await survivors(pids, 10_000)).toEqual([]);
    expect(kernels.host.state.is).toBe("off");
  });

  it("fix the hash seed and work in the workspace's folder", async () => {
    const ended = await kernels.realize("environment");
    const rref = ended.stages.get("environment")!.realization!.rref;
    const outputs = await kernels.host.request("store/outputs", { rref });
    const text = JSON.stringify(outputs);
    expect(text).toContain("seed");
    expect(text).toContain(path.basename(kernels.workspace));
  });

  it("pass reported points on", async () => {
    const run = await kernels.start(["reports"]);
    await kernels.ended(run);
    const points = kernels.events.flatMap((event) => (event.is === "run/progress" ? event.params.points : []));
    expect(points.map(({ values }) => values["value"])).toEqual([0, 0.5, 1, 1.5, 2]);
  });

  it("say of a stage that no worker is free for that it waits, and count its time from when one began", async () => {
    const single = new TestKernels(kernels.workspace, supervisor, { poolSize: 1 });
    writeFiles(kernels.workspace, { "pair.py": pair });
    const run = await single.start([], "pair.py");
    const ended = await single.ended(run);
    expect(ended.is).toBe("done");
    const told = single.events.flatMap((event) => (event.is === "run/changed" ? event.params.stages : []));
    const of = (name: string): string[] =>
      told.filter((stage) => stage.name === name).map(({ is, awaits }) => (is === "waiting" ? `awaits ${awaits}` : is));
    const [first, second] = ["one", "two"]
      .map((name) => ended.stages.get(name)!)
      .sort((one, other) => one.started! - other.started!);
    expect(new Set(of(second!.name))).toEqual(new Set(["awaits stages", "awaits worker", "running", "done"]));
    expect(second!.started! - first!.started!).toBeGreaterThan(0.95);
    expect(second!.started! + second!.took!).toBeLessThan(Date.now() / 1000 + 0.1);
    for (const { is, started } of told) if (is === "waiting") expect(started).toBeNull();
    await single.host.dispose();
  });

  it("tell of a failure, and what was printed before, after all was restarted", async () => {
    const ended = await kernels.realize("numbers", "raises");
    expect(ended.is).toBe("failed");
    await kernels.host.dispose();
    const later = new TestKernels(kernels.workspace, supervisor);
    const plan = await later.host.request("pipeline/plan", { path: "pipeline.py", overlays: {}, sets: {} });
    if (plan.is === "failed") throw new Error(plan.failure.message);
    const last = (name: string): unknown => plan.result.stages.find((one) => one.name === name)?.lastRun;
    expect(last("raises")).toMatchObject({ is: "failed", stage: "raises", failure: { exception: "KeyError" } });
    expect(last("numbers")).toBeNull();
    await later.host.dispose();
  });

  it("take another worker for another version of a helper, without a word", async () => {
    expect((await kernels.realize("total")).is).toBe("done");
    for (const offset of [3, 4, 5]) {
      writeFiles(kernels.workspace, { "helper.py": `def third(start):\n    return start + ${offset}\n` });
      const ended = await kernels.realize("total");
      expect(ended.is).toBe("done");
      expect(ended.stages.get("total")?.is).toBe("done");
      const outputs = await kernels.host.request("store/outputs", {
        rref: ended.stages.get("total")!.realization!.rref,
      });
      expect(JSON.stringify(outputs)).toContain(`"${3 + 1 + offset}"`);
    }
  });

  it.each([
    ["killed", "killed", "SIGKILL"],
    ["crashes", "crashed", "SIGSEGV"],
    ["leaves", "crashed", "exit code 3"],
  ])("say how a worker died in a stage that %s, and go on", async (stage, kind, words) => {
    const ended = await kernels.realize(stage);
    expect(ended.is).toBe("failed");
    expect(ended.stages.get(stage)?.failure).toMatchObject({ kind });
    expect(ended.stages.get(stage)?.failure?.message).toContain(words);
    expect((await kernels.realize("total")).is).toBe("done");
  });

  it.each(["loops", "waits"])("cancel a stage that %s, at once, and keep the worker", async (stage) => {
    const run = await kernels.start([stage]);
    await kernels.printed(run, "begun");
    const pid = kernels.pool.workers.find(({ is }) => is === "busy")!.pid;
    const before = performance.now();
    await kernels.host.request("run/cancel", { run });
    const ended = await kernels.ended(run);
    expect(performance.now() - before).toBeLessThan(2000); // then it would have been terminated
    expect(ended).toMatchObject({ is: "cancelled" });
    expect(ended.stages.get(stage)?.is).toBe("cancelled");
    expect(kernels.pool.workers.filter(({ is }) => is === "idle").map((worker) => worker.pid)).toContain(pid);
  });

  it("cancel a stage that is stuck in native code, soon, and replace the worker", async () => {
    const run = await kernels.start(["stuck"]);
    await kernels.printed(run, "begun");
    await wait(500); // now it is
    const pid = kernels.pool.workers.find(({ is }) => is === "busy")!.pid!;
    const before = performance.now();
    await kernels.host.request("run/cancel", { run });
    expect((await kernels.ended(run)).is).toBe("cancelled");
    expect(performance.now() - before).toBeLessThan(10_000); // three seconds where nothing else runs
    expect(await survivors([pid], 10_000)).toEqual([]);
    expect((await kernels.realize("total")).is).toBe("done");
  });

  it("end a stage's own children with its worker", async () => {
    const run = await kernels.start(["parent"]);
    await kernels.printed(run, "child");
    const child = Number(/child (\d+)/.exec(kernels.log(run))?.[1]);
    const worker = kernels.pool.workers.find(({ is }) => is === "busy")!.pid!;
    process.kill(worker, "SIGKILL");
    expect((await kernels.ended(run)).stages.get("parent")?.failure).toMatchObject({ kind: "killed" });
    expect(await survivors([child], 10_000)).toEqual([]);
  });

  it("start the engine again when it is killed, and ask again what only reads", async () => {
    await kernels.host.start();
    const states: EngineState["is"][] = [];
    kernels.host.onDidChangeState(({ is }) => states.push(is));
    const ask = kernels.host.request("pipeline/plan", { path: "pipeline.py", overlays: {}, sets: {} });
    process.kill(enginePid(), "SIGKILL");
    expect((await ask).is).toBe("done");
    expect(states).toEqual(["starting", "ready"]);
  });

  it("end the jobs of an engine that died", async () => {
    const run = await kernels.start(["loops"]);
    await kernels.printed(run, "begun");
    process.kill(enginePid(), "SIGKILL");
    await until("no worker is busy", 4000, () => !kernels.pool.workers.some(({ is }) => is === "busy"));
    expect((await kernels.realize("total")).is).toBe("done");
  });

  it("restart on demand", async () => {
    await kernels.host.start();
    const before = enginePid();
    expect((await kernels.host.restart()).is).toBe("ready");
    expect(enginePid()).not.toBe(before);
    expect(await survivors([before], 10_000)).toEqual([]);
  });
});

describe.runIf(process.platform !== "win32")("kernels that cannot start", () => {
  let programs: Programs;
  let supervisor: Supervisor;

  beforeAll(async () => {
    programs = await bundlePrograms();
    const leases = path.join(programs.folder, "leases");
    supervisor = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
  });
  afterAll(async () => {
    await supervisor.dispose();
    programs.dispose();
  });

  it("say that there is no interpreter", async () => {
    const workspace = makeWorkspace(programs.folder, {});
    const none = failure("no-interpreter", "No Python interpreter was found.");
    const kernels = new TestKernels(workspace, supervisor, { interpreter: () => Promise.resolve(failed(none)) });
    const answer = await kernels.host.request("run/start", { path: "p.py", targets: [], sets: {} });
    expect(answer).toEqual({ is: "failed", failure: none });
    expect(kernels.host.state).toEqual({ is: "failed", failure: none });
    await kernels.host.dispose();
  });

  it("stay down after five failures, and show what the engine wrote", async () => {
    const workspace = makeWorkspace(programs.folder, {});
    const kernelPath = path.join(workspace, "kernel");
    const package_ = path.join(kernelPath, "stageloom", "service");
    mkdirSync(package_, { recursive: true });
    writeFileSync(path.join(package_, "__init__.py"), "raise RuntimeError('this kernel is damaged')\n");
    const kernels = new TestKernels(workspace, supervisor, { kernelPath });
    const state = await kernels.host.start();
    expect(state).toMatchObject({ is: "failed", failure: { kind: "crashed" } });
    expect(state.is === "failed" && state.failure.detail).toContain("this kernel is damaged");
    expect(kernels.said.filter((line) => line.startsWith("The engine did not start"))).toHaveLength(5);
    await until("nothing runs", 1000, () => supervisor.running.length === 0);
    await kernels.host.dispose();
  });
});
