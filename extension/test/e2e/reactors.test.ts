import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

test("a program written for PyPlant: its reactors realize from their lenses, and are found again", async ({ open }) => {
  const editor = await open({ example: "pyplant-readme", open: "digits.py" });
  const { lenses, notifications, palette, panel, pictures, sidebar, text } = editor;
  await palette.openFile("digits.py", 52);
  await lenses.read("def draw(", /Realize.*Invalidate.*never realized.*guessed from the source/s, startPatience);
  await sidebar.show("Stageloom");
  await palette.openFile("digits.py", 52);
  await lenses.click("def draw(", /Realize/);
  await notifications.appears(/Realized draw: 3 ran/, startPatience);
  await lenses.read("def draw(", /cached · just now/);
  await lenses.read("def fit(", /cached/);
  await pictures.screenshots("reactors-realized");

  await lenses.click("def draw(", /cached/);
  await panel.appears('stage-cell[data-stage="draw"] img', startPatience);
  await panel.appears('stage-cell[data-stage="measure"]');
  await pictures.screenshots("reactors-panel");

  // only who read the parameter is stale, and says so
  await palette.run("View: Close All Editors");
  await palette.openFile("digits.py", 18);
  await text.replaceLine(18, '        self.color = "tomato"');
  await palette.openFile("digits.py", 52);
  await lenses.read("def draw(", /stale: color: 'steelblue' → 'tomato'/, startPatience);
  await lenses.read("def fit(", /cached/);
});
