import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

test("a pipeline in all three ways: one graph, one click, and an edit goes across", async ({ open }) => {
  const editor = await open({ example: "mixed", open: "pipeline.py" });
  const { lenses, notifications, palette, panel, pictures, text } = editor;
  await palette.openFile("pipeline.py", 66);
  await lenses.read("def picture(", /Realize.*Invalidate.*never realized/s, startPatience);
  await lenses.click("def picture(", /^Realize$/);
  await notifications.appears(/Realized picture: 4 ran/, startPatience);
  await lenses.read("def picture(", /cached · just now/);
  await lenses.read("def smooth(", /cached/);
  await lenses.click("def picture(", /cached/);
  await panel.appears('stage-cell[data-stage="noise"] .state-line:has-text("cached")', startPatience);
  await panel.appears('stage-cell[data-stage="smooth"]');
  await pictures.screenshots("mixing-panel");
  await palette.run("View: Close All Editors");

  await palette.openFile("pipeline.py", 48);
  await text.replaceLine(
    48,
    '        {"name": "noise", "signal": signal, "strength": 0.2, "seed": 7, "measured": [selfref, "measured.npy"]}',
  );
  await lenses.read("def stage_noise(", /stale: strength: 0.4 → 0.2/, startPatience);
  await palette.openFile("pipeline.py", 66);
  await lenses.read("def picture(", /stale/, startPatience);
});
