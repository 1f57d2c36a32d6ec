import { beforeEach, describe, expect, it, vi } from "vitest";

import { done, failed, failure } from "../../../src/kernels/answer.js";
import type { KernelHost } from "../../../src/kernels/host.js";
import type { EngineState } from "../../../src/kernels/state.js";
import { Emitter } from "../../../src/lifetime.js";
import type { Failure } from "../../../src/protocol/kernel/messages.gen.js";
import { WorkspaceKernel } from "../../../src/platform/workspace-kernel.js";

const READY: EngineState = { is: "ready", python: "3.12.1", executable: "python", warnings: [] };

/** A host as the test plays it: it is ready when asked, and ends when the test lets it. */
class PlayedHost {
  readonly #lacks: Failure | undefined;
  readonly #states = new Emitter<EngineState>();
  readonly #let = new Emitter<void>();
  readonly onDidChangeState = this.#states.event;
  readonly onDidTell = new Emitter<never>().event;
  #ready = false;
  ended = false;

  constructor(lacks?: Failure) {
    this.#lacks = lacks;
  }

  start(): Promise<EngineState> {
    if (!this.#ready) this.#states.fire(READY);
    this.#ready = true;
    return Promise.resolve(READY);
  }

  async request(): Promise<unknown> {
    if (this.#lacks !== undefined) {
      this.#states.fire({ is: "failed", failure: this.#lacks });
      return failed(this.#lacks);
    }
    await this.start();
    return done({});
  }

  async dispose(): Promise<void> {
    if (this.#lacks === undefined) await new Promise<void>((resolve) => this.#let.event(resolve));
    this.ended = true;
    this.#states.fire({ is: "off" });
  }

  letGo(): void {
    this.#let.fire();
  }
}

describe("the workspace's kernel", () => {
  let hosts: PlayedHost[];
  let others: number[];
  let faults: Error[];
  let lacks: Failure[];
  let states: string[];
  let kernel: WorkspaceKernel;

  const plan = (): Promise<{ readonly is: string }> =>
    kernel.request("pipeline/plan", { path: "p.py", overlays: {}, sets: {} });
  const settle = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve));

  beforeEach(() => {
    hosts = [];
    others = [];
    faults = [];
    lacks = [];
    states = [];
    const make = (): Promise<KernelHost> => {
      const fault = faults.pop();
      if (fault !== undefined) return Promise.reject(fault);
      others.push(hosts.filter(({ ended }) => !ended).length);
      const host = new PlayedHost(lacks.shift());
      hosts.push(host);
      // safe: these are the members that a workspace's kernel uses
      return Promise.resolve(host as unknown as KernelHost);
    };
    kernel = new WorkspaceKernel(make, { trusted: true, onDidGrant: new Emitter<void>().event });
    kernel.onDidChangeState(({ is }) => states.push(is));
  });

  it("is not off once the next host is ready, when asked while the one before ends", async () => {
    await plan();
    const restarted = kernel.restart();
    const asked = plan();
    await settle();
    expect(hosts.length).toBe(1);
    hosts[0]?.letGo();
    expect((await asked).is).toBe("done");
    await restarted;
    expect(others).toEqual([0, 0]);
    expect(states.at(-1)).toBe("ready");
    expect(kernel.state.is).toBe("ready");
  });

  it("starts one host anew for two changes of settings at once", async () => {
    await plan();
    const both = Promise.all([kernel.settingsChanged(), kernel.settingsChanged()]);
    await settle();
    hosts[0]?.letGo();
    await both;
    expect(hosts.length).toBe(2);
    expect(kernel.state.is).toBe("ready");
  });

  it("waits, when disposed during a restart, for the host that ends, and starts none", async () => {
    await plan();
    const restarted = kernel.restart();
    const disposed = kernel.dispose();
    await settle();
    hosts[0]?.letGo();
    await disposed;
    expect(hosts[0]?.ended).toBe(true);
    await restarted;
    expect(hosts.length).toBe(1);
  });

  it("looks for an interpreter again when a run is asked for, or some time has gone, and not at every question", async () => {
    vi.useFakeTimers();
    const lacking = failure("no-interpreter", "No Python interpreter was found.");
    lacks.push(lacking, lacking, lacking);
    expect((await plan()).is).toBe("failed");
    expect((await plan()).is).toBe("failed");
    expect(hosts.length).toBe(1);
    const run = (): Promise<{ readonly is: string }> =>
      kernel.request("run/start", { path: "p.py", targets: [], sets: {} });
    expect((await Promise.all([run(), run()])).map(({ is }) => is)).toEqual(["failed", "failed"]);
    expect(hosts.length).toBe(2);
    vi.advanceTimersByTime(6000);
    expect((await plan()).is).toBe("failed");
    expect(hosts.length).toBe(3);
    vi.advanceTimersByTime(6000);
    expect((await plan()).is).toBe("done");
    expect(kernel.state.is).toBe("ready");
    expect(hosts.length).toBe(4);
    vi.useRealTimers();
  });

  it("can be restarted where a host could not be made", async () => {
    faults.push(new Error("no place for leases"));
    await expect(plan()).rejects.toThrow("no place for leases");
    expect((await kernel.restart()).is).toBe("ready");
  });
});
