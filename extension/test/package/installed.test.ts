import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "../e2e/fixture.js";
import { patience, startPatience } from "../e2e/page/waiting.js";
import { packageExtension } from "../../../scripts/lib/package.mjs";
import { temporaryFolder } from "../../../scripts/lib/temporary.mjs";

test("the packaged extension realizes in a clean profile, without the checkout", async ({ open }) => {
  const vsix = path.join(temporaryFolder("vsix"), "stageloom.vsix");
  await packageExtension(vsix);
  const editor = await open({ example: "annealing", open: "pipeline.py", vsix });

  const installed = readFileSync(path.join(editor.folder, "data/extensions/extensions.json"), "utf8");
  expect(installed).toContain("stageloom.stageloom");
  const folder = readdirSync(path.join(editor.folder, "data/extensions")).find((name) => name.startsWith("stageloom."));
  const page = readFileSync(path.join(editor.folder, "data/extensions", folder!, "readme.md"), "utf8");
  expect(page).toContain("# Stageloom");
  const walk = path.join(editor.folder, "data/extensions", folder!, "docs/pictures");
  expect(readdirSync(walk).sort()).toContain("realized-dark.png");
  expect(page).not.toMatch(/<picture|\]\((?!https:|#)/);
  await editor.lenses.read("def params(", /never realized/, startPatience);
  await editor.lenses.click("def params(", /^Realize$/);
  await editor.lenses.read("def params(", /cached/, patience);
});
