import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Throttle } from "../../../src/pipelines/throttle.js";

describe("work that is asked for at every keystroke", () => {
  let now = 0;
  let done: string[] = [];
  const work = (name: string, takes: number) => (): void => {
    now += takes;
    done.push(name);
  };

  beforeEach(() => {
    vi.useFakeTimers();
    now = 0;
    done = [];
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is done at once where it takes little", () => {
    const throttle = new Throttle(() => now);
    for (const name of ["a", "b", "c"]) throttle.run("small.py", work(name, 5));
    expect(done).toEqual(["a", "b", "c"]);
  });

  it("is done after a pause where it takes long, the last that was asked, and of each key apart", () => {
    const throttle = new Throttle(() => now);
    throttle.run("large.py", work("a", 100));
    for (const name of ["b", "c", "d"]) throttle.run("large.py", work(name, 100));
    throttle.run("small.py", work("s", 5));
    expect(done).toEqual(["a", "s"]);
    vi.advanceTimersByTime(299);
    expect(done).toEqual(["a", "s"]);
    throttle.run("large.py", work("e", 2));
    vi.advanceTimersByTime(1);
    expect(done).toEqual(["a", "s", "e"]);
    throttle.run("large.py", work("f", 2));
    expect(done).toEqual(["a", "s", "e", "f"]);
  });

  it("waits a second at most, and not at all for what is over", () => {
    const throttle = new Throttle(() => now);
    throttle.run("huge.py", work("a", 5000));
    throttle.run("huge.py", work("b", 5000));
    vi.advanceTimersByTime(1000);
    expect(done).toEqual(["a", "b"]);
    throttle.run("huge.py", work("c", 5000));
    throttle.dispose();
    vi.runAllTimers();
    expect(done).toEqual(["a", "b"]);
  });
});
