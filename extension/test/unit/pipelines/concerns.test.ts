import { expect, it } from "vitest";

import { concerns } from "../../../src/pipelines/concerns.js";
import type { Plan, StageStatus } from "../../../src/protocol/kernel/messages.gen.js";

const plan = (stages: readonly Partial<StageStatus>[]): Plan => ({
  path: "flows/p.py",
  snapshot: "s",
  // safe: of a stage, only its parameters and what it reads are asked here
  stages: stages.map((stage) => ({ parameters: [], reads: [], ...stage }) as unknown as StageStatus),
  problems: [],
  files: ["flows/p.py", "flows/helper.py"],
});
const changed = { gone: false, fresh: false };

it.each([
  ["the file itself", "flows/p.py", changed, true],
  ["a file that it imports", "flows/helper.py", changed, true],
  ["the profiles", "stageloom.json", changed, true],
  ["a file that nothing imports", "other.py", changed, false],
  ["a file that came: it may stand before another of its name", "helper.py", { gone: false, fresh: true }, true],
  ["a file that went", "other.py", { gone: true, fresh: false }, true],
  ["data that no stage reads", "data/table.csv", changed, false],
])("a pipeline is concerned by %s", (_, path, how, expected) => {
  expect(concerns(plan([{}]), { path, ...how })).toBe(expected);
});

it("data concern whoever has inputs, or was seen to read them", () => {
  const table = { path: "data/table.csv", ...changed };
  const input = { name: "table", value: null, text: 'File("data/table.csv")', source: "input" as const };
  expect(concerns(plan([{}, { parameters: [input] }]), table)).toBe(true);
  expect(concerns(plan([{ reads: ["data/table.csv"] }]), table)).toBe(true);
  expect(concerns(plan([{ reads: ["data/"] }]), table)).toBe(true);
  expect(concerns(plan([{ reads: ["data/other.csv", "./"] }]), table)).toBe(false);
  // a file of code may be read as data, too
  expect(concerns(plan([{ reads: ["other.py"] }]), { path: "other.py", ...changed })).toBe(true);
});

it("any file concerns a pipeline that has no plan", () => {
  expect(concerns(null, { path: "other.py", ...changed })).toBe(true);
});
