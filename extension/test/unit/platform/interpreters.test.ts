import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type * as vscode from "vscode";

import { silent } from "../../../src/logger.js";
import { EditorInterpreters } from "../../../src/platform/interpreters.js";
import { Root } from "../../../src/platform/root.js";

const python = vi.hoisted(() => ({
  there: true,
  activate: (): Promise<unknown> => Promise.resolve(undefined),
  come: (): void => undefined,
}));

vi.mock("vscode", async () => {
  const { Emitter } = await import("../../../src/lifetime.js");
  return {
    EventEmitter: Emitter,
    extensions: {
      getExtension: () => (python.there ? { activate: () => python.activate() } : undefined),
      onDidChange: (listener: () => void) => {
        python.come = listener;
        return { dispose: () => undefined };
      },
    },
  };
});
vi.mock("node:timers/promises", () => ({
  setTimeout: (milliseconds: number, value: unknown) =>
    new Promise((resolve) => globalThis.setTimeout(resolve, milliseconds, value)),
}));

describe("the interpreter that the Python extension has chosen", () => {
  // safe: a folder's address is all that is asked for
  const folder = { uri: { fsPath: "/work" }, name: "work", index: 0 } as unknown as vscode.WorkspaceFolder;
  const listeners: (() => void)[] = [];
  const api = {
    environments: {
      getActiveEnvironmentPath: () => ({ id: "one", path: "/env" }),
      resolveEnvironment: () => Promise.resolve({ executable: { uri: { fsPath: "/env/bin/python" } } }),
      onDidChangeActiveEnvironmentPath: (listener: () => void) => {
        listeners.push(listener);
        return { dispose: () => listeners.splice(0) };
      },
    },
  };

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("counts, too, when that extension starts too late for the first kernel", async () => {
    let started = (_: unknown): void => undefined;
    python.activate = () => new Promise((resolve) => (started = resolve));
    const interpreters = new EditorInterpreters(new Root(folder), silent);
    let changes = 0;
    interpreters.onDidChange(() => (changes += 1));
    const first = interpreters.chosen();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await first).toBe(null);
    expect(await interpreters.chosen()).toBe(null);
    started(api);
    await vi.advanceTimersByTimeAsync(0);
    expect(await interpreters.chosen()).toEqual({ command: "/env/bin/python", env: {} });
    expect(changes).toBe(0);
    for (const listener of [...listeners]) listener();
    expect(changes).toBe(1);
    await interpreters.dispose();
    expect(listeners).toEqual([]);
  });

  it("counts, too, when that extension is installed later", async () => {
    python.there = false;
    python.activate = () => Promise.resolve(api);
    const interpreters = new EditorInterpreters(new Root(folder), silent);
    let changes = 0;
    interpreters.onDidChange(() => (changes += 1));
    expect(await interpreters.chosen()).toBe(null);
    python.come();
    await vi.advanceTimersByTimeAsync(0);
    expect(changes).toBe(0);
    python.there = true;
    python.come();
    python.come();
    await vi.advanceTimersByTimeAsync(0);
    expect(changes).toBe(1);
    expect(await interpreters.chosen()).toEqual({ command: "/env/bin/python", env: {} });
    await interpreters.dispose();
  });

  it("is none where that extension does not start", async () => {
    python.activate = () => Promise.reject(new Error("broken"));
    expect(await new EditorInterpreters(new Root(folder), silent).chosen()).toBe(null);
  });
});
