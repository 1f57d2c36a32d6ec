import { describe, expect, it } from "vitest";

import { readIntent } from "../../../src/views/panel-intents.js";

describe("what a panel asks for", () => {
  it.each([
    [{ is: "ready" }],
    [{ is: "realize", stages: ["a"] }],
    [{ is: "invalidate", stage: "a", dependents: true }],
    [{ is: "open-frame", path: "/x.py", line: 3 }],
    [{ is: "open-file", rref: "r", file: "" }],
  ])("%o is understood", (message) => {
    expect(readIntent(message)).toBe(message);
  });

  it.each([
    [null],
    ["ready"],
    [{}],
    [{ is: "toString" }],
    [{ is: "realize" }],
    [{ is: "realize", stages: [1] }],
    [{ is: "invalidate", stage: "a" }],
    [{ is: "open-frame", path: "/x.py", line: -1 }],
    [{ is: "open-frame", path: "/x.py", line: 0.5 }],
  ])("%o is dropped", (message) => {
    expect(readIntent(message)).toBeNull();
  });
});
