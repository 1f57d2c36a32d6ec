import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { Root } from "../../../src/platform/root.js";

vi.mock("vscode", () => {
  const file = (fsPath: string): unknown => ({ scheme: "file", authority: "", fsPath });
  return {
    Uri: {
      file,
      joinPath: ({ fsPath }: { fsPath: string }, ...names: string[]) => file(path.join(fsPath, ...names)),
    },
  };
});

const base = mkdtempSync(path.join(tmpdir(), "root-"));
mkdirSync(path.join(base, "real"));
symlinkSync(path.join(base, "real"), path.join(base, "link"), "junction");

afterAll(() => {
  rmSync(base, { recursive: true });
});

// safe: of addresses and folders these are the parts that are looked at
const at = (fsPath: string): vscode.Uri => ({ scheme: "file", authority: "", fsPath }) as unknown as vscode.Uri;
const rootOf = (folder: string): Root => new Root({ uri: at(folder), name: "f", index: 0 });

it("names files within the folder, and none outside it", () => {
  const root = rootOf(path.join(base, "real"));
  expect(root.path(at(path.join(base, "real", "lib", "a.py")))).toBe("lib/a.py");
  expect(root.path(at(path.join(base, "real")))).toBe(null);
  expect(root.path(at(path.join(base, "realistic", "a.py")))).toBe(null);
  expect(root.path(at(path.join(base, "a.py")))).toBe(null);
});

it("knows the files of a folder that is opened by a link by either name, and calls them by the link's", () => {
  const root = rootOf(path.join(base, "link"));
  expect(root.path(at(path.join(base, "link", "a.py")))).toBe("a.py");
  expect(root.path(at(path.join(base, "real", "lib", "a.py")))).toBe("lib/a.py");
  expect(root.file(path.join(base, "real", "lib", "a.py")).fsPath).toBe(path.join(base, "link", "lib", "a.py"));
  expect(root.file(path.join(base, "other.py")).fsPath).toBe(path.join(base, "other.py"));
});

it("works where the folder is not there", () => {
  const gone = path.join(base, "gone");
  expect(rootOf(gone).path(at(path.join(gone, "a.py")))).toBe("a.py");
});
