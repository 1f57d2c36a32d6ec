import { describe, expect, it } from "vitest";
import { ResponseError } from "vscode-jsonrpc/node";

import { failureOfError, requestCancelled } from "../../../src/kernels/failure-of-error.js";

const frame = { path: "/w/pipeline.py", line: 3, function: "plot", text: "x = 1", user: true };

describe("failureOfError", () => {
  it("keeps what the answer carries, down to its frames", () => {
    const data = { kind: "import-failed", message: "KeyError: 'b'", advice: "Mend it.", frames: [frame] };
    expect(failureOfError("pipeline/plan", new ResponseError(-32000, "failed", data))).toMatchObject(data);
  });

  it("drops frames that are none", () => {
    const frames = [null, { ...frame, line: "3" }, { ...frame, user: undefined }, frame];
    const data = { kind: "exception", message: "m", frames };
    expect(failureOfError("pipeline/plan", new ResponseError(-32000, "failed", data)).frames).toEqual([frame]);
  });

  it("says what it can of an error without a failure", () => {
    expect(failureOfError("run/start", new ResponseError(requestCancelled, "x")).kind).toBe("cancelled");
    expect(failureOfError("run/start", new ResponseError(-32603, "broken"))).toMatchObject({ message: "broken" });
    expect(failureOfError("run/start", new Error("gone")).message).toMatch(/run\/start.*gone/);
  });
});
