import { existsSync } from "node:fs";
import path from "node:path";
import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

test("an untrusted folder shows its stages and runs nothing until it is trusted", async ({ open }) => {
  const editor = await open({ example: "annealing", open: "pipeline.py", trust: true });

  expect(await editor.lenses.read("def params(", /not trusted/, startPatience)).not.toMatch(/Realize/);
  await editor.sidebar.show("Stageloom");
  await editor.sidebar.tree("Pipelines").row("anneal").waitFor();
  await editor.pictures.screenshots("untrusted");
  expect(editor.kernels()).toEqual([]);
  expect(existsSync(path.join(editor.workspace, ".stageloom"))).toBe(false);
  await editor.trustFolder();
  await editor.palette.openFile("pipeline.py");
  await editor.lenses.read("def params(", /Realize.*never realized/s, startPatience);
  expect(editor.kernels()).not.toEqual([]);
});
