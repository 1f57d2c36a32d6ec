import { homedir } from "node:os";

import { afterEach, describe, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { Root } from "../../../src/platform/root.js";
import { Settings } from "../../../src/platform/settings.js";

const set = new Map<string, unknown>();

vi.mock("vscode", () => ({
  workspace: {
    getConfiguration: () => ({ get: (key: string, otherwise: unknown) => set.get(key) ?? otherwise }),
  },
}));

describe("the settings' paths", () => {
  // safe: settings ask a folder for its address alone
  const folder = { uri: { fsPath: "/w$&ork" }, name: "work", index: 0 } as unknown as vscode.WorkspaceFolder;
  const settings = new Settings(new Root(folder));

  afterEach(() => {
    vi.unstubAllEnvs();
    set.clear();
  });

  it("begin at the user's home with ~, which no variable need name", () => {
    set.set("store", "~/store");
    set.set("python", "~");
    vi.stubEnv("HOME", "/ho$&me");
    expect([settings.store, settings.python]).toEqual(["/ho$&me/store", "/ho$&me"]);
    vi.stubEnv("HOME", undefined);
    expect(settings.store).toBe(`${homedir()}/store`);
    expect(settings.store).not.toContain("~");
  });

  it("are those of the workspace where it is named, or nothing is", () => {
    expect(settings.store).toBe("/w$&ork/.stageloom/store");
    set.set("store", "${workspaceFolder}/../other");
    expect(settings.store).toBe("/other");
    set.set("store", "a~/b");
    expect(settings.store).toBe("/w$&ork/a~/b");
  });
});
