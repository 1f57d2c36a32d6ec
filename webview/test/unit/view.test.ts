import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Point, ToPanel } from "../../src/contract.js";
import { appendPoints, makeCurve, MOST_POINTS, thin } from "../../src/state/curve.js";
import { Growing } from "../../src/state/growing.js";
import { appendLog, logText, makeLog, MOST_LOG } from "../../src/state/log.js";
import { orderOf } from "../../src/state/order.js";
import { merged, Store } from "../../src/state/store.js";
import { readUi, UiState } from "../../src/state/ui.js";
import { emptyView, step, type View } from "../../src/state/view.js";
import { noOutputs, pipeline, realization, stage } from "../browser/data.js";

const after = (...messages: readonly ToPanel[]): View => messages.reduce(step, emptyView);
const chain = pipeline([
  stage("b", { dependencies: ["a"] }),
  stage("a"),
  stage("c", { dependencies: ["b", "nobody"] }),
]);
const snapshot: ToPanel = { is: "snapshot", pipeline: chain, outputs: [], focus: null };
const running = (name: string, since: number): ToPanel => ({
  is: "stages",
  stages: [stage(name, { state: { is: "running", since } })],
  run: null,
});
const point = (at: number, value = at): Point => ({ step: at, at, values: { value } });

describe("the view after messages", () => {
  test("stages come in topological order, with edges between those that exist", () => {
    expect(after(snapshot).order).toEqual({
      names: ["a", "b", "c"],
      edges: [
        [0, 1],
        [1, 2],
      ],
    });
  });

  test("the order stays the same object while no edge changes, so that nothing is laid out again", () => {
    const before = after(snapshot);
    const now = step(before, running("a", 1));
    expect(now.order).toBe(before.order);
    expect(now.stages.get("a")?.state).toEqual({ is: "running", since: 1 });
    expect(step(now, { is: "stages", stages: [stage("c", { dependencies: ["a"] })], run: null }).order).not.toBe(
      before.order,
    );
  });

  test("logs and points grow; a reset, which begins a run, empties both and drops the old files", () => {
    const outputs = noOutputs("a", { rref: "rref:x", log: "old\n", points: [point(1)] });
    const begun = after(snapshot, { is: "outputs", outputs }, { is: "points", stage: "a", points: [], reset: true });
    expect(begun.outputs.get("a")).toMatchObject({ rref: null, previews: [], log: { size: 0 } });
    const grown = [
      { is: "log", stage: "a", text: "one\r" },
      { is: "log", stage: "a", text: "two" },
      { is: "points", stage: "a", points: [point(2), point(3)], reset: false },
    ] as const;
    const output = grown.reduce(step, begun).outputs.get("a");
    expect(logText(output!.log)).toBe("one\rtwo");
    expect(output?.curve.points.from(0).map(({ step: at }) => at)).toEqual([2, 3]);
  });

  test("a log that comes without a reset does not mix with that of the realization before", () => {
    const outputs = noOutputs("a", { rref: "rref:x", log: "old\n" });
    const view = after(snapshot, { is: "outputs", outputs }, { is: "log", stage: "a", text: "new" });
    expect(logText(view.outputs.get("a")!.log)).toBe("new");
  });

  test("outputs of a realization that come while the stage runs again are left aside", () => {
    const view = after(
      snapshot,
      running("a", 5),
      { is: "log", stage: "a", text: "live" },
      { is: "outputs", outputs: noOutputs("a", { rref: "rref:x", log: "old" }) },
    );
    expect(logText(view.outputs.get("a")!.log)).toBe("live");
  });

  test("outputs, and a snapshot, are new epochs: what is drawn starts over", () => {
    const one = after(snapshot, { is: "log", stage: "a", text: "x" });
    const two = step(one, { is: "outputs", outputs: noOutputs("a", { log: "x" }) });
    expect(two.outputs.get("a")!.log.epoch).not.toBe(one.outputs.get("a")!.log.epoch);
    const three = step(two, { is: "snapshot", pipeline: chain, outputs: [noOutputs("a", { log: "y" })], focus: null });
    expect(three.outputs.get("a")!.log.epoch).not.toBe(two.outputs.get("a")!.log.epoch);
  });

  test("a snapshot leaves what is shown of a realization as it is", () => {
    const outputs = noOutputs("a", { rref: "rref:x", log: "done" });
    const before = after(snapshot, { is: "outputs", outputs });
    const again = step(before, { is: "snapshot", pipeline: chain, outputs: [outputs], focus: null });
    expect(again.outputs.get("a")).toBe(before.outputs.get("a"));
    const other = step(again, {
      is: "snapshot",
      pipeline: chain,
      outputs: [{ ...outputs, rref: "rref:y" }],
      focus: null,
    });
    expect(other.outputs.get("a")).not.toBe(before.outputs.get("a"));
    expect(step(again, { is: "snapshot", pipeline: chain, outputs: [], focus: null }).outputs.size).toBe(0);
  });

  test("a snapshot that leaves out what is held of a stage's realization keeps it, and of no other", () => {
    const made = realization("a", 1, 1, 1);
    const at = (rref: string, is: "cached" | "absent" = "cached"): ToPanel => ({
      is: "snapshot",
      pipeline: pipeline([
        stage("a", { state: is === "absent" ? { is } : { is, realization: { ...made, rref }, kept: true } }),
      ]),
      outputs: [],
      focus: null,
    });
    const before = after(at("rref:x"), { is: "outputs", outputs: noOutputs("a", { rref: "rref:x", log: "done" }) });
    expect(step(before, at("rref:x")).outputs.get("a")).toBe(before.outputs.get("a"));
    expect(step(before, at("rref:y")).outputs.size).toBe(0);
    expect(step(before, at("rref:x", "absent")).outputs.size).toBe(0);
    const live = after(at("rref:x"), { is: "log", stage: "a", text: "live" });
    expect(step(live, at("rref:x")).outputs.size).toBe(0);
  });

  test("asking twice for the focus of one stage is two requests", () => {
    const one = after(snapshot, { is: "focus", stage: "a" });
    expect(step(one, { is: "focus", stage: "a" }).focus).not.toEqual(one.focus);
  });

  test("a step leaves the view before it as it was", () => {
    const before = after(snapshot, { is: "log", stage: "a", text: "1" });
    const one = step(before, { is: "log", stage: "a", text: "2" });
    const two = step(before, { is: "log", stage: "a", text: "3" });
    expect([before, one, two].map((view) => logText(view.outputs.get("a")!.log))).toEqual(["1", "12", "13"]);
  });
});

