import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { silent } from "../../src/logger.js";
import { Supervisor } from "../../src/supervision/supervisor.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { kernelPath, makeWorkspace } from "./kernels.js";
import { survivors, testPython } from "./processes.js";

const pipeline = `
import ctypes
import subprocess
import sys
import time

from stageloom import stage

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def begun():
    """Says so, and lets the thread that passes it on do that before Python is held."""
    print("begun", flush=True)
    time.sleep(0.3)


@stage
def idles():
    print("begun", flush=True)


@stage
def loops():
    print("begun", flush=True)
    while True:
        pass


@stage
def native():
    begun()
    return len(str(10 ** (10**9)))


@stage
def holds():
    begun()
    ctypes.PyDLL(None).sleep(600)


@stage
def parent():
    print("child", subprocess.Popen(SLEEP).pid)
    print("begun", flush=True)
    time.sleep(600)


@stage
def other_session():
    print("child", subprocess.Popen(SLEEP, start_new_session=True).pid)
    print("begun", flush=True)
    time.sleep(600)


@stage
def deaf():
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("begun", flush=True)
    while True:
        time.sleep(600)


@stage
def pool_of_processes():
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        for child in multiprocessing.active_children():
            print("child", child.pid)
        print("begun", flush=True)
        pool.map(time.sleep, [600, 600])
`;

const ways: readonly (readonly string[])[] = [
  ["idles"],
  ["loops"],
  ["native"],
  ["holds"],
  ["parent"],
  ["other_session"],
  ["deaf"],
  ["pool_of_processes"],
  ["holds", "other_session"],
];

describe.runIf(process.platform !== "win32")("an extension host that is killed", () => {
  let programs: Programs;
  let watched = 0;

  beforeAll(async () => {
    programs = await bundlePrograms("kernels-host");
  });
  afterAll(() => {
    programs.dispose();
    process.stdout.write(`kernels: ${watched} processes watched to their end\n`);
  });

  interface Host {
    readonly leases: string;
    readonly pids: readonly number[];
    kill(): void;
  }

  async function start(stages: readonly string[]): Promise<Host> {
    const workspace = makeWorkspace(programs.folder, { "pipeline.py": pipeline });
    const leases = mkdtempSync(path.join(programs.folder, "leases-"));
    const program = programs.program("kernels-host");
    const host = spawn(
      process.execPath,
      [program, workspace, leases, programs.guardian, testPython(), kernelPath, ...stages],
      { stdio: ["pipe", "pipe", "inherit"] },
    );
    for await (const line of createInterface(host.stdout)) {
      const { pids } = JSON.parse(line) as { pids: number[] };
      expect(await survivors(pids, 0)).toEqual(pids);
      return { leases, pids, kill: () => void host.kill("SIGKILL") };
    }
    throw new Error("the host said nothing");
  }

  it.each(ways.map((stages) => [stages.join(" and "), stages] as const))(
    "leaves nothing behind within two seconds, with a worker that %s",
    async (_, stages) => {
      const host = await start(stages);
      await wait(400); // now native code holds Python
      host.kill();
      expect(await survivors(host.pids, 10_000)).toEqual([]);
      expect(readdirSync(host.leases)).toEqual([]);
      watched += host.pids.length;
    },
  );

  it("together with its guardian leaves nothing that the next start does not end", async () => {
    const host = await start(["holds", "other_session"]);
    await wait(400);
    process.kill(host.pids[0]!, "SIGSTOP"); // the guardian, so that it cannot act before it is killed
    host.kill();
    process.kill(host.pids[0]!, "SIGKILL");
    const next = await Supervisor.open({ leases: host.leases, guardian: programs.guardian, logger: silent });
    await expect.poll(async () => (await next.sweep(), readdirSync(host.leases)), { timeout: 20_000 }).toEqual([]);
    expect(await survivors(host.pids, 10_000)).toEqual([]);
    watched += host.pids.length;
    await next.dispose();
  });
});
