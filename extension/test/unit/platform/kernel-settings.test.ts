import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { KernelSettings } from "../../../src/platform/kernel-settings.js";

describe("the settings that kernels began with", () => {
  let python = "";
  const changed = vi.fn();

  beforeEach(() => {
    vi.useFakeTimers();
    python = "";
    changed.mockReset();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("are told of once when others stand, whatever an event says that it is about", () => {
    const settings = new KernelSettings(() => python, changed);
    settings.begun();
    settings.look();
    vi.runAllTimers();
    expect(changed).not.toHaveBeenCalled();
    python = "/env/bin/python";
    settings.look();
    settings.look();
    vi.runAllTimers();
    settings.look();
    vi.runAllTimers();
    expect(changed).toHaveBeenCalledTimes(1);
  });

  it("leave kernels alone when they come back at once, as while a window opens", () => {
    python = "/env/bin/python";
    const settings = new KernelSettings(() => python, changed);
    settings.begun();
    python = "";
    settings.look();
    vi.advanceTimersByTime(150);
    python = "/env/bin/python";
    settings.look();
    vi.runAllTimers();
    expect(changed).not.toHaveBeenCalled();
  });

  it("are nobody's before kernels begin, and after the end", () => {
    const settings = new KernelSettings(() => python, changed);
    python = "/env/bin/python";
    settings.look();
    settings.begun();
    python = "/other/bin/python";
    settings.look();
    settings.dispose();
    vi.runAllTimers();
    expect(changed).not.toHaveBeenCalled();
  });
});