describe("order", () => {
  test("cycles and a chain of 20,000 stages are no trouble", () => {
    expect(
      orderOf([stage("a", { dependencies: ["b"] }), stage("b", { dependencies: ["a"] })]).names.toSorted(),
    ).toEqual(["a", "b"]);
    const long = Array.from({ length: 20_000 }, (_, at) =>
      stage(`s${at.toString()}`, { dependencies: at === 19_999 ? [] : [`s${(at + 1).toString()}`] }),
    );
    expect(orderOf(long).names[0]).toBe("s19999");
  });

  test("dependencies come before what needs them", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(30), { maxLength: 4 }), { minLength: 1, maxLength: 30 }), (needs) => {
        const stages = needs.map((list, at) =>
          stage(`s${at.toString()}`, {
            dependencies: list.filter((other) => other < at).map((other) => `s${other.toString()}`),
          }),
        );
        const { names, edges } = orderOf(stages.toReversed());
        expect(names.toSorted()).toEqual(stages.map(({ name }) => name).toSorted());
        for (const [from, to] of edges) expect(from).toBeLessThan(to);
      }),
    );
  });
});

describe("what grows", () => {
  test("a growing sequence is a value, whichever branch appends", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.array(fc.nat(), { maxLength: 3 })), { maxLength: 30 }), (steps) => {
        const known: [Growing<number>, number[]][] = [[Growing.of<number>([]), []]];
        for (const [back, items] of steps) {
          const [base, expected] = known[Math.max(0, known.length - 1 - back)]!;
          known.push([base.append(items), [...expected, ...items]]);
        }
        for (const [value, expected] of known) expect(value.from(0)).toEqual(expected);
      }),
    );
  });

  test("a curve longer than is kept loses points, never its extremes", () => {
    let curve = makeCurve([], 1);
    for (let at = 0; at < MOST_POINTS + 1000; at += 1000) {
      curve = appendPoints(
        curve,
        Array.from({ length: 1000 }, (_, more) =>
          point(at + more, at + more === 4321 ? 1e6 : at + more === 777 ? -1e6 : Math.sin(at + more)),
        ),
      );
    }
    const values = curve.points.from(0).map(({ values: { value } }) => value!);
    expect(values.length).toBeLessThanOrEqual(MOST_POINTS);
    expect(curve.epoch).toBeGreaterThan(1);
    expect(Math.max(...values.slice(0, 50_000))).toBe(1e6);
    expect(Math.min(...values.slice(0, 50_000))).toBe(-1e6);
    expect(thin([])).toEqual([]);
  });

  test("a log longer than is kept loses its beginning, at a line", () => {
    const line = `${"x".repeat(99)}\n`;
    let log = makeLog("", 0);
    for (let size = 0; size <= MOST_LOG; size += 1_000_000) log = appendLog(log, line.repeat(10_000));
    expect(log.size).toBeLessThanOrEqual(MOST_LOG);
    expect(logText(log).startsWith("xxx")).toBe(true);
    expect(log.size % 100).toBe(0);
  });
});

