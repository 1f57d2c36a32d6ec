import { expect } from "vitest";
import { test } from "./fixture.js";
import { patience, startPatience } from "./page/waiting.js";

const plot = "def plot(";

test("realizing the example: states move, outputs show, and a second click runs nothing", async ({ open }) => {
  const editor = await open({ example: "annealing", open: "pipeline.py" });
  const { lenses, notifications, palette, panel, pictures, sidebar } = editor;
  await lenses.read("def params(", /Realize.*Invalidate.*never realized/s, startPatience);
  await sidebar.show("Stageloom");
  await pictures.screenshots("walk-opened");

  await palette.openFile("pipeline.py", 70);
  await lenses.read(plot, /Realize.*never realized/s);
  await lenses.click(plot, "Realize");
  await notifications.appears(/Realizing plot/);
  await lenses.read(plot, /cached · just now · [\d.]+ [kK]B · took/, startPatience);
  await pictures.screenshots("walk-realized");

  await lenses.click(plot, "Realize");
  await notifications.appears(/Nothing to do/);

  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("plot");
  await artifacts.expand(/just now/);
  await artifacts.click("plot.png");
  await editor.page.locator(".tab.active", { hasText: "plot.png" }).waitFor({ timeout: startPatience });
  await pictures.screenshots("walk-artifact");

  // a click on the state opens the panel at the stage
  await palette.openFile("pipeline.py", 70);
  await lenses.click(plot, /cached/);
  await panel.appears('stage-cell[data-stage="plot"] img', startPatience);
  await palette.run("View: Toggle Maximize Editor Group");
  await panel.appears("stage-list .list-row.selected");
  await pictures.screenshots("walk-panel");
});

test("an edit makes stale what it reaches, with the reason; undo of an invalidation brings back", async ({ open }) => {
  const editor = await open({ example: "annealing", open: "pipeline.py" });
  const { lenses, palette, pictures, sidebar, text } = editor;
  await lenses.read("def params(", /never realized/, startPatience);
  await sidebar.show("Stageloom");
  await palette.openFile("pipeline.py", 70);
  await lenses.click(plot, "Realize");
  await lenses.read(plot, /cached/, startPatience);
  const stages = async (): Promise<string[]> => {
    const rows = await sidebar.tree("Pipelines").rows();
    const own = rows.slice(rows.findIndex((row) => row.startsWith("pipeline.py")) + 1);
    // a row's label and its description touch
    return own.map((row) => row.replace(/^(params|anneal|plot)/, "$1 "));
  };
  const stand = async (...expected: readonly RegExp[]): Promise<void> => {
    await expect
      .poll(stages, { timeout: patience })
      .toEqual(expected.map((state) => expect.stringMatching(state) as string));
  };
  await stand(/^params cached/, /^anneal cached/, /^plot cached/);

  // the title of the plot: that stage alone, before it is saved
  await text.replaceLine(75, '    axes.set_title(f"lowest {anneal.best_value:.3f}", loc="left")');
  await stand(/^params cached/, /^anneal cached/, /^plot stale: code changed/);
  await lenses.read(plot, /stale: code changed/);
  await pictures.screenshots("walk-stale");
  await lenses.click(plot, /stale/);
  await editor.page.locator(".diff-editor, .monaco-diff-editor").first().waitFor({ timeout: startPatience });
  await pictures.screenshots("walk-difference");

  // back again: found again, nothing runs
  await palette.openFile("pipeline.py", 75);
  await text.replaceLine(75, '    axes.set_title(f"minimum {anneal.best_value:.3f}", loc="left")  # a comment');
  await stand(/^params cached/, /^anneal cached/, /^plot cached/);

  // a parameter: that stage and what depends on it
  await text.replaceLine(34, "def anneal(params: np.ndarray, maxiter: int = 100, seed: int = 2) -> Trace:");
  await stand(/^params cached/, /^anneal stale: maxiter/, /^plot stale/);
  await text.replaceLine(34, "def anneal(params: np.ndarray, maxiter: int = 500, seed: int = 2) -> Trace:");
  await stand(/^params cached/, /^anneal cached/, /^plot cached/);
  await text.save();

  // a helper in another file
  await palette.openFile("objective.py", 15);
  await text.replaceLine(15, "    return float(bowl + second + first)");
  await stand(/^params cached/, /^anneal stale: code changed/, /^plot stale/);
  await text.replaceLine(15, "    return float(bowl + first + second)");
  await stand(/^params cached/, /^anneal cached/, /^plot cached/);
  await text.save();

  await palette.openFile("pipeline.py", 40);
  await lenses.click("def anneal(", "Invalidate");
  await stand(/^params cached/, /^anneal stale: invalidated/, /^plot stale/);
  await palette.run("Stageloom: Undo Last Invalidation");
  await stand(/^params cached/, /^anneal cached/, /^plot cached/);
});

const slow = `from stageloom import report, stage


@stage
def sleeps():
    import ctypes

    print("asleep", flush=True)
    ctypes.PyDLL(None).sleep(60)  # in C, holding the interpreter's lock
    return 1


@stage
def train(steps: int = 1500, rate: float = 0.02):
    import math
    import random
    import time

    for step in range(steps):
        loss = math.exp(-rate * step) + random.random() / (10 + step)
        report(step=step, total=steps, loss=loss, best=math.exp(-rate * step))
        print(f"step {step}: loss {loss:.4f}", end="\\r")
        time.sleep(0.05)
    return loss


@stage
def evaluate(train: float):
    return {"passed": train < 0.1}
`;

test("cancel stops a long call in C; a curve is drawn live, and kept by the panel", async ({ open }) => {
  const editor = await open({ files: { "slow.py": slow }, open: "slow.py" });
  const { lenses, notifications, palette, panel, pictures, sidebar } = editor;
  await lenses.read("def sleeps(", /never realized/, startPatience);
  await sidebar.show("Stageloom");
  await lenses.click("def sleeps(", "Realize");
  await lenses.read("def sleeps(", /running/, startPatience);
  await notifications.press(/Realizing sleeps/, "Cancel");
  await lenses.read("def sleeps(", /Realize.*(cancelled|never realized)/s, startPatience);

  await lenses.click("def train(", "Realize");
  await lenses.read("def train(", /running \d+ %/, startPatience);
  await sidebar
    .tree("Pipelines")
    .row(/^train\s*running [1-9]/)
    .waitFor();
  await lenses.click("def train(", /running/);
  await panel.appears("canvas", startPatience);
  const cell = panel.frame().locator('stage-cell[data-stage="train"]');
  await cell.scrollIntoViewIfNeeded();
  await cell.locator("canvas").waitFor({ timeout: startPatience });
  await cell
    .getByText(/step \d+: loss/)
    .first()
    .waitFor();
  await palette.run("View: Toggle Maximize Editor Group");
  await panel.appears("stage-list .list-row");
  await cell.hover();
  await editor.page.mouse.wheel(0, 430);
  await pictures.screenshots("walk-live");
});
