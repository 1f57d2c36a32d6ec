import { describe, expect } from "vitest";
import type { StageView } from "../../../extension/src/protocol/panels/messages.js";
import { cached, large, midRun, noOutputs, now, pipeline, realization, stage } from "./data.js";
import { test, type Panel } from "./host.js";
import { openMidRun } from "./mid-run.js";
import { themes } from "./themes.js";

/** Every picture: nothing may have been refused by the page's policy, nothing thrown, nothing asked of another place. */
const isClean = async (panel: Panel): Promise<void> => {
  expect(await panel.violations()).toEqual([]);
  expect(await panel.errors()).toEqual([]);
};

const textOf = (panel: Panel, name: string): Promise<string> => panel.cell(name).innerText();

describe("graph, list and cells", () => {
  test("a click on a node goes to its cell, a double click to its source", async ({ host }) => {
    const panel = await openMidRun(host);
    const node = await panel.nodeAt("evaluate");
    await panel.page.mouse.click(node.x, node.y);
    await panel.page.waitForFunction(() => document.activeElement?.id === "title-evaluate");
    await panel.settle(8);
    const box = await panel.cell("evaluate").boundingBox();
    const cells = await panel.page.locator("stage-cells").boundingBox();
    expect(Math.abs(box!.y - cells!.y)).toBeLessThan(12);
    const plot = await panel.nodeAt("plot");
    await panel.page.mouse.dblclick(plot.x, plot.y);
    expect(await panel.sent("reveal")).toEqual({ is: "reveal", stage: "plot" });
    await isClean(panel);
  });

  test("outputs that can't be read say why, and are asked for again", async ({ host }) => {
    const panel = await host.open(themes.dark);
    const made = stage("made", { state: cached("made") });
    await panel.post({ is: "snapshot", pipeline: pipeline([made]), outputs: [], focus: null });
    expect(await panel.sent("outputs")).toEqual({ is: "outputs", stage: "made" });
    await panel.forget();
    const message = "The engine has ended meanwhile.";
    const none = { advice: "", exception: "", frames: [], detail: "", package: "", command: "" };
    const failure = { kind: "internal" as const, message, ...none };
    await panel.post({
      is: "outputs",
      outputs: noOutputs("made", { rref: realization("made", 1, 1, 1).rref, failure }),
    });
    await panel.cell("made").getByText(message).waitFor();
    await panel.settle(4);
    expect((await panel.intents()).filter(({ is }) => is === "outputs")).toEqual([]);
    await panel.action("read-again", panel.cell("made")).click();
    expect(await panel.sent("outputs")).toEqual({ is: "outputs", stage: "made" });
    await panel.post({
      is: "outputs",
      outputs: noOutputs("made", { rref: realization("made", 1, 1, 1).rref, log: "read\n" }),
    });
    await panel.cell("made").getByText(message).waitFor({ state: "detached" });
    await isClean(panel);
  });

  test("arrow keys walk the list in order and along edges; Enter goes to the cell", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.page.locator(".list-box").focus();
    const selected = (): Promise<string | null> => panel.page.locator(".list-row.selected .list-name").textContent();
    await panel.page.keyboard.press("Home");
    expect(await selected()).toBe("raw");
    await panel.page.keyboard.press("ArrowDown");
    expect(await selected()).toBe("labels");
    await panel.page.keyboard.press("ArrowRight");
    expect(await selected()).toBe("train");
    await panel.page.keyboard.press("ArrowLeft");
    expect(await selected()).toBe("features");
    await panel.page.keyboard.type("pl");
    expect(await selected()).toBe("plot");
    await panel.page.keyboard.press("Enter");
    await panel.page.waitForFunction(() => document.activeElement?.id === "title-plot");
    const row = panel.page.locator('[role="option"]').first();
    expect(await row.getAttribute("aria-label")).toContain("raw, cached · 2 h ago");
    await isClean(panel);
  });

  test("arrow keys walk the graph along edges too", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.graph.focus();
    for (const key of ["ArrowDown", "ArrowDown", "ArrowDown"]) await panel.page.keyboard.press(key);
    await panel.settle();
    expect(await panel.page.locator("stage-graph [aria-live]").textContent()).toMatch(/^train, running 41 %/);
  });

  test("wheel and buttons move and zoom; the look, folds and scroll come back after a reload", async ({ host }) => {
    const panel = await openMidRun(host);
    const before = await panel.nodeAt("raw");
    await panel.page.mouse.move(before.x, before.y);
    await panel.page.mouse.wheel(0, 120);
    await panel.settle();
    expect((await panel.nodeAt("raw")).y).toBeCloseTo(before.y - 120, 0);
    await panel.page.locator('[data-action="zoom-in"]').click();
    await panel.cell("raw").locator(".parameters .section-head").click();
    await panel.post({ is: "focus", stage: "evaluate" });
    await panel.settle(12);
    const place = await panel.nodeAt("raw");
    await panel.page.waitForTimeout(250);
    await panel.page.reload();
    await panel.sent("ready");
    await panel.post({ is: "snapshot", pipeline: midRun(), outputs: [], focus: null });
    await panel.laidOut();
    await panel.settle(14);
    expect(await panel.nodeAt("raw")).toEqual(place);
    const box = await panel.cell("evaluate").boundingBox();
    const cells = await panel.page.locator("stage-cells").boundingBox();
    expect(Math.abs(box!.y - cells!.y)).toBeLessThan(12);
    await panel.post({ is: "focus", stage: "raw" });
    await panel.settle(12);
    expect(await panel.cell("raw").locator(".parameters .section-head").getAttribute("aria-expanded")).toBe("false");
  });

  test("the cells follow what runs, until the user scrolls away and until they are back", async ({ host }) => {
    const panel = await host.open(themes.dark);
    const source = Array.from({ length: 40 }, (_, line) => `    step(${line})`).join("\n");
    const names = ["one", "two", "three", "four", "five"];
    const stages = names.map((name, at) =>
      stage(name, { source: `@stage\ndef ${name}():\n${source}`, dependencies: names.slice(Math.max(0, at - 1), at) }),
    );
    const run = { run: "1", is: "running", targets: ["five"], finished: 0, total: 5 } as const;
    const runs = async (name: string): Promise<void> => {
      const changed = stages.flatMap((one): StageView[] =>
        one.name === name
          ? [{ ...one, state: { is: "running", since: now() } }]
          : names.indexOf(one.name) === names.indexOf(name) - 1
            ? [{ ...one, state: cached(one.name) }]
            : [],
      );
      await panel.post({ is: "stages", stages: changed, run });
      await panel.settle(14);
    };
    const above = async (name: string): Promise<number> =>
      (await panel.cell(name).boundingBox())!.y - (await panel.page.locator("stage-cells").boundingBox())!.y;
    await panel.post({ is: "snapshot", pipeline: pipeline(stages), outputs: [], focus: null });
    await panel.laidOut();
    await runs("one");
    await runs("two");
    expect(Math.abs(await above("two"))).toBeLessThan(12);
    await runs("three");
    expect(Math.abs(await above("three"))).toBeLessThan(12);

    await panel.cell("three").hover();
    await panel.page.mouse.wheel(0, -700);
    await panel.settle(14);
    const place = await above("two");
    await runs("four");
    expect(await above("two")).toBeCloseTo(place, 0);

    await panel.page.mouse.wheel(0, await above("four"));
    await panel.settle(14);
    await runs("five");
    expect(await above("five")).toBeLessThan(400);
    await isClean(panel);
  });

  test("intents: realize, invalidate, reveal, difference, undo, cancel", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.action("cancel").click();
    expect(await panel.sent("cancel")).toEqual({ is: "cancel" });
    const idle = { ...midRun(), run: { run: "1", is: "failed", targets: [], finished: 8, total: 10 } } as const;
    await panel.post({ is: "snapshot", pipeline: idle, outputs: [], focus: "baseline" });
    await panel.settle(12);
    await panel.action("diff", panel.cell("baseline")).click();
    expect(await panel.sent("diff")).toEqual({ is: "diff", stage: "baseline" });
    await panel.action("realize", panel.cell("baseline")).click();
    expect(await panel.sent("realize")).toEqual({ is: "realize", stages: ["baseline"] });
    await panel.action("reveal", panel.cell("baseline")).click();
    expect(await panel.sent("reveal")).toEqual({ is: "reveal", stage: "baseline" });
    await panel.action("invalidate-dependents", panel.cell("baseline")).click();
    expect(await panel.sent("invalidate")).toEqual({ is: "invalidate", stage: "baseline", dependents: true });
    await panel.action("undo").click();
    await panel.sent("undo");
    await panel.action("realize-all").click();
    expect(await panel.sent("realize")).toEqual({ is: "realize", stages: [] });
    await isClean(panel);
  });

  test("while nothing is trusted nothing can be run, and the panel says why", async ({ host }) => {
    const panel = await host.open(themes.light);
    await panel.post({
      is: "snapshot",
      pipeline: { ...midRun(), run: null, trusted: false },
      outputs: [],
      focus: null,
    });
    await panel.laidOut();
    expect(await panel.page.locator("stage-bar").innerText()).toContain("not trusted");
    expect(await panel.action("realize-all").getAttribute("disabled")).not.toBeNull();
    expect(await panel.action("realize", panel.cell("raw")).getAttribute("disabled")).not.toBeNull();
  });
});

