import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const pipeline = (answer: number): string => `from stageloom import stage


@stage
def answer():
    return ${answer}


@stage
def told(answer):
    return f"the answer of this folder is {answer}"
`;

test("a workspace of two folders: each has its own stages, store and settings, though files and stages are called alike", async ({
  open,
}) => {
  const editor = await open({
    files: {
      "alpha/pipeline.py": pipeline(1),
      "beta/pipeline.py": pipeline(2),
      "beta/.vscode/settings.json": JSON.stringify({ "stageloom.store": "kept" }),
    },
    folders: ["alpha", "beta"],
    open: "beta/pipeline.py",
  });
  const { lenses, notifications, palette, panel, pictures, sidebar, workspace } = editor;
  await lenses.read("def told(", /Realize.*never realized/s, startPatience);
  await sidebar.show("Stageloom");
  const pipelines = sidebar.tree("Pipelines");
  await pipelines.row("alpha").waitFor();
  await pipelines.row("beta").waitFor();

  await lenses.click("def told(", /^Realize$/);
  await notifications.press(/Realized told: 2 ran/, "Open Panel");
  await panel.appears('stage-cell[data-stage="told"] :text("the answer of this folder is 2")', startPatience);
  await panel.appears('h1:has-text("pipeline.py · beta")');
  await lenses.read("def told(", /cached · just now/);
  expect(existsSync(path.join(workspace, "beta/kept/format.json"))).toBe(true);
  // what a command is about is not asked where a panel has the focus
  await panel.frame().locator("h1").click();
  await palette.run("Stageloom: Realize All Stages");
  await notifications.appears(/Nothing to do: pipeline\.py is cached/, startPatience);
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.row("told").waitFor();
  await pictures.screenshot("folders");
  const rows = await pipelines.rows();
  const alpha = rows.slice(
    0,
    rows.findIndex((row) => row.startsWith("beta")),
  );
  expect(alpha.filter((row) => row.includes("never realized"))).toHaveLength(2);

  await pipelines.act(/^pipeline\.py/, "Realize All");
  await notifications.appears(/Realized pipeline\.py: 2 ran/, startPatience);
  expect(existsSync(path.join(workspace, "alpha/.stageloom/store/format.json"))).toBe(true);

  // a file that is in neither says what it lacks
  writeFileSync(path.join(workspace, "outside.py"), pipeline(3));
  await palette.run("View: Close All Editors");
  await palette.openFile("outside.py", undefined, path.join(workspace, "outside.py"));
  await lenses.read("def answer(", /Open this file's folder/);
});