describe("the store", () => {
  test("takes the messages of a frame together, and tells only what changed", () => {
    const frames: (() => void)[] = [];
    const store = new Store((frame) => frames.push(frame));
    const told: string[] = [];
    store.watch(
      (view) => view.stages.get("a"),
      () => told.push("a"),
    );
    store.watch(
      (view) => view.stages.get("b"),
      () => told.push("b"),
    );
    store.receive(snapshot);
    frames.shift()!();
    expect(told).toEqual(["a", "b"]);
    store.receive(running("a", 1));
    store.receive(running("a", 2));
    expect(frames.length).toBe(1);
    frames.shift()!();
    expect(told).toEqual(["a", "b", "a"]);
  });

  test("joins pieces of one log and of one curve, in order", () => {
    const log = (text: string, name = "a"): ToPanel => ({ is: "log", stage: name, text });
    const points = (at: number, reset = false): ToPanel => ({ is: "points", stage: "a", points: [point(at)], reset });
    expect(
      merged([log("1"), log("2"), log("3", "b"), log("4"), points(1), points(2), points(3, true), points(4)]),
    ).toEqual([
      log("12"),
      log("3", "b"),
      log("4"),
      { is: "points", stage: "a", points: [point(1), point(2)], reset: false },
      { is: "points", stage: "a", points: [point(3), point(4)], reset: true },
    ]);
  });
});

describe("what the panel keeps", () => {
  const channelWith = (kept: unknown, saved: unknown[]): ConstructorParameters<typeof UiState>[0] => ({
    send: () => undefined,
    listen: () => undefined,
    load: () => kept,
    save: (state) => saved.push(state),
  });

  test("is read even when it is not what this version writes", () => {
    expect(readUi(undefined).split).toBe(40);
    expect(
      readUi({ selected: 3, anchor: "x", look: { x: 1, y: 2, scale: 0 }, folds: { a: true, b: 1 }, split: 900 }),
    ).toEqual({
      path: "",
      selected: null,
      anchor: null,
      look: null,
      folds: { a: true },
      split: 75,
    });
  });

  test("comes back after a reload of the same pipeline, and not for another", () => {
    const kept = {
      path: "p.py",
      selected: "a",
      anchor: { stage: "b", offset: 12 },
      look: { x: 1, y: 2, scale: 0.5 },
      folds: { "a/log": true },
      split: 30,
    };
    const state = new UiState(channelWith(kept, []));
    state.enter("p.py");
    expect(state.ui).toEqual(kept);
    state.enter("other.py");
    expect(state.ui).toMatchObject({ path: "other.py", selected: null, anchor: null, look: null, split: 30 });
  });
});
