import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

const pipeline = `from stageloom import stage

from helper import parse


@stage
def table():
    return "3;4;x"


@stage
def numbers(table: str):
    return parse(table)
`;

const helper = `def parse(text):
    return [int(part) for part in text.split(";")]
`;

test("a folder that is opened by a symbolic link is worked in by that name", async ({ open }) => {
  const editor = await open({ files: { "p.py": pipeline, "helper.py": helper }, open: "p.py", linked: true });
  const { lenses, notifications, page, palette, panel, sidebar, text } = editor;
  await lenses.read("def table(", /never realized/, startPatience);
  await sidebar.show("Stageloom");
  await sidebar.tree("Pipelines").row("numbers").waitFor();
  await lenses.click("def numbers(", "Realize");
  await lenses.read("def numbers(", /failed: ValueError/, startPatience);
  await lenses.read("def table(", /cached/);

  // the traceback leads to the file by the name that the workspace has it under
  await notifications.press(/"numbers" failed/, "Show Traceback");
  const cell = panel.frame().locator('stage-cell[data-stage="numbers"]');
  await cell.locator(".frames button", { hasText: "p.py:13" }).first().click({ timeout: startPatience });
  await lenses.read("def numbers(", /failed: ValueError/);
  expect(await page.locator(".tab", { hasText: /^p\.py/ }).count()).toBe(1);
  await cell.locator(".frames button", { hasText: "helper.py:2" }).first().click();
  await page.locator(".tab.active", { hasText: "helper.py" }).waitFor();
  await text.shows("int(part)");
  await page.locator(".squiggly-error").first().waitFor();

  // what is edited there counts
  await text.replaceLine(2, '    return [len(part) for part in text.split(";")]');
  await text.save();
  await palette.openFile("p.py", 10);
  await lenses.click("def numbers(", "Realize");
  await lenses.read("def numbers(", /cached/, startPatience);

  await sidebar.show("Stageloom");
  const artifacts = sidebar.tree("Artifacts");
  await artifacts.expand("table");
  await artifacts.expand(/just now/);
  await artifacts.click("return value");
  await text.shows("3;4;x");
  await palette.openFile("helper.py");
  await sidebar.tree("Pipelines").click("table");
  await page.locator(".tab.active", { hasText: /^p\.py/ }).waitFor();
  await lenses.read("def table(", /cached/);
});
