import { writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const pipeline = `from stageloom import report, stage


@stage
def draw(count: int = 3) -> list[int]:
    return list(range(count))


@stage
def total(draw: list[int]) -> dict[str, float]:
    report(step=1, mean=sum(draw) / len(draw))
    return {"sum": sum(draw), "notes": len(open("notes.txt").read())}
`;

const profiles = JSON.stringify({ profiles: { large: { "pipeline.py": { "draw.count": 10 } } } }, null, 2);

test("a parameter profile is chosen and shown; two realizations are compared; what is read undeclared counts", async ({
  open,
}) => {
  const files = { "pipeline.py": pipeline, "stageloom.json": profiles, "notes.txt": "one\n" };
  const editor = await open({ files, open: "pipeline.py" });
  const { lenses, page, palette, pictures, sidebar } = editor;
  const total = "def total(";
  await lenses.read(total, /never realized/, startPatience);
  await lenses.click(total, "Realize");
  await lenses.read(total, /cached/, startPatience);

  await palette.run("Stageloom: Choose Parameter Profile");
  await palette.pick("large");
  await lenses.read("def draw(", /stale: count: 3 → 10.*profile large/s, startPatience);
  await pictures.screenshots("profile");
  await lenses.click(total, "Realize");
  await lenses.read(total, /cached.*profile large/s, startPatience);

  await sidebar.show("Stageloom");
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("total");
  await artifacts.choose(/just now/, "Compare Realization with");
  await page.locator(".quick-input-list .monaco-list-row").first().click({ timeout: startPatience });
  const difference = page.locator(".monaco-diff-editor");
  await difference.waitFor({ timeout: startPatience });
  await expect.poll(() => difference.innerText(), { timeout: startPatience }).toMatch(/sum\s=\s45/);
  expect(await difference.innerText()).toMatch(/sum\s=\s3\b/);
  await pictures.screenshots("compare");

  await palette.openFile("pipeline.py", 9);
  await palette.run("Stageloom: Choose Parameter Profile");
  await palette.pick("No profile");
  await lenses.read(total, /cached(?!.*profile)/s, startPatience);
  writeFileSync(path.join(editor.workspace, "notes.txt"), "two, and more\n");
  await lenses.read(total, /stale: notes\.txt changed/, startPatience);
});
