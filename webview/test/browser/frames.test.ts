import { expect } from "vitest";
import { large, now, pipeline, stage } from "./data.js";
import { test, type Panel } from "./host.js";
import { themes } from "./themes.js";

/** What is done in each frame. */
type Action =
  | { is: "nothing" }
  | { is: "pan"; dx: number; dy: number }
  | { is: "points"; from: number; count: number }
  | { is: "log"; count: number };

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
const framesWhile = async (panel: Panel, action: Action, frames: number): Promise<Frames> => {
  const times = await panel.page.evaluate(
    ([what, count]) => {
      const canvas = document.querySelector("stage-graph canvas");
      const act = (frame: number): void => {
        if (what.is === "nothing") return;
        if (what.is === "pan") {
          const deltaX = what.dx * (frame % 120 < 60 ? 1 : -1);
          canvas?.dispatchEvent(new WheelEvent("wheel", { deltaX, deltaY: what.dy, cancelable: true }));
        } else if (what.is === "points") {
          const from = what.from + frame * what.count;
          const points = Array.from({ length: what.count }, (_, at) => ({
            step: from + at,
            at: 0,
            values: { loss: Math.sin((from + at) / 9000) + Math.random() / 5 },
          }));
          window.postMessage({ is: "points", stage: "a", points, reset: false }, "*");
        } else {
          const lines = Array.from(
            { length: what.count },
            (_, at) => `\u001b[36m12:00:00\u001b[0m line ${(frame * what.count + at).toString()}\n`,
          );
          window.postMessage({ is: "log", stage: "a", text: lines.join("") }, "*");
        }
      };
      return new Promise<number[]>((resolve) => {
        const found: number[] = [];
        let before = performance.now();
        const next = (frame: number): void => {
          const time = performance.now();
          // the first ones still draw what came before
          if (frame > 5) found.push(time - before);
          before = time;
          act(frame);
          if (frame === count) resolve(found);
          else
            requestAnimationFrame(() => {
              next(frame + 1);
            });
        };
        requestAnimationFrame(() => {
          next(0);
        });
      });
    },
    [action, frames] as const,
  );
  return summary(times);
};

/** What a frame may take here and now, where an idle one takes 17 ms on a machine that does nothing else. */
const allowed = async (panel: Panel, milliseconds: number): Promise<number> => {
  const idle = await framesWhile(panel, { is: "nothing" }, 60);
  return milliseconds * Math.max(1, idle.p95 / 17);
};

const report = (what: string, found: Frames): void => {
  process.stdout.write(
    `${what}: median ${found.median.toString()} ms, 95 % ${found.p95.toString()} ms, worst ${found.worst.toString()} ms\n`,
  );
};

test.for([
  [1000, 25],
  [10_000, 100],
] as const)("panning %i nodes, whole and near", async ([count, depth], { host }) => {
  const panel = await host.open(themes.dark, { width: 1600, height: 1000 }, "no-preference");
  const start = performance.now();
  await panel.post({ is: "snapshot", pipeline: large(count, depth), outputs: [], focus: null });
  await panel.laidOut();
  process.stdout.write(
    `${count.toString()} nodes, snapshot to graph: ${Math.round(performance.now() - start).toString()} ms\n`,
  );
  await panel.settle(10);
  await panel.picture(`large-${count.toString()}`);
  const near = await framesWhile(panel, { is: "pan", dx: 14, dy: 3 }, 120);
  report(`${count.toString()} nodes, panning where names can be read`, near);
  await panel.page.locator('[data-action="zoom-fit"]').click();
  await panel.settle(4);
  await panel.picture(`large-${count.toString()}-whole`);
  const whole = await framesWhile(panel, { is: "pan", dx: 4, dy: 0 }, 120);
  report(`${count.toString()} nodes, panning all of them`, whole);
  expect(near.median).toBeLessThan(await allowed(panel, 60));
  expect(whole.median).toBeLessThan(await allowed(panel, 150));
  expect(await panel.errors()).toEqual([]);
});

test("10,000 points a second, on 100,000 that are there", async ({ host }) => {
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
  const found = await framesWhile(panel, { is: "points", from: 100_000, count: 167 }, 180);
  report("10,000 points a second", found);
  await panel.picture("points");
  expect(found.median).toBeLessThan(await allowed(panel, 60));
});

test("10,000 lines a second", async ({ host }) => {
  const panel = await host.open(themes.dark, { width: 1280, height: 860 }, "no-preference");
  await panel.post({
    is: "snapshot",
    pipeline: pipeline([stage("a", { state: { is: "running", since: now() } })]),
    outputs: [],
    focus: null,
  });
  await panel.laidOut();
  const found = await framesWhile(panel, { is: "log", count: 167 }, 180);
  report("10,000 lines a second", found);
  expect(found.median).toBeLessThan(await allowed(panel, 60));
});
