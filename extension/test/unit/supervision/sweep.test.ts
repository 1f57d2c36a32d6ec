import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal, parseLease, type Lease } from "../../../src/supervision/journal.js";
import { hostLives, leftovers } from "../../../src/supervision/sweep.js";
import { descendants, type ProcessInfo } from "../../../src/supervision/table.js";

const run = "00112233445566ff";
const other = "ffffffffffffffff";
const lease: Lease = {
  run,
  pid: 100,
  started: "7",
  machine: "here",
  children: [{ number: 1, pid: 200, started: "9", name: "worker" }],
};

function running(pid: number, about: Partial<ProcessInfo> = {}): ProcessInfo {
  return { pid, parent: 1, group: pid, started: "50", mark: null, ...about };
}

function taken(table: readonly ProcessInfo[], fresh = false): number[] {
  return leftovers(lease, table, fresh).map(({ pid }) => pid);
}

describe("what a dead host left", () => {
  it("is a child with the pid and the start time of the lease", () => {
    expect(taken([running(200, { started: "9" }), running(300)])).toEqual([200]);
  });

  it("is not a process that was given the pid later, nor what stands below or beside it", () => {
    const table = [running(200), running(201, { group: 200 }), running(202, { parent: 200 })];
    expect(taken(table)).toEqual([]);
    expect(taken(table, true)).toEqual([]);
  });

  it("is the child's group and all below it", () => {
    const table = [
      running(200, { started: "9" }),
      running(201, { group: 200 }),
      running(202, { parent: 200 }),
      running(203, { parent: 202 }),
    ];
    expect(taken(table).sort()).toEqual([200, 201, 202, 203]);
  });

  it("is what bears the run's mark, wherever it went, and not what bears another's", () => {
    const table = [running(400, { mark: { run, child: 1 } }), running(401, { mark: { run: other, child: 1 } })];
    expect(taken(table)).toEqual([400]);
  });

  it("is the group of a child that is gone only while no pid can have come again", () => {
    const table = [running(201, { group: 200 })];
    expect(taken(table)).toEqual([]);
    expect(taken(table, true)).toEqual([201]);
  });

  it("is never a child whose start time could not be written down", () => {
    const unsure: Lease = { ...lease, children: [{ number: 1, pid: 200, started: "", name: "worker" }] };
    expect(leftovers(unsure, [running(200, { started: "" })], false)).toEqual([]);
  });
});

describe("a live host", () => {
  it("is known by pid and start time", () => {
    expect(hostLives(lease, [running(100, { started: "7" })])).toBe(true);
    expect(hostLives(lease, [running(100, { started: "8" })])).toBe(false);
    expect(hostLives(lease, [])).toBe(false);
  });
});

describe("descendants", () => {
  it("are all below and not the process itself, and a cycle does not hang", () => {
    const table = [
      running(1, { parent: 3 }),
      running(2, { parent: 1 }),
      running(3, { parent: 2 }),
      running(4, { parent: 9 }),
    ];
    expect(descendants(table, 1).map(({ pid }) => pid)).toEqual([2, 3]);
  });
});

describe("the journal", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "stageloom-journal-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const host = { run, pid: 100, started: "7", machine: "here" };

  it("holds the children that are not gone", () => {
    const journal = new Journal(folder, host);
    journal.child({ number: 1, pid: 200, started: "", name: "worker" });
    journal.child({ number: 1, pid: 200, started: "9", name: "worker" });
    journal.child({ number: 2, pid: 201, started: "10", name: "engine" });
    journal.gone(2);
    expect(parseLease(readFileSync(journal.file, "utf8"))).toMatchObject(lease);
  });

  it("is written at the first child and removed when closed", () => {
    const journal = new Journal(path.join(folder, "deep", "er"), host);
    expect(readdirSync(folder)).toEqual([]);
    journal.gone(1);
    expect(readdirSync(path.dirname(journal.file))).toHaveLength(1);
    journal.close();
    expect(readdirSync(path.dirname(journal.file))).toEqual([]);
  });

  it("is read up to a torn last line, and past lines that make no sense", () => {
    const journal = new Journal(folder, host);
    journal.child({ number: 1, pid: 200, started: "9", name: "worker" });
    const text = readFileSync(journal.file, "utf8");
    expect(parseLease(`${text}{"is":"child","number":2,"pi`)).toMatchObject(lease);
    expect(parseLease(`${text}{"is":"child","number":"2"}\n[]\nnull\n`)).toMatchObject(lease);
    expect(parseLease(text.slice(0, 10))).toBeNull();
    expect(parseLease("")).toBeNull();
  });
});
