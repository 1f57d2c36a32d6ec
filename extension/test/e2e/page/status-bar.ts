import type { Page } from "playwright-core";
import { until } from "./waiting.js";

/** The line at the bottom. */
export class StatusBar {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The texts of its items. */
  async texts(): Promise<string[]> {
    const labels = await this.#page.locator(".statusbar-item-label").all();
    return Promise.all(labels.map(async (label) => (await label.getAttribute("aria-label")) ?? label.innerText()));
  }

  /** The text of the item like this, once it is there. */
  async shows(text: RegExp, timeout?: number): Promise<string> {
    let found: string | undefined;
    await until(
      `a status bar item like ${String(text)}`,
      async () => {
        found = (await this.texts()).find((label) => text.test(label));
        return found !== undefined;
      },
      timeout,
    );
    return found ?? "";
  }
}
