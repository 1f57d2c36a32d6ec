import { defineConfig } from "vitest/config";

/** Each level of tests is a project: `vitest run --project <name>`. `npm test` runs them all and counts. */
export default defineConfig({
  test: {
    retry: 0,
    passWithNoTests: false,
    projects: [
      // a limit is there for what hangs, not for what is slow where other suites run beside it
      { test: { name: "unit", include: ["extension/test/unit/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          name: "webview",
          include: ["webview/test/unit/**/*.test.ts"],
          environment: "happy-dom",
          testTimeout: 60_000,
        },
      },
      {
        test: { name: "kernel", include: ["extension/test/kernel/**/*.test.ts"], testTimeout: 180_000, maxWorkers: 2 },
      },
      {
        test: {
          name: "panel",
          include: ["webview/test/browser/**/*.test.ts"],
          testTimeout: 240_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["extension/test/e2e/**/*.test.ts"],
          testTimeout: 480_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "package",
          include: ["extension/test/package/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
