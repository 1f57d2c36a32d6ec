import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { JobPool } from "../../src/kernels/job-pool.js";
import { probeInterpreter } from "../../src/kernels/interpreter.js";
import { silent } from "../../src/logger.js";
import { PROTOCOL, type JobOutcome, type PoolRunParams } from "../../src/protocol/kernel/messages.gen.js";
import { MessageValidator } from "../../src/protocol/kernel/validate.js";
import { Supervisor } from "../../src/supervision/supervisor.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { makeWorkspace } from "./kernels.js";
import { testPython } from "./processes.js";

/** A worker that takes as long as it is told, refuses a second snapshot, and starts slowly, but for the first one. */
const worker = `
import json, os, sys, time

def read():
    length = 0
    while (line := sys.stdin.buffer.readline().strip()):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return json.loads(sys.stdin.buffer.read(length)) if length else None

def answer(request, result):
    body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n" % len(body) + body)
    sys.stdout.buffer.flush()

try:
    os.mkdir("first")
except FileExistsError:
    time.sleep(1.5)
bound = None
while (request := read()) is not None:
    params = request["params"]
    if request["method"] == "initialize":
        answer(request, {"protocol": ${PROTOCOL}, "version": "0", "python": "3", "executable": "", "pid": os.getpid(),
                         "store": "", "warnings": []})
    elif bound not in (None, params["snapshot"]):
        answer(request, {"is": "stale"})
    else:
        bound = params["snapshot"]
        time.sleep(params["seconds"])
        answer(request, {"is": "done", "result": None})
`;

describe.runIf(process.platform !== "win32")("a pool of one worker", () => {
  let programs: Programs;
  let supervisor: Supervisor;

  beforeAll(async () => {
    programs = await bundlePrograms();
    const leases = path.join(programs.folder, "leases");
    supervisor = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
  });
  afterAll(async () => {
    await supervisor.dispose();
    programs.dispose();
  });

  it("tells when a job begins, that it waits again where its worker was stale, and when it begins anew", async () => {
    const workspace = makeWorkspace(programs.folder, {
      "kernel/stageloom/__init__.py": "",
      "kernel/stageloom/worker/__init__.py": "",
      "kernel/stageloom/worker/__main__.py": worker,
    });
    const candidate = { command: testPython(), args: [], from: "setting", env: {} } as const;
    const interpreter = await probeInterpreter(candidate, workspace, supervisor);
    if (interpreter.is === "failed") throw new Error(interpreter.failure.message);
    const kernel = path.join(workspace, "kernel");
    const ground = { supervisor, validator: new MessageValidator(), logger: silent, workspace, store: "", kernel };
    const options = { role: "worker", size: 1, rebind: true, idleFor: 60_000 } as const;
    const pool = new JobPool(options, { ...ground, interpreter: interpreter.result });
    const told: string[] = [];
    const at = new Map<string, number>();
    const run = async (job: string, snapshot: string, seconds: number): Promise<JobOutcome["is"]> => {
      const params: PoolRunParams = {
        ...{ job, snapshot, role: "worker", pool: "", method: "worker/realize", warm: [] },
        params: { snapshot, seconds },
      };
      const { is } = await pool.run(params, {
        signal: new AbortController().signal,
        onChange: (changed) => {
          told.push(`${changed.job} ${changed.is}`);
          at.set(job, performance.now());
        },
        onLog: () => null,
        onProgress: () => null,
      });
      return is;
    };
    expect(await Promise.all([run("a", "one", 0.2), run("b", "one", 0)])).toEqual(["done", "done"]);
    expect(told).toEqual(["a running", "b running"]);
    expect(at.get("b")! - at.get("a")!).toBeGreaterThan(195);
    told.length = 0;
    expect(await run("c", "two", 0)).toBe("done");
    expect(told).toEqual(["c running", "c waiting", "c running"]);
    await pool.dispose();
  });
});
