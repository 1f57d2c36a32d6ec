import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const many = `from stageloom import stage


@stage(each={"size": [1, 2, 3, 4, 5]})
def part(size: int) -> list[dict[str, int]]:
    if size > 2:
        raise ValueError(f"too large: {size}")
    return [{"size": size, "square": size * size}, {"size": size + 10, "square": (size + 10) ** 2}]


@stage
def whole(part: list) -> int:
    return len(part)
`;

const other = `from stageloom import stage


@stage
def lone() -> int:
    return 1
`;

test("many instances share a lens, several failures a message, and a second panel takes the first one's column", async ({
  open,
}) => {
  const editor = await open({ files: { "many.py": many, "other.py": other }, open: "many.py" });
  const { lenses, notifications, page, palette, panel, pictures, sidebar, text } = editor;
  const part = "def part(";
  await lenses.read(part, /Realize all.*5 instances: 5 never realized/s, startPatience);
  await sidebar.show("Stageloom");
  await sidebar.tree("Pipelines").row("part[size=5]").waitFor();

  await lenses.click(part, "Realize all");
  await lenses.read(part, /5 instances: 3 failed, 2 cached/, startPatience);
  const told = await notifications.appears(
    /3 stages failed: part\[size=\d\], part\[size=\d\], part\[size=\d\]\. First "part/,
  );
  expect(await told.innerText()).toMatch(/too large/);
  await pictures.screenshots("many-failed");
  await notifications.press(/3 stages failed/, "Show");
  await panel.appears(".frames button", startPatience);
  await panel.appears('.run:has-text("3 failed, 1 never realized, 2 cached")');
  // records are a table
  await panel.frame().locator('stage-cell[data-stage="part[size=1]"]').scrollIntoViewIfNeeded();
  await panel.appears('stage-cell[data-stage="part[size=1]"] th:has-text("square")', startPatience);
  await pictures.screenshots("many-panel");

  await palette.run("View: Focus First Editor Group");
  await palette.openFile("other.py");
  await lenses.read("def lone(", /never realized/, startPatience);
  await lenses.click("def lone(", /never realized/);
  await panel.appears('stage-cell[data-stage="lone"]', startPatience);
  expect(await page.locator(".editor-group-container").count()).toBe(2);

  // what was told of the earlier run goes with the next one
  await palette.run("View: Focus First Editor Group");
  await palette.openFile("many.py", 6);
  await lenses.click("def whole(", "Realize");
  await notifications.appears(/3 stages failed/, startPatience);
  await text.replaceLine(6, "    if size > 20:");
  await lenses.click("def whole(", "Realize");
  await lenses.read(part, /5 instances: 5 cached/, startPatience);
  await notifications.disappears(/3 stages failed/);
});
