import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { large, now, pipeline, stage } from "./data.js";
import { PanelHost, type Panel } from "./host.js";
import { themes } from "./themes.js";

let host: PanelHost;
beforeAll(async () => {
  host = await PanelHost.start();
});
afterEach(() => host.closePages());
afterAll(() => host.stop());

interface Frames {
  readonly median: number;
  readonly p95: number;
  readonly worst: number;
}

const summary = (times: readonly number[]): Frames => {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0) * 10) / 10;
  return { median: at(0.5), p95: at(0.95), worst: at(1) };
};

/** The time between frames while something is done in each. */
const framesWhile = async (panel: Panel, action: string, frames: number): Promise<Frames> => {
  const times = await panel.page.evaluate(
    ([source, count]) =>
      new Promise<number[]>((resolve) => {
        // the actions are those of this file
        const act = new Function("frame", source) as (frame: number) => void;
        const found: number[] = [];
        let before = performance.now();
        const next = (frame: number): void => {
          const time = performance.now();
          if (frame > 5) found.push(time - before);
          before = time;
          if (frame === count) resolve(found);
          else {
            act(frame);
            requestAnimationFrame(() => {
              next(frame + 1);
            });
          }
        };
        requestAnimationFrame(() => {
          next(0);
        });
      }),
    [action, frames] as const,
  );
  return summary(times);
};

const panTo = (dx: number, dy: number): string =>
  `document.querySelector("stage-graph canvas").dispatchEvent(new WheelEvent("wheel", { deltaX: ${dx.toString()} * (frame % 120 < 60 ? 1 : -1), deltaY: ${dy.toString()}, cancelable: true }))`;

const report = (what: string, found: Frames): void => {
  process.stdout.write(
    `${what}: median ${found.median.toString()} ms, 95 % ${found.p95.toString()} ms, worst ${found.worst.toString()} ms\n`,
  );
};

test.each([
  [1000, 25],
  [10_000, 100],
])("panning %i nodes, whole and near", async (count, depth) => {
  const panel = await host.open(themes.dark, { width: 1600, height: 1000 }, "no-preference");
  const start = performance.now();
  await panel.post({ is: "snapshot", pipeline: large(count, depth), outputs: [], focus: null });
  await panel.laidOut();
  process.stdout.write(
    `${count.toString()} nodes, snapshot to graph: ${Math.round(performance.now() - start).toString()} ms\n`,
  );
  await panel.settle(10);
  await panel.picture(`large-${count.toString()}`);
  const near = await framesWhile(panel, panTo(14, 3), 120);
  report(`${count.toString()} nodes, panning where names can be read`, near);
  await panel.page.locator('[data-action="zoom-fit"]').click();
  await panel.settle(4);
  await panel.picture(`large-${count.toString()}-whole`);
  const whole = await framesWhile(panel, panTo(4, 0), 120);
  report(`${count.toString()} nodes, panning all of them`, whole);
  expect(near.median).toBeLessThan(60);
  expect(whole.median).toBeLessThan(150);
  expect(await panel.errors()).toEqual([]);
});

test("10,000 points a second, on 100,000 that are there", async () => {
  const panel = await host.open(themes.dark, { width: 1280, height: 860 }, "no-preference");
  await panel.post({
    is: "snapshot",
    pipeline: pipeline([stage("a", { state: { is: "running", since: now() } })]),
    outputs: [],
    focus: null,
  });
  await panel.laidOut();
  await panel.page.evaluate(() => {
    const points = Array.from({ length: 100_000 }, (_, step) => ({
      step,
      at: 0,
      values: { loss: Math.sin(step / 9000) + Math.random() / 5 },
    }));
    window.postMessage({ is: "points", stage: "a", points, reset: true }, "*");
  });
  await panel.page.waitForSelector("stage-chart[data-drawn]");
  await panel.settle(5);
  const found = await framesWhile(
    panel,
    `const from = 100000 + frame * 167; window.postMessage({ is: "points", stage: "a", reset: false, points: Array.from({ length: 167 }, (_, at) => ({ step: from + at, at: 0, values: { loss: Math.sin((from + at) / 9000) + Math.random() / 5 } })) }, "*")`,
    180,
  );
  report("10,000 points a second", found);
  await panel.picture("points");
  expect(found.median).toBeLessThan(60);
});

test("10,000 lines a second", async () => {
  const panel = await host.open(themes.dark, { width: 1280, height: 860 }, "no-preference");
  await panel.post({
    is: "snapshot",
    pipeline: pipeline([stage("a", { state: { is: "running", since: now() } })]),
    outputs: [],
    focus: null,
  });
  await panel.laidOut();
  const found = await framesWhile(
    panel,
    `window.postMessage({ is: "log", stage: "a", text: Array.from({ length: 167 }, (_, at) => "\\u001b[36m12:00:00\\u001b[0m line " + (frame * 167 + at) + "\\n").join("") }, "*")`,
    180,
  );
  report("10,000 lines a second", found);
  expect(found.median).toBeLessThan(60);
});