describe("what a stage shows", () => {
  test("outputs are asked for once, when a cell comes near", async ({ host }) => {
    const panel = await host.open(themes.dark);
    const many = Array.from({ length: 200 }, (_, at) =>
      stage(`s${at.toString()}`, { state: cached(`s${at.toString()}`) }),
    );
    await panel.post({ is: "snapshot", pipeline: pipeline(many), outputs: [], focus: null });
    await panel.laidOut();
    await panel.settle(6);
    const asked = (await panel.intents()).filter(({ is }) => is === "outputs");
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(60);
    expect(new Set(asked.map((intent) => JSON.stringify(intent))).size).toBe(asked.length);
    await panel.post({ is: "focus", stage: "s150" });
    await panel.page.waitForFunction(() =>
      (window as unknown as { __sent: { stage?: string }[] }).__sent.some(({ stage: name }) => name === "s150"),
    );
  });

  test("the stage gone to stays where it was put while outputs arrive above it, until the user scrolls", async ({
    host,
  }) => {
    const panel = await host.open(themes.dark);
    const many = Array.from({ length: 8 }, (_, at) =>
      stage(`s${at.toString()}`, { state: cached(`s${at.toString()}`) }),
    );
    await panel.post({ is: "snapshot", pipeline: pipeline(many), outputs: [], focus: "s4" });
    await panel.laidOut();
    const distance = async (): Promise<number> => {
      await panel.settle(4);
      const [cell, cells] = [
        await panel.cell("s4").boundingBox(),
        await panel.page.locator("stage-cells").boundingBox(),
      ];
      return Math.abs(cell!.y - cells!.y);
    };
    const arrive = async (name: string): Promise<void> => {
      const log = Array.from({ length: 12 }, (_, at) => `line ${at.toString()}\n`).join("");
      await panel.post({
        is: "outputs",
        outputs: { stage: name, rref: `rref:${name}`, previews: [], log, points: [] },
      });
    };
    expect(await distance()).toBeLessThan(12);
    for (const name of ["s0", "s2", "s3", "s7"]) await arrive(name);
    expect(await distance()).toBeLessThan(12);
    await panel.page.locator("stage-cells").hover();
    await panel.page.mouse.wheel(0, -300);
    await arrive("s6");
    expect(await distance()).toBeGreaterThan(150);
  });

  test("a log is shown as a terminal shows it, and its traceback can be clicked", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.post({ is: "focus", stage: "train" });
    await panel.settle(12);
    const log = panel.cell("train").locator(".terminal");
    expect((await log.innerText()).match(/fit:/g)?.length).toBe(1);
    expect(await log.innerText()).toContain("fit:  41%");
    await panel.post({ is: "log", stage: "train", text: "\rfit: 100%|done\u001b[K\n\u001b[32mbest 0.12\u001b[0m\n" });
    await panel.settle();
    expect(await log.innerText()).toContain("fit: 100%|done");
    expect(await log.innerText()).not.toContain("41%");
    const green = log.locator("span", { hasText: "best 0.12" });
    expect(await green.evaluate((element) => getComputedStyle(element).color)).toBe("rgb(13, 188, 121)");
    await panel.post({ is: "focus", stage: "evaluate" });
    await panel.settle(12);
    await panel.cell("evaluate").locator(".terminal .link").first().click();
    expect(await panel.sent("open-frame")).toEqual({
      is: "open-frame",
      path: "/home/ada/project/pipeline.py",
      line: 70,
    });
    await panel.cell("evaluate").locator(".frames .link").first().click();
    expect(await panel.sent("open-frame")).toEqual({
      is: "open-frame",
      path: "/home/ada/project/helpers/metrics.py",
      line: 17,
    });
    expect(await textOf(panel, "evaluate")).toContain("mend the code");
    await panel.cell("evaluate").locator(".terminal-frame").hover();
    await panel.action("copy-log", panel.cell("evaluate")).click();
    expect((await panel.sent("copy")).text).toContain("KeyError: 'r2'");
    expect((await panel.sent("copy")).text).not.toContain("\u001b");
    await isClean(panel);
  });

  test("100,000 lines: few are in the page, it follows the end, and stays where the user reads", async ({ host }) => {
    const panel = await host.open(themes.dark);
    const run = (name: string): StageView => stage(name, { state: { is: "running", since: now() } });
    await panel.post({ is: "snapshot", pipeline: pipeline([run("a")]), outputs: [], focus: null });
    await panel.laidOut();
    const lines = (from: number, count: number): string =>
      Array.from({ length: count }, (_, at) => `line ${(from + at).toString()} of the log\n`).join("");
    await panel.post({ is: "log", stage: "a", text: lines(0, 99_000) });
    const log = panel.cell("a").locator(".terminal");
    await log.waitFor();
    expect(await log.locator(".terminal-line").count()).toBeLessThan(80);
    expect(await log.innerText()).toContain("line 98999");
    await log.evaluate((element) => (element.scrollTop = 18 * 500));
    await panel.settle();
    expect(await log.innerText()).toContain("line 505");
    await panel.post({ is: "log", stage: "a", text: lines(99_000, 500) });
    expect(await log.innerText()).toContain("line 505");
    await panel.cell("a").locator(".terminal-frame").hover();
    await panel.action("log-end", panel.cell("a")).click();
    await panel.settle();
    expect(await log.innerText()).toContain("line 99499");
  });

  test("reported values are drawn while they come, and kept", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.post({ is: "focus", stage: "train" });
    await panel.settle(12);
    const chart = panel.cell("train").locator("stage-chart");
    expect(await chart.getAttribute("data-drawn")).toBe("34");
    expect(await chart.innerText()).toMatch(/loss\s+0\.\d+/);
    const inked = (): Promise<number> =>
      chart.locator("canvas").evaluate((canvas) => {
        // the element that the chart draws on
        const element = canvas as HTMLCanvasElement;
        const pixels = element.getContext("2d")!.getImageData(0, 0, element.width, element.height).data;
        let count = 0;
        for (let at = 0; at < pixels.length; at += 4)
          if (pixels[at + 2]! > 200 && pixels[at]! < 130 && pixels[at + 3]! > 100) count++;
        return count;
      });
    const before = await inked();
    expect(before).toBeGreaterThan(150);
    await panel.post({
      is: "points",
      stage: "train",
      points: Array.from({ length: 500 }, (_, at) => ({ step: 17 + at, at: 0, values: { loss: Math.random() } })),
      reset: false,
    });
    await panel.settle(4);
    expect(await chart.innerText()).toContain("517 points");
    expect(await inked()).not.toBe(before);
    await chart.locator(".legend-item").first().click();
    expect(await chart.locator(".legend-item").first().getAttribute("aria-pressed")).toBe("false");
    await isClean(panel);
  });

  test("pictures, arrays, tables, JSON and what has no preview", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.post({ is: "focus", stage: "gallery" });
    await panel.settle(12);
    const svg = panel.cell("gallery").locator('[data-file="fit.svg"] img');
    expect(await svg.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(480);
    expect(await panel.page.evaluate(() => "__svgRan" in window)).toBe(false);
    expect(
      await panel
        .cell("gallery")
        .locator('[data-file="fit.png"] img')
        .evaluate((image: HTMLImageElement) => image.naturalWidth),
    ).toBe(1000);
    await panel.action("open-file", panel.cell("gallery").locator('[data-file="fit.png"]')).click();
    expect((await panel.sent("open-file")).file).toBe("fit.png");
    await panel.post({ is: "focus", stage: "labels" });
    await panel.settle(12);
    expect(await textOf(panel, "labels")).toMatch(/48000[\s\S]*float64[\s\S]*12\.41 … 82\.6/);
    expect(await panel.cell("labels").locator("svg.sparkline path").getAttribute("d")).toMatch(/^M0\.0 /);
    expect(await textOf(panel, "features")).toContain("48000 × 32");
    expect(await textOf(panel, "features")).toContain('"window": 16');
    expect(await textOf(panel, "features")).toContain("never opened for a preview");
    await panel.post({ is: "focus", stage: "raw" });
    await panel.settle(12);
    expect(await textOf(panel, "raw")).toContain("The first 8 of 48,012 rows.");
    await isClean(panel);
  });

  test("a missing package comes with the command that installs it", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.post({ is: "focus", stage: "explain" });
    await panel.settle(12);
    await panel.action("copy-install", panel.cell("explain")).click();
    expect(await panel.sent("copy")).toEqual({
      is: "copy",
      text: "/home/ada/project/.venv/bin/python -m pip install shap",
    });
  });

  test("cells that change places still follow their stages", async ({ host }) => {
    const panel = await host.open(themes.dark);
    const [a, b, c] = [stage("a"), stage("b"), stage("c")];
    await panel.post({ is: "snapshot", pipeline: pipeline([a, b, c]), outputs: [], focus: null });
    await panel.laidOut();
    const needy = { ...a, dependencies: ["c"] };
    await panel.post({ is: "snapshot", pipeline: pipeline([needy, b, c]), outputs: [], focus: null });
    const order = await panel.page.locator("stage-cell h2").allInnerTexts();
    expect(order.map((name) => name.trim())).toEqual(["c", "a", "b"]);
    const running = { is: "running", since: now() } as const;
    await panel.post({
      is: "stages",
      stages: [
        { ...needy, state: running },
        { ...b, state: running },
        { ...c, state: running },
      ],
      run: null,
    });
    for (const name of ["a", "b", "c"]) expect(await textOf(panel, name)).toContain("running");
  });

  test("a stage that runs anew shows nothing of what it made before", async ({ host }) => {
    const panel = await openMidRun(host);
    await panel.post(
      { is: "points", stage: "raw", points: [], reset: true },
      { is: "stages", stages: [{ ...midRun().stages[0]!, state: { is: "running", since: now() } }], run: null },
      { is: "log", stage: "raw", text: "reading again\n" },
    );
    const text = await textOf(panel, "raw");
    expect(text).toContain("reading again");
    expect(text).not.toContain("48,012");
  });
});

