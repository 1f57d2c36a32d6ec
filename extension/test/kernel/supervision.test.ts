import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { silent } from "../../src/logger.js";
import { Supervisor } from "../../src/supervision/supervisor.js";
import type { Supervised } from "../../src/supervision/supervised.js";
import { processTable } from "../../src/supervision/table.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { runs, survivors, testPython, until } from "./processes.js";

describe("supervision", () => {
  const python = testPython();
  const victim = path.join(import.meta.dirname, "fixtures", "victim.py");
  const mine = new Set<number>();
  let programs: Programs;
  let leases: string;
  let killed = 0;

  beforeAll(async () => {
    programs = await bundlePrograms("supervising-host");
  });
  afterAll(() => {
    programs.dispose();
    process.stdout.write(`supervision: ${killed} processes watched to their end\n`);
  });
  beforeEach(() => {
    leases = mkdtempSync(path.join(programs.folder, "leases-"));
  });
  afterEach(() => {
    for (const pid of mine) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // gone, as it should be
      }
    }
    mine.clear();
  });

  interface Host {
    readonly process: ChildProcess;
    readonly guardian: number;
    readonly pids: readonly number[];
  }

  async function startHost(...ways: readonly string[]): Promise<Host> {
    const program = programs.program("supervising-host");
    const host = spawn(process.execPath, [program, leases, programs.guardian, python, victim, ...ways], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    for await (const line of createInterface(host.stdout)) {
      const said = JSON.parse(line) as { guardian: number; pids: number[][] };
      const pids = said.pids.flat();
      for (const pid of [host.pid!, said.guardian, ...pids]) mine.add(pid);
      return { process: host, guardian: said.guardian, pids };
    }
    throw new Error("the host said nothing");
  }

  async function gone(pids: readonly number[], within: number): Promise<void> {
    expect(await survivors(pids, within)).toEqual([]);
    killed += pids.length;
  }

  // it takes its title when it has put its handlers in place
  const listens = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, "latin1").startsWith("stageloom-guardian");

  const leaseFiles = (): string[] => readdirSync(leases);

  describe.runIf(process.platform !== "win32")("the host is killed with SIGKILL", () => {
    const ways = [
      "idle",
      "loop",
      "native",
      "deaf",
      "children",
      "session",
      "bare-environment",
      "daemon",
      "respawn",
      "stopped",
    ];

    it.each(ways)("and nothing is left of a process that is: %s", async (how) => {
      const host = await startHost(how, "idle");
      host.process.kill("SIGKILL");
      await gone([...host.pids, host.guardian], 10_000);
      expect(leaseFiles()).toEqual([]);
    });

    it("in the middle of starting ten, again and again, and nothing is left", async () => {
      for (let round = 0; round < 6; round += 1) {
        const program = programs.program("supervising-host");
        const args = [program, leases, programs.guardian, python, victim, ...Array<string>(10).fill("session")];
        const host = spawn(process.execPath, args, { stdio: ["pipe", "ignore", "inherit"] });
        await until("a lease", 5000, () => leaseFiles().some((name) => name.endsWith(".lease")));
        await wait(round * 15);
        const run = leaseFiles()[0]!.slice(0, 16);
        host.kill("SIGKILL");
        await until("an end of all", 3000, async () => {
          const table = await processTable(process.platform).list();
          return !table.some(({ mark }) => mark?.run === run) && leaseFiles().length === 0;
        });
        killed += 10;
      }
    });

    it("together with its guardian, and the next start sweeps", async () => {
      const host = await startHost("session", "loop", "children");
      process.kill(host.guardian, "SIGSTOP"); // so that it cannot act before it is killed
      host.process.kill("SIGKILL");
      process.kill(host.guardian, "SIGKILL");
      await survivors([host.process.pid!, host.guardian], 10_000);
      expect((await survivors(host.pids, 0)).length).toBe(host.pids.length);
      const next = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
      expect(await next.sweep()).toEqual({ runs: 1, killed: host.pids.length });
      await gone(host.pids, 10_000);
      expect(leaseFiles()).toEqual([]);
      await next.dispose();
    });
  });

  describe.runIf(process.platform !== "win32")("a sweep", () => {
    it("leaves another live window's processes alone", async () => {
      const host = await startHost("idle", "session");
      const next = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
      expect(await next.sweep()).toEqual({ runs: 0, killed: 0 });
      expect(await survivors(host.pids, 0)).toEqual(host.pids);
      await next.dispose();
      host.process.kill("SIGKILL");
      await gone(host.pids, 10_000);
    });

    it("does not kill a process that was given the pid of a dead child", async () => {
      const decoy = spawn("sleep", ["60"], { detached: true });
      await once(decoy, "spawn");
      mine.add(decoy.pid!);
      const dead = {
        is: "host",
        run: "00112233445566ff",
        pid: 1,
        started: "0",
        machine: processTable(process.platform).machine(),
      };
      const child = { is: "child", number: 1, pid: decoy.pid!, started: "12", name: "worker" };
      writeFileSync(path.join(leases, `${dead.run}.lease`), `${JSON.stringify(dead)}\n${JSON.stringify(child)}\n`);
      const next = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
      expect(await next.sweep()).toEqual({ runs: 1, killed: 0 });
      expect(await runs(decoy.pid!)).toBe(true);
      expect(leaseFiles()).toEqual([]);
      await next.dispose();
      decoy.kill("SIGKILL");
    });

    it("leaves the leases of another machine that shares the folder", async () => {
      const dead = { is: "host", run: "00112233445566ff", pid: 1, started: "0", machine: "elsewhere" };
      writeFileSync(path.join(leases, `${dead.run}.lease`), `${JSON.stringify(dead)}\n`);
      const next = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
      expect(await next.sweep()).toEqual({ runs: 0, killed: 0 });
      expect(leaseFiles()).toHaveLength(1);
      await next.dispose();
    });
  });

  describe.runIf(process.platform !== "win32")("a supervisor", () => {
    let supervisor: Supervisor;
    beforeEach(async () => {
      supervisor = await Supervisor.open({ leases, guardian: programs.guardian, logger: silent });
    });
    afterEach(() => supervisor.dispose());

    function start(how: string): Supervised {
      const options = { name: how, command: python, args: [victim, how], env: process.env, cwd: "/" };
      return supervisor.spawn(options);
    }

    async function pidsOf(child: Supervised): Promise<number[]> {
      for await (const line of createInterface(child.stdout)) {
        const pids = [child.pid!, ...line.split(" ").slice(1).map(Number)];
        for (const pid of pids) mine.add(pid);
        return pids;
      }
      throw new Error(child.stderr());
    }

    it("says how a process ended, and with what last words", async () => {
      const child = supervisor.spawn({
        name: "speaker",
        command: python,
        args: ["-c", "import sys; sys.exit('last words')"],
        env: process.env,
        cwd: "/",
      });
      expect(await child.exited).toEqual({ code: 1, signal: null, error: null });
      expect(child.stderr()).toBe("last words\n");
    });

    it("says why a process could not be started", async () => {
      for (const [command, cwd] of [
        ["/no/such/program", "/"],
        [python, "/no/such/folder"],
      ] as const) {
        const child = supervisor.spawn({ name: "none", command, args: [], env: process.env, cwd });
        const exit = await child.exited;
        expect(child.pid).toBeNull();
        expect(exit.error).toMatch(/ENOENT|does not exist|not a directory|invalid/i);
      }
    });

    it("does not wait for a pipe that a daemon holds open, and ends the daemon", async () => {
      const child = start("daemon");
      const pids = await pidsOf(child);
      process.kill(child.pid!, "SIGTERM");
      const before = Date.now();
      expect((await child.exited).signal).toBe("SIGTERM");
      expect(Date.now() - before).toBeLessThan(60_000); // the daemon holds it for ten minutes
      await gone(pids, 10_000);
    });

    it.each(["session", "bare-session", "children", "respawn"])("kills with all below it: %s", async (how) => {
      const child = start(how);
      const pids = await pidsOf(child);
      await child.kill();
      expect((await child.exited).signal).toBe("SIGKILL");
      await gone(pids, 10_000);
    });

    it("stops by steps: interrupt, terminate, kill", async () => {
      const polite = start("idle");
      await pidsOf(polite);
      expect((await polite.stop({ interrupt: 2000, terminate: 2000 })).signal).toBe("SIGINT");
      const deaf = start("deaf");
      await pidsOf(deaf);
      const before = Date.now();
      expect((await deaf.stop({ interrupt: 100, terminate: 100 })).signal).toBe("SIGKILL");
      expect(Date.now() - before).toBeGreaterThanOrEqual(190);
    });

    it("ends all it started when disposed, and leaves neither lease nor guardian", async () => {
      const pids = (await Promise.all([start("deaf"), start("session"), start("native")].map(pidsOf))).flat();
      const guardian = supervisor.guardianPid!;
      await supervisor.dispose();
      await gone([...pids, guardian], 10_000);
      expect(leaseFiles()).toEqual([]);
    });

    it.runIf(process.platform === "linux")("starts another guardian when the guardian dies", async () => {
      const child = start("idle");
      await pidsOf(child);
      const first = supervisor.guardianPid!;
      // it ignores SIGTERM, once it has come far enough to say so
      await until("a guardian that listens", 5000, () => listens(first));
      process.kill(first, "SIGTERM");
      await wait(300);
      expect(await runs(first)).toBe(true);
      process.kill(first, "SIGKILL");
      await until("another guardian", 2000, () => supervisor.guardianPid !== null && supervisor.guardianPid !== first);
    });

    it("keeps the leases of those alone that still run", async () => {
      const stays = start("idle");
      const leaves = start("leaves");
      await pidsOf(stays);
      await leaves.exited;
      await until("a note that it is gone", 2000, () => {
        const lines = readFileSync(path.join(leases, leaseFiles()[0]!), "utf8");
        return lines.includes('"gone","number":2');
      });
    });
  });
});
