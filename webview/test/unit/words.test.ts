import { describe, expect, test } from "vitest";
import type { StageState } from "../../src/contract.js";
import { Series, SeriesSet } from "../../src/cells/series.js";
import { firstLook, fit, reveal, toWorld, zoom } from "../../src/graph/camera.js";
import { SpatialIndex } from "../../src/graph/spatial.js";
import { shortNumber } from "../../../extension/src/protocol/words/figures.js";
import { pythonLines } from "../../src/text/python.js";
import { runWords, standWords } from "../../src/text/states.js";
import { random, realization } from "../browser/data.js";

describe("figures in words", () => {
  test("numbers", () => {
    expect([0, 3, -2.5, 0.1 + 0.2, 1 / 3, 12_345.678, 2e-5, 1.5e9, 123_456_789].map(shortNumber)).toEqual([
      "0",
      "3",
      "-2.5",
      "0.3",
      "0.33333",
      "12346",
      "2e-5",
      "1.5e9",
      "1.235e8",
    ]);
  });

  test("a run under way, and how a pipeline stands where nothing runs", () => {
    expect(runWords({ run: "1", is: "running", targets: [], finished: 2, total: 5 })).toBe("Running · 2 of 5 stages");
    expect(runWords({ run: "1", is: "running", targets: [], finished: 0, total: 1 })).toBe("Running · 0 of 1 stage");
    expect(runWords({ run: "1", is: "running", targets: [], finished: 2, total: 5, awaits: "worker" })).toBe(
      "Waiting for a worker · 2 of 5 stages",
    );
    expect(runWords({ run: "1", is: "planning", targets: [], finished: 0, total: 0 })).toBe("Planning");
    const cached = { is: "cached", kept: false, realization: realization("a", 1, 1, 0) } as const;
    const words = (...states: readonly StageState[]): string | undefined => standWords(states)?.words;
    expect(words(cached, cached)).toBe("All cached");
    expect(words(cached, { is: "stale", reasons: [] }, { is: "absent" })).toBe("1 stale, 1 never realized, 1 cached");
    expect(standWords([cached, { is: "stale", reasons: [] }])?.look.tone).toBe("stale");
    expect(standWords([{ is: "stale", reasons: [] }], 12)?.forecast).toBe("A run takes about 12 s, by past runs");
    expect(words({ is: "unknown" }, { is: "unknown" })).toBe(undefined);
    expect(words()).toBe(undefined);
  });
});

describe("python's colours", () => {
  test("every character stays, also of a piece with a syntax error", () => {
    for (const source of [
      '@stage\ndef f(a: int = 3) -> str:\n    """Doc."""\n    return f"{a} x"  # note\n',
      "def broken(:\n  'open\n\n\tx =",
    ]) {
      expect(
        pythonLines(source)
          .map((line) => line.map(({ text }) => text).join(""))
          .join("\n"),
      ).toBe(source);
    }
  });

  test("kinds are told apart", () => {
    const kinds = new Map(
      pythonLines('@stage\ndef f():\n    return "x", 3, None  # note')
        .flat()
        .map(({ text, kind }) => [text.trim(), kind]),
    );
    expect(kinds.get("stage")).toBe("tok-decorator");
    expect(kinds.get("def")).toBe("tok-keyword");
    expect(kinds.get("f")).toBe("tok-function");
    expect(kinds.get('"x"')).toBe("tok-string");
    expect(kinds.get("3")).toBe("tok-number");
    expect(kinds.get("None")).toBe("tok-constant");
    expect(kinds.get("# note")).toBe("tok-comment");
  });
});

describe("series", () => {
  test("drawing few points of many keeps ends and spikes", () => {
    const series = new Series("loss");
    for (let at = 0; at < 100_000; at++) series.push(at, at === 54_321 ? 99 : Math.sin(at / 1000));
    const drawn = series.drawn(1200);
    expect(drawn.length).toBeLessThanOrEqual(1204);
    expect(drawn[0]).toEqual({ x: 0, y: 0 });
    expect(drawn.at(-1)?.x).toBe(99_999);
    expect(Math.max(...drawn.map(({ y }) => y))).toBe(99);
    expect(drawn.every(({ x }, at) => at === 0 || x >= drawn[at - 1]!.x)).toBe(true);
  });

  test("values of quite another size get an axis of their own", () => {
    const set = new SeriesSet();
    set.take([
      { step: 0, at: 0, values: { loss: 1.2, accuracy: 0.6, throughput: 48_000 } },
      { step: 1, at: 1, values: { loss: Number.NaN } },
    ]);
    expect([...set.onRight()]).toEqual(["throughput"]);
    expect(set.all.map(({ name, length }) => [name, length])).toEqual([
      ["loss", 1],
      ["accuracy", 1],
      ["throughput", 1],
    ]);
  });
});

describe("the camera", () => {
  const view = { width: 400, height: 300 };

  test("zooming keeps what is under the pointer", () => {
    const look = { x: 50, y: 60, scale: 0.7 };
    const before = toWorld(look, view, 120, 80);
    const after = toWorld(zoom(look, view, 120, 80, 1.7), view, 120, 80);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  test("fits what is large, and does not blow up what is small", () => {
    expect(fit({ width: 100, height: 50 }, view).scale).toBe(1);
    expect(fit({ width: 100_000, height: 50 }, view).scale).toBeCloseTo(344 / 100_000);
    expect(firstLook({ width: 100_000, height: 9000 }, view).scale).toBeGreaterThanOrEqual(0.6);
  });

  test("moves only when what is to be seen is not", () => {
    const look = { x: 200, y: 150, scale: 1 };
    expect(reveal(look, view, { left: 100, top: 100, right: 200, bottom: 150 })).toEqual(look);
    expect(reveal(look, view, { left: 500, top: 100, right: 600, bottom: 150 })).toEqual({ x: 424, y: 150, scale: 1 });
  });
});

test("the spatial index finds what a search of all finds", () => {
  const next = random(3);
  const boxes = new Float64Array(4 * 500);
  for (let at = 0; at < 500; at++) {
    const [x, y] = [next() * 1000, next() * 400];
    boxes.set([x, y, x + next() * 200, y + next() * 40], at * 4);
  }
  const index = new SpatialIndex(boxes, 1200, 440);
  for (let round = 0; round < 50; round++) {
    const [left, top] = [next() * 1200 - 100, next() * 440 - 50];
    const rect = { left, top, right: left + next() * 300, bottom: top + next() * 100 };
    const found: number[] = [];
    index.query(rect, (item) => found.push(item));
    const all = Array.from({ length: 500 }, (_, at) => at).filter(
      (at) =>
        boxes[at * 4]! <= rect.right &&
        boxes[at * 4 + 2]! >= rect.left &&
        boxes[at * 4 + 1]! <= rect.bottom &&
        boxes[at * 4 + 3]! >= rect.top,
    );
    expect(found.toSorted((a, b) => a - b)).toEqual(all);
  }
});
