import { html, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { Part, type Desk } from "../part.js";
import { StageCell } from "./cell.js";

/** The cells, in topological order. Those far from the window are empty boxes until they come near. */
export class StageCells extends Part {
  declare desk: Desk;
  #near: IntersectionObserver | null = null;
  #restored = false;

  override connectedCallback(): void {
    super.connectedCallback();
    const { store } = this.desk;
    this.#near = new IntersectionObserver(
      (entries) => {
        this.#meet(entries);
      },
      { root: this, rootMargin: "1000px 0px" },
    );
    this.own(() => this.#near?.disconnect());
    this.own(
      store.watch(
        (view) => view.order,
        () => {
          this.requestUpdate();
        },
      ),
    );
    const onScroll = (): void => {
      if (this.#restored) this.desk.ui.change({ scroll: this.scrollTop });
    };
    this.addEventListener("scroll", onScroll, { passive: true });
    this.own(() => {
      this.removeEventListener("scroll", onScroll);
    });
  }

  /** Scrolls a stage's cell to the top and gives its title the focus, so that a screen reader reads on from there. */
  show(stage: string): void {
    const cell = this.#cell(stage);
    if (cell === undefined) return;
    cell.near = true;
    const settle = (rounds: number): void => {
      cell.scrollIntoView({ block: "start" });
      // cells above take their real height when they come near, which moves this one
      if (rounds > 0)
        requestAnimationFrame(() => {
          settle(rounds - 1);
        });
      else cell.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true });
    };
    void cell.updateComplete.then(() => {
      settle(4);
    });
  }

  #cell(stage: string): StageCell | undefined {
    return [...this.querySelectorAll<StageCell>("stage-cell")].find((cell) => cell.name === stage);
  }

  #meet(entries: readonly IntersectionObserverEntry[]): void {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof StageCell)) continue;
      target.near = true;
      this.#near?.unobserve(target);
    }
  }

  protected override updated(_: PropertyValues): void {
    for (const cell of this.querySelectorAll<StageCell>("stage-cell")) if (!cell.near) this.#near?.observe(cell);
    if (this.#restored || this.desk.store.view.order.names.length === 0) return;
    const { scroll } = this.desk.ui.ui;
    // the cells take their heights in the next frames
    const settle = (rounds: number): void => {
      if (scroll > 0) this.scrollTop = scroll;
      if (rounds > 0 && scroll > 0)
        requestAnimationFrame(() => {
          settle(rounds - 1);
        });
      else this.#restored = true;
    };
    settle(8);
  }

  protected override render(): TemplateResult {
    return html`${repeat(
      this.desk.store.view.order.names,
      (name) => name,
      (name) => html`<stage-cell .desk=${this.desk} .name=${name} data-stage=${name}></stage-cell>`,
    )}`;
  }
}

customElements.define("stage-cells", StageCells);
