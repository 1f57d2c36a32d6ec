import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type MethodName, MessageValidator } from "../../../src/protocol/kernel/validate.js";

interface Entry {
  readonly from: string;
  readonly with: string;
  readonly message: {
    readonly id?: number;
    readonly method?: MethodName;
    readonly params?: unknown;
    readonly result?: unknown;
  };
}

const path = new URL("../../../../python-kernel/tests/rpc/golden/session.jsonl", import.meta.url);
// safe: the Python tests hold this file to the messages' types
const conversation = readFileSync(path, "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line) as Entry);

describe("messages from kernels", () => {
  it("accepts every message of the recorded conversation", () => {
    const validator = new MessageValidator();
    const asked = new Map<string, MethodName>();
    let checked = 0;
    for (const { from, with: peer, message } of conversation) {
      const { id, method } = message;
      if (method !== undefined) asked.set(`${peer} ${from} ${String(id)}`, method);
      if (from === "host") continue;
      const request = method ?? asked.get(`${peer} host ${String(id)}`)!;
      const outcome =
        method === undefined ? validator.result(request, message.result) : validator.params(request, message.params);
      expect(outcome, request).toEqual({
        is: "valid",
        message: method === undefined ? message.result : message.params,
      });
      checked += 1;
    }
    expect(checked).toBeGreaterThan(20);
  });

  const span = { path: "p.py", line: 0, column: 0, endLine: 1, endColumn: 0 };
  const reason = { kind: "new", summary: "never made", subject: "", before: null, after: null };

  it.each([
    ["pipeline/why", {}, "pipeline/why: must have required property 'reasons'"],
    [
      "pipeline/why",
      { reasons: [reason, { ...reason, before: 4 }] },
      "pipeline/why: reasons[1].before: must be string",
    ],
    ["pipeline/why", { reasons: [reason], more: 1 }, 'pipeline/why: unexpected field "more"'],
    [
      "pipeline/plan",
      {
        path: "p",
        snapshot: "s",
        stages: [],
        files: [],
        problems: [{ code: "bang", message: "", span, severity: "error", stages: [] }],
      },
      "pipeline/plan: problems[0].code: expected one of",
    ],
    ["worker/realize", { is: "lost" }, 'worker/realize: value of tag "is" must be in oneOf'],
    [
      "worker/realize",
      { is: "failed", failure: { kind: "killed", message: 1 } },
      "worker/realize: failure: must have required property",
    ],
    ["run/start", null, "run/start: must be object"],
  ] as const)("%s refuses %j", (method, result, problem) => {
    const outcome = new MessageValidator().result(method, result);
    expect(outcome).toMatchObject({ is: "invalid", problem: expect.stringContaining(problem) as string });
  });

  it("lets a float that is whole and a large integer pass as Python wrote them", () => {
    const plan = conversation.find(({ message }) => message.id === 1 && message.result !== undefined)!;
    const through = JSON.stringify(JSON.parse(JSON.stringify(plan.message.result)));
    expect(through).toContain('"value":{"$float":"1.0"}');
  });
});
