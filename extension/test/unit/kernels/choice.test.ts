import { describe, expect, it } from "vitest";
import { choose, supply } from "../../../src/kernels/choice.js";
import type { Worker } from "../../../src/kernels/worker.js";

interface Named {
  readonly name: string;
  readonly state: Worker;
  readonly idleSince: number;
}

const limits = { size: 2, rebind: true };
const idle = (name: string, snapshot: string | null, idleSince = 0): Named => ({
  name,
  idleSince,
  state: { is: "idle", snapshot },
});
const busy = (name: string): Named => ({
  name,
  idleSince: 0,
  state: { is: "busy", snapshot: "now", job: name, cancelling: "no" },
});
const starting: Named = { name: "starting", idleSince: 0, state: { is: "starting" } };
const stopping: Named = { name: "stopping", idleSince: 0, state: { is: "stopping" } };

describe("the worker for a job", () => {
  it.each([
    ["one with its sources", [idle("clean", null), idle("old", "then"), idle("bound", "now")], "bound"],
    ["else a clean one", [idle("old", "then"), idle("clean", null)], "clean"],
    ["else the longest idle of other sources", [idle("b", "then", 5), idle("a", "then", 3)], "a"],
  ])("is %s", (_, workers, name) => {
    expect(choose(workers, "now", limits)?.name).toBe(name);
  });

  it("is none while as many are busy as may be", () => {
    expect(choose([busy("a"), busy("b"), idle("clean", null)], "now", limits)).toBeNull();
  });

  it("is none that is not ready", () => {
    expect(choose([starting, stopping], "now", limits)).toBeNull();
  });

  it("is never one of other sources where that is not wanted", () => {
    expect(choose([idle("old", "then")], "now", { size: 2, rebind: false })).toBeNull();
  });
});

describe("the supply of clean workers", () => {
  it("starts one for each job that may run, and a spare, but no more than fit", () => {
    expect(supply([], "now", 1, limits)).toEqual({ is: "start" });
    expect(supply([starting], "now", 1, limits)).toEqual({ is: "start" });
    expect(supply([starting, starting], "now", 1, limits)).toEqual({ is: "enough" });
    expect(supply([starting, starting], "now", 5, limits)).toEqual({ is: "start" });
    expect(supply([starting, starting, starting], "now", 5, limits)).toEqual({ is: "enough" });
  });

  it("keeps one spare when nothing waits", () => {
    expect(supply([busy("a")], "now", 0, limits)).toEqual({ is: "start" });
    expect(supply([busy("a"), idle("spare", null)], "now", 0, limits)).toEqual({ is: "enough" });
    expect(supply([busy("a"), busy("b")], "now", 3, limits)).toEqual({ is: "start" });
  });

  it("lets one of other sources make room, never one with these", () => {
    const old = idle("old", "then");
    expect(supply([busy("a"), idle("bound", "now"), old], "now", 0, limits)).toEqual({ is: "replace", worker: old });
    const bound = [idle("a", "now"), idle("b", "now"), idle("c", "now")];
    expect(supply(bound, "now", 0, limits)).toEqual({ is: "enough" });
  });

  it("does not count what is about to end", () => {
    expect(supply([busy("a"), busy("b"), stopping], "now", 0, limits)).toEqual({ is: "start" });
  });
});
