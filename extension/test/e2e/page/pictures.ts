import { mkdirSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { CommandPalette } from "./command-palette.js";
import { until } from "./waiting.js";

const folder = path.resolve(import.meta.dirname, "../../../../test-results/pictures");

export type Theme = "light" | "dark" | "high-contrast";

const themes = {
  light: { title: "Light Modern", workbench: "vs" },
  dark: { title: "Dark Modern", workbench: "vs-dark" },
  "high-contrast": { title: "Dark High Contrast", workbench: "hc-black" },
} as const;

/** Pictures of the workbench, in test-results/pictures. */
export class Pictures {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Turns to a theme, by the palette as a user would. */
  async turnTo(theme: Theme): Promise<void> {
    const { title, workbench } = themes[theme];
    const now = (await this.#page.locator(".monaco-workbench").getAttribute("class"))?.split(" ") ?? [];
    if (now.includes(workbench)) return;
    const palette = new CommandPalette(this.#page);
    await palette.run("Preferences: Color Theme");
    await this.#page.locator(".quick-input-widget input.input").fill(title);
    await palette.pick(new RegExp(`^${title}`));
    await until(`theme ${title}`, async () => {
      const classes = await this.#page.locator(".monaco-workbench").getAttribute("class");
      return classes?.split(" ").includes(workbench) === true;
    });
  }

  /** Takes one picture, in the theme that is on or in `theme`. */
  async screenshot(name: string, theme?: Theme): Promise<string> {
    if (theme !== undefined) await this.turnTo(theme);
    mkdirSync(folder, { recursive: true });
    const file = path.join(folder, `${theme === undefined ? name : `${name}-${theme}`}.png`);
    // transitions of hovers and focus rings
    await this.#page.waitForTimeout(250);
    await this.#page.screenshot({ path: file });
    return file;
  }

  /** Takes the same picture light and dark. */
  async screenshots(name: string): Promise<void> {
    await this.screenshot(name, "dark");
    await this.screenshot(name, "light");
  }
}
