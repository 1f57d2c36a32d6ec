#!/usr/bin/env node
/**
 * Takes desktop VS Code's command line, as `@vscode/test-electron` gives it, and runs the extension's tests in the
 * embedded editor: a server, a browser without a window, and the test run's log and exit status as a desktop would
 * give them. One test suite, either editor.
 */
import path from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { browser, browserArguments } from "./lib/browser.mjs";
import { Failure, runMain } from "./lib/failure.mjs";
import { complain, print } from "./lib/print.mjs";
import { endWithSignals } from "./lib/processes.mjs";
import { startServer } from "./lib/server.mjs";
import { temporaryFolder } from "./lib/temporary.mjs";

/** @param {string} level @param {readonly unknown[]} parts */
const log = (level, parts) => {
  const line = parts.map((part) => (typeof part === "string" ? part : JSON.stringify(part))).join(" ");
  if (level === "error" || level === "warn") complain(line.trimEnd());
  else print(line.trimEnd());
};

/**
 * Opens the page that runs the tests, and waits for their end.
 *
 * @param {import("playwright-core").Browser} window
 * @param {string} address
 * @returns {Promise<number>} the exit status of the test run
 */
const runInPage = async (window, address) => {
  const page = await window.newPage({ viewport: { width: 1280, height: 900 } });
  /** @type {Promise<number>} */
  const ended = new Promise((resolve, reject) => {
    void page.exposeFunction("codeAutomationLog", (/** @type {string} */ level, /** @type {unknown[]} */ parts) => {
      log(level, parts);
    });
    void page.exposeFunction("codeAutomationExit", (/** @type {number} */ status) => {
      resolve(status);
    });
    page.once("crash", () => {
      reject(new Failure("The page with the editor crashed."));
    });
    window.once("disconnected", () => {
      reject(new Failure("The browser ended before the tests."));
    });
  });
  await page.goto(address);
  return ended;
};

await runMain(async () => {
  endWithSignals();
  const { values, positionals } = parseArgs({
    strict: false,
    allowPositionals: true,
    options: {
      extensionDevelopmentPath: { type: "string", multiple: true, default: [] },
      extensionTestsPath: { type: "string" },
      "disable-workspace-trust": { type: "boolean", default: false },
    },
  });
  const extensions = values.extensionDevelopmentPath.filter((value) => typeof value === "string");
  const tests = values.extensionTestsPath;
  if (typeof tests !== "string" || extensions.length === 0) {
    throw new Failure("This launcher runs tests: --extensionDevelopmentPath and --extensionTestsPath are needed.");
  }
  const folder = temporaryFolder("editor");
  const workspace = positionals[0] === undefined ? folder : path.resolve(positionals[0]);
  const trust = values["disable-workspace-trust"] === true ? { "security.workspace.trust.enabled": false } : {};
  const server = await startServer({ folder: path.join(folder, "data"), settings: trust }, { driver: true });
  const window = await chromium.launch({ executablePath: await browser(), args: browserArguments });
  try {
    /** @type {[string, string][]} */
    const payload = extensions.map((extension) => ["extensionDevelopmentPath", server.uri(path.resolve(extension))]);
    payload.push(["extensionTestsPath", server.uri(path.resolve(tests))]);
    return await runInPage(window, server.address(workspace, payload));
  } finally {
    await window.close();
    await server.stop();
  }
});
