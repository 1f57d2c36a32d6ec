import { expect } from "vitest";
import { test } from "./fixture.js";
import { startPatience } from "./page/waiting.js";

test("opening a pipeline shows lenses over its stages and the stages in the sidebar", async ({ open }) => {
  const editor = await open({ example: "annealing", open: "pipeline.py" });

  expect(await editor.lenses.read("def params(", /Realize/, startPatience)).toMatch(/Invalidate/);
  await editor.sidebar.show("Stageloom");
  const pipelines = editor.sidebar.tree("Pipelines");
  await pipelines.expand("pipeline.py");
  for (const stage of ["params", "anneal", "plot"]) await pipelines.row(stage).waitFor();
  await editor.pictures.screenshots("opened");
});
