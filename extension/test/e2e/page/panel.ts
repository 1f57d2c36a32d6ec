import type { FrameLocator, Page } from "playwright-core";
import { patience } from "./waiting.js";

/** A webview: VS Code puts its page into a frame within a frame. */
export class Panel {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** The page of the webview that is visible. */
  frame(): FrameLocator {
    return this.#page.frameLocator("iframe.webview.ready:visible").frameLocator("iframe#active-frame");
  }

  /** Waits until the page holds something. @param selector what the panel shows when it is drawn */
  async appears(selector: string, timeout = patience): Promise<void> {
    await this.frame().locator(selector).first().waitFor({ timeout });
  }
}
