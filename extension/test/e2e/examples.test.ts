import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../../scripts/lib/paths.mjs";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const example = (name: string): string => readFileSync(path.join(root, "examples", name), "utf8");

test("programs written for both of Pylightnix's APIs: lenses, the sidebar, what they made, and code that doesn't count", async ({
  open,
}) => {
  const files = {
    "annealing.py": example("pylightnix-manual/annealing.py"),
    "darts.py": example("pylightnix/darts.py"),
  };
  const editor = await open({ files, open: "darts.py" });
  const { lenses, notifications, palette, panel, pictures, sidebar, text } = editor;
  await palette.openFile("darts.py", 75);
  await lenses.read("def stage_pi(", /Realize.*Invalidate.*never realized/s, startPatience);
  await sidebar.show("Stageloom");
  await lenses.click("def stage_pi(", /^Realize$/);
  await notifications.appears(/Realized stage_pi: 3 ran/, startPatience);
  await lenses.read("def stage_average(", /cached · just now/);
  await lenses.click("def stage_average(", /cached/);
  await panel.appears('stage-cell[data-stage="throws"] .state-line:has-text("cached")', startPatience);
  await panel.appears('stage-cell[data-stage="average"]');
  await pictures.screenshots("pylightnix-panel");
  await palette.run("View: Close All Editors");

  await palette.openFile("darts.py", 49);
  await text.replaceLine(49, "            hits = sum(x * x + y * y < radius * radius for x, y in throws)");
  await lenses.read("def stage_throws(", /cached · code changed since, not counted here/, startPatience);
  await pictures.screenshot("pylightnix-changed");
  await text.save();

  await palette.openFile("annealing.py", 128);
  await lenses.read("def stage_best(", /Realize.*never realized/s, startPatience);
  await lenses.click("def stage_best(", /^Realize$/);
  await notifications.appears(/Realized stage_best: 3 ran/, startPatience);
  await lenses.read("def stage_best(", /cached · just now/);
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("plot");
  await artifacts.expand(/just now/);
  await artifacts.row("plot.png").waitFor();
  await pictures.screenshot("pylightnix-manual");
});
