import type { Locator, Page } from "playwright-core";
import { patience } from "./waiting.js";

/** The views in the sidebar. */
export class Sidebar {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** Shows the container with this title from the activity bar: "Stageloom". */
  async show(title: string): Promise<void> {
    const tab = this.#page.locator(".activitybar").getByRole("tab", { name: new RegExp(`^${title}`) });
    await tab.waitFor({ timeout: patience });
    if ((await tab.getAttribute("aria-expanded")) !== "true") await tab.click();
  }

  /** The tree of one view in it: "Pipelines", "Artifacts". */
  tree(view: string): Tree {
    const pane = this.#page.locator(".sidebar .pane", {
      has: this.#page.locator(".pane-header", { hasText: new RegExp(`^${view}`, "i") }),
    });
    return new Tree(this.#page, pane);
  }
}

/** One tree. */
export class Tree {
  readonly #page: Page;
  readonly pane: Locator;

  constructor(page: Page, pane: Locator) {
    this.#page = page;
    this.pane = pane;
  }

  /** The row whose text has `label`. */
  row(label: string | RegExp): Locator {
    return this.pane.locator(".monaco-list-row", { hasText: label }).first();
  }

  /** The texts of all rows, from top to bottom. */
  async rows(): Promise<string[]> {
    const texts = await this.pane.locator(".monaco-list-row").allInnerTexts();
    return texts.map((text) => text.replaceAll(/\s+/g, " ").trim());
  }

  async expand(label: string | RegExp): Promise<void> {
    const row = this.row(label);
    await row.waitFor({ timeout: patience });
    if ((await row.getAttribute("aria-expanded")) === "false") await row.locator(".monaco-tl-twistie").click();
  }

  async click(label: string | RegExp): Promise<void> {
    await this.row(label).click({ timeout: patience });
  }

  /** Chooses an entry of a row's context menu. */
  async choose(label: string | RegExp, entry: string): Promise<void> {
    await this.row(label).click({ button: "right", timeout: patience });
    const item = this.#page.locator(".monaco-menu .action-item", { hasText: entry }).first();
    await item.waitFor({ timeout: patience });
    // the menu takes no click in the moment that it opens
    await item.hover();
    await this.#page.waitForTimeout(150);
    await item.click();
  }

  /** Clicks an inline action of a row, shown while the mouse is over it. */
  async act(label: string | RegExp, action: string): Promise<void> {
    const row = this.row(label);
    await row.hover({ timeout: patience });
    await row.locator(`.actions a[aria-label^="${action}"]`).first().click({ timeout: patience });
  }
}
