import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import path from "node:path";
import type { AddressInfo } from "node:net";
import { test as base } from "vitest";
import { chromium, type Browser, type Locator, type Page } from "playwright-core";
import type { FromPanel, ToPanel } from "../../../extension/src/protocol/panels/messages.js";
import { browser, browserArguments } from "../../../scripts/lib/browser.mjs";
import type { PageTheme } from "./themes.js";

const built = process.env["STAGELOOM_WEBVIEW"] ?? path.resolve(import.meta.dirname, "../../../dist/webview");

const types: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".ttf": "font/ttf",
};

const listen = (server: Server): Promise<string> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      // an http server that listens on a port has an address of this kind
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}`);
    });
  });

/** The built files, from another origin than the page's, as in VS Code. */
const resources = (): Server =>
  createServer((request, response) => {
    const name = path.basename(new URL(request.url ?? "/", "http://x").pathname);
    readFile(path.join(built, name)).then(
      (content) => {
        response.writeHead(200, {
          "Content-Type": types[path.extname(name)] ?? "application/octet-stream",
          "Access-Control-Allow-Origin": "*",
        });
        response.end(content);
      },
      () => response.writeHead(404).end(`${name} is not in ${built}: run npm run build`),
    );
  });

const nonce = "bm9uY2UtZm9yLXRlc3Rz";

const html = (source: string, theme: PageTheme): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src ${source} data:; font-src ${source}; style-src ${source} 'nonce-${nonce}'; script-src 'nonce-${nonce}'; connect-src ${source}; worker-src blob:; base-uri 'none'; form-action 'none'">
<meta property="csp-nonce" content="${nonce}">
<script nonce="${nonce}">
  window.__violations = [];
  document.addEventListener("securitypolicyviolation", (event) => window.__violations.push(event.violatedDirective + " " + event.blockedURI + " " + event.sourceFile + ":" + event.lineNumber));
  window.__errors = [];
  addEventListener("error", (event) => window.__errors.push(event.message));
  addEventListener("unhandledrejection", (event) => window.__errors.push(String(event.reason)));
  window.__sent = [];
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => window.__sent.push(message),
    getState: () => JSON.parse(sessionStorage.getItem("state") ?? "null") ?? undefined,
    setState: (state) => sessionStorage.setItem("state", JSON.stringify(state)),
  });
  for (const [name, value] of Object.entries(${JSON.stringify(theme.variables)})) document.documentElement.style.setProperty("--vscode-" + name, value);
</script>
<link rel="stylesheet" href="${source}/codicon.css"><link rel="stylesheet" href="${source}/panel.css">
<title>panel</title></head>
<body class="${theme.body}" data-layout="${source}/layout.js">
<script type="module" nonce="${nonce}" src="${source}/panel.js"></script>
</body></html>`;

/** A browser with what stands in for VS Code's side of the panel: it serves the page, posts, and keeps what was sent. */
export class PanelHost {
  readonly #browser: Browser;
  readonly #files: Server;
  readonly #source: string;
  #pages: (() => Promise<void>)[] = [];

  private constructor(browser: Browser, files: Server, source: string) {
    this.#browser = browser;
    this.#files = files;
    this.#source = source;
  }

  static async start(): Promise<PanelHost> {
    const files = resources();
    const source = await listen(files);
    const started = await chromium.launch({
      executablePath: await browser(),
      args: browserArguments,
    });
    return new PanelHost(started, files, source);
  }

  async open(
    theme: PageTheme,
    size = { width: 1280, height: 860 },
    motion: "reduce" | "no-preference" = "reduce",
  ): Promise<Panel> {
    const server = createServer((_, response) => {
      response.writeHead(200, { "Content-Type": "text/html" });
      response.end(html(this.#source, theme));
    });
    const address = await listen(server);
    const context = await this.#browser.newContext({
      viewport: size,
      reducedMotion: motion,
      colorScheme: theme.scheme,
    });
    const page = await context.newPage();
    await page.goto(address);
    const panel = new Panel(page);
    await panel.sent("ready");
    this.#pages.push(async () => {
      await context.close();
      server.close();
    });
    return panel;
  }

  async closePages(): Promise<void> {
    for (const close of this.#pages.splice(0)) await close();
  }

  async stop(): Promise<void> {
    await this.closePages();
    await this.#browser.close();
    this.#files.close();
  }
}

