/**
 * Round trips between the host's library and its kernels, as JSON on standard output:
 * `node host.cjs <folder> <guardian> <python> <kernel> <rounds>`; `folder` is a workspace with a pipeline.py.
 */
import path from "node:path";
import { KernelHost } from "../../extension/src/kernels/host.js";
import { probeInterpreter } from "../../extension/src/kernels/interpreter.js";
import { KernelProcess } from "../../extension/src/kernels/process.js";
import { silent } from "../../extension/src/logger.js";
import { MessageValidator } from "../../extension/src/protocol/kernel/validate.js";
import { Supervisor } from "../../extension/src/supervision/supervisor.js";

const [workspace = "", guardian = "", python = "", kernel = "", count = "100"] = process.argv.slice(2);
const warmUp = 10;

/** Milliseconds of each of many round trips, after some that are not counted. */
async function timed(ask: () => Promise<{ readonly is: string }>): Promise<number[]> {
  const taken: number[] = [];
  for (let round = -warmUp; round < Number(count); round += 1) {
    const begun = performance.now();
    const answer = await ask();
    if (answer.is !== "done") throw new Error(JSON.stringify(answer));
    if (round >= 0) taken.push(performance.now() - begun);
  }
  return taken;
}

async function main(): Promise<void> {
  const supervisor = await Supervisor.open({ leases: path.join(workspace, "leases"), guardian, logger: silent });
  const store = path.join(workspace, ".stageloom", "store");
  const found = await probeInterpreter({ command: python, args: [], from: "setting", env: {} }, workspace, supervisor);
  if (found.is === "failed") throw new Error(JSON.stringify(found.failure));
  const interpreter = found.result;
  const host = new KernelHost({
    workspace,
    store,
    kernelPath: kernel,
    interpreter: () => Promise.resolve(found),
    poolSize: 1,
    logger: silent,
    supervisor,
  });

  const begun = performance.now();
  const state = await host.start();
  if (state.is !== "ready") throw new Error(JSON.stringify(state));
  const engineReady = performance.now() - begun;
  const engine = await timed(() => host.request("store/artifacts", { path: "pipeline.py" }));

  const ground = {
    supervisor,
    validator: new MessageValidator(),
    logger: silent,
    interpreter,
    kernel,
    workspace,
    store,
  };
  const start = performance.now();
  const worker = new KernelProcess("worker", "worker", ground);
  const initialized = await worker.initialize();
  if (initialized.is !== "done") throw new Error(JSON.stringify(initialized));
  const workerReady = performance.now() - start;
  const bare = await timed(() => worker.connection.request("worker/warm", { modules: [] }));

  await worker.stop(1000);
  await host.dispose();
  await supervisor.dispose();
  process.stdout.write(JSON.stringify({ engineReady, workerReady, engine, worker: bare }));
}

void main();
