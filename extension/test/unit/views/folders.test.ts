import { beforeEach, expect, it, vi } from "vitest";

import { Emitter } from "../../../src/lifetime.js";
import type { ModelChange } from "../../../src/pipelines/model.js";
import { Folders, type FolderHost } from "../../../src/views/folders.js";

interface FolderLike {
  readonly name: string;
  readonly uri: { readonly scheme: string; readonly path: string; toString(): string };
}

const editor = vi.hoisted(() => ({ folders: [] as unknown[], changed: [] as (() => void)[] }));

vi.mock("vscode", async () => {
  const { Emitter: Events } = await import("../../../src/lifetime.js");
  return {
    EventEmitter: Events,
    workspace: {
      get workspaceFolders() {
        return editor.folders;
      },
      getWorkspaceFolder: ({ path }: { path: string }) =>
        // safe: the tests below put only these there
        (editor.folders as FolderLike[])
          .filter(({ uri }) => path.startsWith(`${uri.path}/`))
          .sort((one, other) => other.uri.path.length - one.uri.path.length)[0],
      onDidChangeWorkspaceFolders: (listener: () => void) => {
        editor.changed.push(listener);
        return { dispose: () => editor.changed.splice(editor.changed.indexOf(listener), 1) };
      },
    },
  };
});

const uri = (path: string, scheme = "file"): FolderLike["uri"] => ({
  scheme,
  path,
  toString: () => `${scheme}://${path}`,
});
const folder = (path: string, scheme?: string): FolderLike => ({
  name: path.slice(path.lastIndexOf("/") + 1),
  uri: uri(path, scheme),
});

const begun: string[] = [];
const ended: string[] = [];
const models = new Map<string, Emitter<ModelChange>>();

const make = (one: { readonly name: string }): FolderHost => {
  begun.push(one.name);
  const changes = new Emitter<ModelChange>();
  models.set(one.name, changes);
  const host = {
    root: { folder: one, path: () => null },
    model: { onDidChange: changes.event },
    dispose: () => ended.push(one.name),
  };
  // safe: Folders asks nothing else of a host
  return host as unknown as FolderHost;
};

/** Sets which folders are open; VS Code tells of it where there are listeners. */
const open = (...folders: readonly FolderLike[]): void => {
  editor.folders = [...folders];
  for (const listener of editor.changed) listener();
};

const names = (folders: Folders): readonly string[] => folders.all.map(({ root }) => root.folder.name);

beforeEach(() => {
  begun.length = 0;
  ended.length = 0;
  editor.changed.length = 0;
});

it("each folder on a disk has a host as long as it is open, in the window's order", async () => {
  open(folder("/w/a"), folder("/w/remote", "vscode-vfs"));
  const folders = new Folders(make);
  expect(names(folders)).toEqual(["a"]);
  expect(folders.several).toBe(false);

  let changes = 0;
  folders.onDidChange(() => (changes += 1));
  open(folder("/w/b"), folder("/w/a"));
  expect(names(folders)).toEqual(["b", "a"]);
  expect(folders.several).toBe(true);
  expect([begun, ended, changes]).toEqual([["a", "b"], [], 1]);

  open(folder("/w/b"));
  expect([names(folders), ended]).toEqual([["b"], ["a"]]);
  expect(folders.named("file:///w/a")).toBeNull();

  await folders.dispose();
  expect(ended).toEqual(["a", "b"]);
});

it("a file belongs to the innermost folder that is open, or to none", () => {
  open(folder("/w"), folder("/w/inner"));
  const folders = new Folders(make);
  // safe: the path is all that is asked of it
  const of = (path: string): string | undefined => folders.of(uri(path) as never)?.root.folder.name;
  expect(of("/w/pipeline.py")).toBe("w");
  expect(of("/w/inner/pipeline.py")).toBe("inner");
  expect(of("/elsewhere/pipeline.py")).toBeUndefined();
});

it("what a folder's model tells is told with its folder", () => {
  open(folder("/w/a"), folder("/w/b"));
  const folders = new Folders(make);
  const told: string[] = [];
  folders.onDidTell(({ host, change }) => told.push(`${host.root.folder.name} ${change.is}`));
  models.get("b")?.fire({ is: "store" });
  expect(told).toEqual(["b store"]);
});
