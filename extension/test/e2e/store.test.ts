import { chmodSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const pipeline = `from stageloom import stage


@stage
def draw(count: int = 3) -> list[int]:
    return list(range(count))
`;

test("a realization is pinned and unpinned; garbage goes after it was shown; results are pushed and packed", async ({
  open,
}) => {
  const editor = await open({
    files: { "pipeline.py": pipeline },
    open: "pipeline.py",
    machine: { "stageloom.remote": "${workspaceFolder}/remote" },
  });
  const { lenses, notifications, page, palette, pictures, sidebar } = editor;
  const draw = "def draw(";
  const records = (): number =>
    readdirSync(path.join(editor.workspace, ".stageloom/store/records"), { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".json"),
    ).length;
  await lenses.read(draw, /never realized/, startPatience);
  await lenses.click(draw, "Realize");
  await lenses.read(draw, /cached · just now/, startPatience);

  await sidebar.show("Stageloom");
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("draw");
  await artifacts.choose(/just now/, "Pin Realization");
  await lenses.read(draw, /cached · pinned/, startPatience);
  await artifacts.row(/pinned · /).waitFor({ timeout: startPatience });
  await pictures.screenshots("pinned");

  writeFileSync(path.join(editor.workspace, "pipeline.py"), pipeline.replace("= 3", "= 4"));
  await lenses.read(draw, /stale: count/, startPatience);
  await lenses.click(draw, "Realize");
  await lenses.read(draw, /cached · just now/, startPatience);
  expect(records()).toBe(2);
  await palette.run("Stageloom: Collect Garbage …");
  await notifications.appears(/no garbage to collect: 2 realizations/, startPatience);

  await artifacts.choose(/pinned · /, "Unpin Realization");
  await artifacts.row(/pinned · /).waitFor({ state: "detached", timeout: startPatience });
  await palette.run("Stageloom: Collect Garbage …");
  const dialog = page.locator(".monaco-dialog-box");
  await dialog.waitFor({ timeout: startPatience });
  expect(await dialog.innerText()).toMatch(/Delete 1 realization.*pipeline\.py:draw/s);
  expect(records()).toBe(2);
  await dialog.getByRole("button", { name: "Delete" }).click({ timeout: startPatience });
  await notifications.appears(/Collected 1 realization/, startPatience);
  expect(records()).toBe(1);
  await lenses.read(draw, /cached · /, startPatience);
  expect(readFileSync(path.join(editor.workspace, "pipeline.py"), "utf8")).toContain("= 4");

  await palette.run("Stageloom: Verify Store");
  await notifications.appears(/as it was stored: 1 realization/, startPatience);

  await palette.run("Stageloom: Push …");
  await palette.pick("pipeline.py");
  await notifications.appears(/Pushed 1 realization/, startPatience);
  expect(readdirSync(path.join(editor.workspace, "remote/realizations"))).toHaveLength(1);

  const there = path.join(editor.workspace, "remote/files");
  const pushed = readdirSync(there, { recursive: true, encoding: "utf8" }).filter((name) => name.length > 60);
  for (const name of pushed) {
    const content = readFileSync(path.join(there, name));
    content[0] = (content[0] ?? 0) ^ 1;
    writeFileSync(path.join(there, name), content);
  }
  await palette.run("Stageloom: Check and Mend Remote …");
  await palette.pick("pipeline.py");
  await notifications.appears(new RegExp(`it is all there\\. Mended there: ${pushed.length} object`), startPatience);

  const trees = path.join(editor.workspace, ".stageloom/store/trees");
  const file = readdirSync(trees, { recursive: true, encoding: "utf8" }).find(
    (name) => name.split(path.sep).length > 3,
  );
  const damaged = path.join(trees, file ?? "");
  chmodSync(damaged, 0o644);
  writeFileSync(damaged, "something else");
  await palette.run("Stageloom: Verify Store");
  await notifications.press(/1 damage found/, "Repair");
  await notifications.appears(/Repaired: 1 object moved/, startPatience);
  await palette.run("Stageloom: Pull …");
  await palette.pick("pipeline.py");
  await notifications.appears(/Took in 1 realization/, startPatience);

  await artifacts.expand("draw");
  await artifacts.choose(/just now|min ago/, "Pack Realization");
  const box = page.locator(".quick-input-widget input.input");
  await expect.poll(() => box.inputValue(), { timeout: 30_000 }).toMatch(/draw\.zip$/);
  await page.locator(".quick-input-list .monaco-list-row", { hasText: "remote" }).waitFor({ timeout: 30_000 });
  await page.locator(".quick-input-widget .monaco-button", { hasText: "OK" }).click({ timeout: 30_000 });
  await notifications.appears(/Packed 1 realization/, 30_000);
});
