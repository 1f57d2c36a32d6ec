import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { formatMark, markVariable, parseMark } from "../../../src/supervision/mark.js";
import { findMark, parseStat } from "../../../src/supervision/table-linux.js";
import { parsePs } from "../../../src/supervision/table-ps.js";
import { processTable } from "../../../src/supervision/table.js";
import { parseLine } from "../../../src/supervision/table-windows.js";

const mark = { run: "00112233445566ff", child: 12 };

describe("a mark", () => {
  it("is read as it was written", () => {
    expect(parseMark(formatMark(mark))).toEqual(mark);
  });

  it.each(["", "abc", "00112233445566ff", "00112233445566ff.", "00112233445566ff.x", "00112233445566ff.1 "])(
    "is not %o",
    (text) => {
      expect(parseMark(text)).toBeNull();
    },
  );

  it("is found in an environment block by its whole name", () => {
    expect(findMark(`A=1\0${markVariable}=${formatMark(mark)}\0B=2\0`)).toEqual(mark);
    expect(findMark(`A=1\0X${markVariable}=${formatMark(mark)}\0`)).toBeNull();
  });
});

describe("a line of /proc/<pid>/stat", () => {
  const fields = (state: string): string => `${state} 10 20 30 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 123456 9 9`;

  it("is read behind a name that holds brackets and blanks", () => {
    const expected = { pid: 42, parent: 10, group: 20, started: "123456" };
    expect(parseStat(`42 (python) ${fields("S")}`)).toEqual(expected);
    expect(parseStat(`42 (a) R 1 (b c) ${fields("R")}`)).toEqual(expected);
  });

  it("is nothing for a zombie", () => {
    expect(parseStat(`42 (python) ${fields("Z")}`)).toBeNull();
  });
});

describe("a line of ps", () => {
  it("is read with the mark in its environment", () => {
    const line = `  501   1  501 Ss   Fri Nov  6 09:05:01 2026 python -c x A=b ${markVariable}=${formatMark(mark)} C=d`;
    expect(parsePs(line)).toEqual({ pid: 501, parent: 1, group: 501, started: "Fri Nov 6 09:05:01 2026", mark });
    expect(parsePs(line.replace("Ss", "Z+"))).toBeNull();
    expect(parsePs("")).toBeNull();
  });
});

describe("a line from Windows", () => {
  it("is read", () => {
    expect(parseLine("12 4 639012345678901234 \r")).toEqual({
      pid: 12,
      parent: 4,
      group: 0,
      started: "639012345678901234",
      mark: null,
    });
    expect(parseLine("")).toBeNull();
  });
});

describe.runIf(process.platform !== "win32")("this machine's table", () => {
  it("shows a child with its parent, group, start and mark, and no longer after its end", async () => {
    const table = processTable(process.platform);
    const child = spawn("sleep", ["60"], { detached: true, env: { ...process.env, [markVariable]: formatMark(mark) } });
    await once(child, "spawn");
    const pid = child.pid!;
    const seen = (await table.list()).find((process) => process.pid === pid);
    expect(seen).toMatchObject({ parent: process.pid, group: pid, mark, started: await table.started(pid) });
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await table.started(pid)).toBeNull();
    expect((await table.list()).some((process) => process.pid === pid)).toBe(false);
  });
});
