import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

interface Ending {
  readonly name: string;
  readonly is: "passed" | "failed" | "skipped";
  readonly reason?: string;
}

/** What VS Code's extension host calls: runs every test beside this file, and leaves their endings for `npm test`. */
export async function run(): Promise<void> {
  const { default: Mocha } = await import("mocha");
  const mocha = new Mocha({ ui: "bdd", timeout: 180_000, color: false, retries: 0, forbidOnly: true });
  for (const name of readdirSync(__dirname)) if (name.endsWith(".test.js")) mocha.addFile(path.join(__dirname, name));
  await mocha.loadFilesAsync();

  const endings: Ending[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    runner.on("pass", (test) => endings.push({ name: test.fullTitle(), is: "passed" }));
    runner.on("fail", (test, error: Error) => {
      endings.push({ name: test.fullTitle(), is: "failed", reason: error.message });
    });
    // Mocha keeps no word on why: a test that can't run here is left out, or fails
    runner.on("pending", (test) => endings.push({ name: test.fullTitle(), is: "skipped" }));
  });
  const target = process.env["STAGELOOM_RESULTS"];
  if (target !== undefined) writeFileSync(target, JSON.stringify(endings));
  if (failures > 0) throw new Error(`${failures} of ${endings.length} tests failed`);
}