describe("states of the whole", () => {
  test("problems in the source are listed, and lead to their place", async ({ host }) => {
    const panel = await host.open(themes.light);
    const span = { path: "/home/ada/project/pipeline.py", line: 11, column: 4, endLine: 11, endColumn: 9 };
    const broken = pipeline(
      [
        stage("a", { dependencies: ["b"], state: { is: "broken" } }),
        stage("b", { dependencies: ["a"], state: { is: "broken" } }),
      ],
      {
        problems: [
          { code: "cycle", message: "a and b need each other: a → b → a", span, severity: "error", stages: ["a", "b"] },
          {
            code: "unknown-dependency",
            message: "No stage is called “parms”. Did you mean “params”?",
            span: { ...span, line: 40 },
            severity: "error",
            stages: [],
          },
        ],
      },
    );
    await panel.post({ is: "snapshot", pipeline: broken, outputs: [], focus: null });
    await panel.laidOut();
    await panel.page.locator(".problems .link").first().click();
    expect(await panel.sent("open-frame")).toEqual({ is: "open-frame", path: span.path, line: 11 });
    await panel.picture("problems-light");
    await panel.post({ is: "snapshot", pipeline: pipeline([]), outputs: [], focus: null });
    expect(await panel.page.locator(".welcome").innerText()).toContain("@stage");
    await panel.picture("empty-light");
    await isClean(panel);
  });

  test("the layout is made in a worker from a blob", async ({ host }) => {
    const panel = await host.open(themes.dark);
    await panel.post({ is: "snapshot", pipeline: large(1000, 25), outputs: [], focus: null });
    await panel.laidOut();
    expect(panel.page.workers().length).toBe(1);
    await isClean(panel);
  });

  test("every control has a name", async ({ host }) => {
    const panel = await openMidRun(host);
    const nameless = await panel.page.evaluate(() =>
      [
        ...document.querySelectorAll(
          "vscode-button, button, input, canvas, [role=listbox], [role=region], progress, vscode-text-field, img",
        ),
      ]
        .filter(
          (element) =>
            (element.getAttribute("aria-label") ?? element.textContent).trim() === "" &&
            element.getAttribute("alt") === null,
        )
        .map((element) => element.outerHTML.slice(0, 120)),
    );
    expect(nameless).toEqual([]);
  });
});

