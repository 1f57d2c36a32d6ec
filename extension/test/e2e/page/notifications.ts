import type { Locator, Page } from "playwright-core";
import { patience } from "./waiting.js";

/** A message without buttons goes after some seconds, in milliseconds with room to spare. */
const GOES_AFTER = 30_000;

/** The notifications that pop up at the lower right. */
export class Notifications {
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  /** One with this text, once it is there. One that went by itself, which a busy machine may miss, is in the list. */
  async appears(text: string | RegExp, timeout = patience): Promise<Locator> {
    const places = ".notification-toast, .notifications-center .notification-list-item";
    const toast = this.#page.locator(places, { hasText: text }).first();
    try {
      await toast.waitFor({ timeout: Math.min(timeout, GOES_AFTER) });
    } catch {
      await this.#page.locator('[id="status.notifications"] a').first().click({ timeout: patience });
      await toast.waitFor({ timeout });
    }
    return toast;
  }

  async disappears(text: string | RegExp, timeout = patience): Promise<void> {
    const toast = this.#page.locator(".notification-toast", { hasText: text }).first();
    await toast.waitFor({ state: "detached", timeout });
  }

  /** Presses a button of the notification with this text. */
  async press(text: string | RegExp, button: string): Promise<void> {
    const toast = await this.appears(text);
    await toast.locator(".monaco-button", { hasText: button }).first().click({ timeout: patience });
  }
}
