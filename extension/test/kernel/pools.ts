import { mkdtempSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { Pool, PoolDefinition } from "../../src/kernels/definition.js";
import { Pools } from "../../src/kernels/pools.js";
import type { Logger } from "../../src/logger.js";
import { bundlePrograms, type Programs } from "./bundled.js";
import { kernelPath } from "./kernels.js";
import { testPython } from "./processes.js";

export const operations = path.resolve(import.meta.dirname, "fixtures/operations.py");

/** Real pools in a folder of their own, and all they logged. */
export class TestPools {
  readonly folder: string;
  readonly said: string[] = [];
  #pools: Pools | null = null;
  #count = 0;

  constructor(programs: Programs) {
    this.folder = mkdtempSync(path.join(programs.folder, "pools-"));
    this.guardian = programs.guardian;
  }

  readonly guardian: string;

  async open(): Promise<Pools> {
    const write = (text: string): void => {
      this.said.push(text);
    };
    const logger: Logger = { trace: write, info: write, warn: write, error: write };
    const shared = path.join(this.folder, "shared");
    this.#pools ??= await Pools.open({ kernel: kernelPath, guardian: this.guardian, logger, folder: shared });
    return this.#pools;
  }

  /** A pool of the tests' operations. */
  async define(definition: Partial<PoolDefinition> = {}): Promise<Pool> {
    this.#count += 1;
    const entry = { script: operations };
    const own = { name: `pool ${this.#count}`, entry, python: testPython(), folder: this.folder };
    return (await this.open()).define({ ...own, ...definition });
  }

  /** A path in its folder that is new. */
  path(name: string): string {
    this.#count += 1;
    return path.join(this.folder, `${this.#count}-${name}`);
  }

  async dispose(): Promise<void> {
    await this.#pools?.dispose();
    this.#pools = null;
  }
}

/** Has each test of a suite `take` pools of its own, which are disposed after it. */
export function poolsForEachTest(take: (pools: TestPools) => void): void {
  let programs: Programs;
  let pools: TestPools;
  beforeAll(async () => {
    programs = await bundlePrograms();
  });
  beforeEach(() => {
    pools = new TestPools(programs);
    take(pools);
  });
  afterEach(async () => {
    await pools.dispose();
  });
  afterAll(() => {
    programs.dispose();
  });
}

/** Numbers that come again with the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
