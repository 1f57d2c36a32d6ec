import { expect } from "vitest";
import { test } from "./fixture.js";
import { patience, startPatience } from "./page/waiting.js";

test("an untrusted folder shows its stages and runs nothing until it is trusted", async ({ open }) => {
  const editor = await open({ example: "annealing", open: "pipeline.py", trust: true });

  expect(await editor.lenses.read("def params(", /not trusted/, startPatience)).not.toMatch(/Realize/);
  await editor.pictures.screenshot("untrusted", "light");
  await editor.trustFolder();
  await editor.palette.openFile("pipeline.py");
  await editor.lenses.read("def params(", /Realize/, patience);
});
