import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { afterAll, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { Root } from "../../../src/platform/root.js";

const editor = vi.hoisted(() => ({ folders: [] as { name: string; uri: { fsPath: string } }[] }));

vi.mock("vscode", () => {
  const file = (fsPath: string): unknown => ({ scheme: "file", authority: "", fsPath });
  return {
    workspace: {
      get workspaceFolders() {
        return editor.folders;
      },
      getWorkspaceFolder: ({ fsPath }: { fsPath: string }) =>
        editor.folders
          .filter(({ uri }) => fsPath.startsWith(uri.fsPath + path.sep))
          .sort((one, other) => other.uri.fsPath.length - one.uri.fsPath.length)[0],
    },
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
const at = (fsPath: string): vscode.Uri =>
  ({ scheme: "file", authority: "", fsPath, toString: () => `file://${fsPath}` }) as unknown as vscode.Uri;
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

it("files of a folder within it that is open, too, are not its own; several folders are told apart by name", () => {
  const folder = (name: string, ...names: string[]): vscode.WorkspaceFolder => ({
    uri: at(path.join(base, ...names)),
    name,
    index: 0,
  });
  const outer = folder("outer", "real");
  const inner = folder("inner", "real", "inner");
  const root = new Root(outer);
  const file = at(path.join(base, "real", "inner", "a.py"));
  editor.folders = [outer];
  expect([root.owns(file), root.title("inner/a.py")]).toEqual([true, "a.py"]);
  editor.folders = [outer, inner];
  expect([root.owns(file), new Root(inner).owns(file)]).toEqual([false, true]);
  expect(root.title("lib/a.py")).toBe("a.py · outer");
});
