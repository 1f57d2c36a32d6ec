import { writeFileSync } from "node:fs";

/** Vitest's reporter for `npm test`: every test's ending, in the file that STAGELOOM_RESULTS names. */
export default class Results {
  /**
   * @param {readonly import("vitest/node").TestModule[]} modules
   * @param {readonly import("vitest/node").SerializedError[]} errors what failed outside of every test
   */
  onTestRunEnd(modules, errors) {
    /** @type {import("./results.mjs").Ending[]} */
    const endings = errors.map((error) => ({ name: "outside of any test", is: "failed", reason: error.message }));
    for (const module of modules) {
      for (const error of module.errors()) {
        endings.push({ name: module.relativeModuleId, is: "failed", reason: error.message });
      }
      for (const test of module.children.allTests()) {
        const name = `${module.relativeModuleId} > ${test.fullName}`;
        const result = test.result();
        if (result.state === "passed") endings.push({ name, is: "passed" });
        else if (result.state === "skipped") endings.push({ name, is: "skipped", reason: result.note ?? "" });
        else endings.push({ name, is: "failed", reason: result.errors?.[0]?.message ?? "it never ended" });
      }
    }
    const file = process.env["STAGELOOM_RESULTS"];
    if (file !== undefined) writeFileSync(file, JSON.stringify(endings));
  }
}