/** The page object: what a user does and sees in the panel. */
export class Panel {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async post(...messages: readonly ToPanel[]): Promise<void> {
    await this.page.evaluate((text) => {
      // the messages that were given below
      for (const message of JSON.parse(text) as unknown[]) window.postMessage(message, "*");
    }, JSON.stringify(messages));
    await this.settle();
  }

  /** Waits until what was posted is drawn. */
  async settle(frames = 3): Promise<void> {
    await this.page.evaluate(
      (count) =>
        new Promise<void>((resolve) => {
          const next = (left: number): void => {
            if (left === 0) resolve();
            else
              requestAnimationFrame(() => {
                next(left - 1);
              });
          };
          next(count);
        }),
      frames,
    );
  }

  async intents(): Promise<readonly FromPanel[]> {
    // the page's own list, filled by the stand-in for VS Code's API above
    return this.page.evaluate(() => (window as unknown as { __sent: FromPanel[] }).__sent);
  }

  /** Waits for an intent of a kind, and returns the last one. */
  async sent<Is extends FromPanel["is"]>(is: Is): Promise<Extract<FromPanel, { is: Is }>> {
    await this.page.waitForFunction(
      (kind) => (window as unknown as { __sent: FromPanel[] }).__sent.some((intent) => intent.is === kind),
      is,
    );
    // filtered by the tag that tells the union's members apart
    return (await this.intents()).findLast((intent) => intent.is === is) as Extract<FromPanel, { is: Is }>;
  }

  async forget(): Promise<void> {
    await this.page.evaluate(() => ((window as unknown as { __sent: FromPanel[] }).__sent.length = 0));
  }

  async violations(): Promise<readonly string[]> {
    return this.page.evaluate(() => (window as unknown as { __violations: string[] }).__violations);
  }

  async errors(): Promise<readonly string[]> {
    return this.page.evaluate(() => (window as unknown as { __errors: string[] }).__errors);
  }

  cell(stage: string): Locator {
    return this.page.locator(`stage-cell[data-stage="${stage}"]`);
  }

  action(name: string, within: Locator = this.page.locator("stage-bar")): Locator {
    return within.locator(`[data-action="${name}"]`);
  }

  get graph(): Locator {
    return this.page.locator("stage-graph canvas");
  }

  /** Waits until the graph is laid out. */
  async laidOut(): Promise<void> {
    await this.page.waitForSelector("stage-graph[data-crossings]", { timeout: 60_000 });
    await this.settle();
  }

  /** Where a node is on the page, found as a user would see it: by its box in the painted graph. */
  async nodeAt(stage: string): Promise<{ x: number; y: number }> {
    return this.page.evaluate((name) => {
      // read through the element that paints: a canvas has no parts to ask for
      const graph = document.querySelector("stage-graph") as unknown as {
        placeOf(stage: string): { x: number; y: number };
      };
      return graph.placeOf(name);
    }, stage);
  }

  async picture(name: string): Promise<void> {
    const folder = path.resolve(import.meta.dirname, "../../../test-results/pictures");
    await this.page.screenshot({ path: path.join(folder, `panel-${name}.png`), animations: "disabled" });
  }

  /** A plot as base64 PNG, drawn by the browser. */
  async plot(): Promise<string> {
    return this.page.evaluate(() => {
      const canvas = document.createElement("canvas");
      canvas.width = 1000;
      canvas.height = 560;
      const context = canvas.getContext("2d");
      if (context === null) return "";
      context.fillStyle = "white";
      context.fillRect(0, 0, 1000, 560);
      context.strokeStyle = "#333";
      context.strokeRect(70, 20, 900, 480);
      context.fillStyle = "#1f77b4aa";
      for (let at = 0; at < 700; at++) {
        const x = 90 + ((at * 7919) % 860);
        const y = 480 - ((x - 70) / 900) * 440 + Math.sin(at * 12.9898) * 34 * Math.cos(at * 0.37);
        context.beginPath();
        context.arc(x, y, 4, 0, 7);
        context.fill();
      }
      context.fillStyle = "#333";
      context.font = "20px sans-serif";
      context.fillText("measured", 480, 540);
      return canvas.toDataURL("image/png").split(",")[1] ?? "";
    });
  }
}

/** A test with a browser that is started once a file; its pages are closed after each. */
export const test = base.extend<{ host: PanelHost; shared: PanelHost }>({
  shared: [
    // vitest reads from the pattern that this one needs no other
    async ({}, use) => {
      const host = await PanelHost.start();
      await use(host);
      await host.stop();
    },
    { scope: "file" },
  ],
  host: async ({ shared }, use) => {
    await use(shared);
    await shared.closePages();
  },
});
