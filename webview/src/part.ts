import { LitElement } from "lit";
import type { Send } from "./contract.js";
import type { Clock } from "./clock.js";
import type { Store } from "./state/store.js";
import type { UiState } from "./state/ui.js";
import type { Theme } from "./theme.js";

/** What every part of the panel works with. */
export interface Desk {
  readonly store: Store;
  readonly ui: UiState;
  readonly send: Send;
  readonly clock: Clock;
  readonly theme: Theme;
}

/** An element in the page's own tree, so that the panel's styles and icons reach it. */
export abstract class Part extends LitElement {
  readonly #owned: (() => void)[] = [];

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  /** Calls `dispose` when the element leaves the page. */
  protected own(dispose: () => void): void {
    this.#owned.push(dispose);
  }

  protected disown(): void {
    for (const dispose of this.#owned.splice(0).reverse()) dispose();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.disown();
  }
}
