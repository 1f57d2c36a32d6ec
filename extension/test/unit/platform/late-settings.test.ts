import { afterEach, expect, it, vi } from "vitest";
import { LateSettings } from "../../../src/platform/late-settings.js";

afterEach(() => {
  vi.useRealTimers();
});

it("tells once of a setting that arrives after the kernels began", () => {
  vi.useFakeTimers();
  let python = "";
  const changed = vi.fn();
  const late = new LateSettings(() => python, changed);
  late.begun();
  vi.advanceTimersByTime(600);
  expect(changed).not.toHaveBeenCalled();
  python = "/env/bin/python";
  vi.advanceTimersByTime(60_000);
  expect(changed).toHaveBeenCalledTimes(1);
  late.begun();
  late.dispose();
  python = "";
  vi.advanceTimersByTime(60_000);
  expect(changed).toHaveBeenCalledTimes(1);
});