describe("pictures to look at", () => {
  test.for(Object.values(themes))("in $name", async (theme, { host }) => {
    const panel = await openMidRun(host, theme);
    await panel.settle(8);
    await panel.picture(`top-${theme.name}`);
    for (const name of ["train", "evaluate", "baseline", "labels", "gallery"]) {
      await panel.post({ is: "focus", stage: name });
      await panel.settle(14);
      await panel.picture(`${name}-${theme.name}`);
    }
    await isClean(panel);
  });

  test.for([
    ["narrow", 400, 900],
    ["wide", 1600, 1000],
  ] as const)("%s", async ([name, width, height], { host }) => {
    const panel = await openMidRun(host, themes.dark, { width, height });
    await panel.post({ is: "focus", stage: "train" });
    await panel.settle(14);
    expect(await panel.page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    expect(
      await panel.page.evaluate(
        () => document.querySelector("stage-cells")!.scrollWidth <= document.querySelector("stage-cells")!.clientWidth,
      ),
    ).toBe(true);
    await panel.picture(name);
  });

  test("a node under the pointer lights up its kin", async ({ host }) => {
    const panel = await openMidRun(host, themes.light);
    const node = await panel.nodeAt("train");
    await panel.page.mouse.move(node.x, node.y);
    await panel.settle(6);
    await panel.picture("hover-light");
  });
});
