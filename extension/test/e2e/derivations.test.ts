import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

test("derivations realize like functions; artifacts are read, exported, forgotten; the panel outlives a reload", async ({
  open,
}) => {
  const editor = await open({ example: "annealing", open: "derivations.py" });
  const { lenses, notifications, page, palette, panel, pictures, sidebar } = editor;
  await lenses.read("def stage_params(", /Realize.*Invalidate.*never realized/s, startPatience);
  await sidebar.show("Stageloom");
  await palette.openFile("derivations.py", 97);
  // a lens of the function that passes the manager on, and by the palette
  await lenses.read("def stage_all(", /Realize.*never realized/s);
  await palette.run("Stageloom: Realize Stage");
  await palette.pick("stage_all");
  await notifications.appears(/Realizing stage_all/);
  await lenses.read("def stage_all(", /cached/, startPatience);
  await notifications.appears(/Realized stage_all: 3 ran/);
  await lenses.read("def stage_plot(", /cached · just now/);
  await pictures.screenshots("derivations-realized");

  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("params");
  await artifacts.expand(/just now/);
  await artifacts.click("params.npy");
  await page.locator(".tab.active", { hasText: "params.npy" }).waitFor({ timeout: startPatience });
  await editor.text.shows("float64");
  await pictures.screenshots("artifact-array");

  await artifacts.choose("params.npy", "Copy Path");
  await artifacts.choose("params.npy", "Reveal Artifact in Explorer View");
  await page.locator(".explorer-folders-view .monaco-list-row.selected", { hasText: "params.npy" }).waitFor();
  await sidebar.show("Stageloom");
  await artifacts.choose("params.npy", "Export");
  await page.locator(".quick-input-widget input.input").waitFor();
  await page.keyboard.press("Enter");
  await notifications.appears(/Exported to .*params\.npy/);
  expect(existsSync(path.join(editor.workspace, "params.npy")), readdirSync(editor.workspace).join()).toBe(true);

  const stages = sidebar.tree("Pipelines");
  await stages.choose("anneal", "Invalidate Stage with Dependents");
  await notifications.press(/Invalidated 2 realizations/, "Undo");
  await notifications.appears(/2 realizations are visible again/);

  await palette.openFile("derivations.py", 97);
  await lenses.click("def stage_plot(", /cached/);
  await panel.appears('stage-cell[data-stage="plot"] img', startPatience);
  await pictures.screenshots("derivations-panel");
  await pictures.screenshot("derivations-panel", "high-contrast");
  // by the keyboard: along the graph to a cell, and from the list
  await panel.frame().locator("stage-graph canvas").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await panel.appears('stage-cell[data-stage="anneal"] canvas', startPatience);
  await palette.run("View: Toggle Maximize Editor Group");
  await panel.frame().locator("stage-list .list-box").focus();
  await page.keyboard.press("Home");
  await page.keyboard.press("Enter");
  await panel.appears('stage-list .list-row.selected[aria-label^="params"]');
  await panel.appears('stage-cell[data-stage="params"] .output-list', startPatience);
  await pictures.screenshot("panel-list", "light");

  await editor.reload();
  await panel.appears('stage-cell[data-stage="plot"] .state-line:has-text("cached")', startPatience);
  await panel.appears("stage-cell.selected, stage-cell .cell.selected");
  await pictures.screenshot("panel-restored", "dark");
});
