import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { Part, type Desk } from "../part.js";
import { styled } from "../styled.js";
import { isBusy } from "../text/states.js";
import { StageCell } from "./cell.js";
import { Follower } from "./follow.js";

/** Cells of one block. Only blocks near the window hold cells: browsers watch each box of a page in every frame. */
const BLOCK = 20;
/** The height of a cell that was never drawn. */
const USUAL = 420;
/** As much of a cell may be above the window for its head to count as seen. */
const HEAD = 8;

/** What scrolls when it is pressed. */
const SCROLLING = new Set(["ArrowUp", "ArrowDown", "PageUp", "PageDown", "Home", "End", " "]);

const blocksOf = (names: readonly string[]): readonly (readonly string[])[] =>
  Array.from({ length: Math.ceil(names.length / BLOCK) }, (_, at) => names.slice(at * BLOCK, (at + 1) * BLOCK));

/** The cells, in topological order. What is far from the window is an empty box until it comes near. */
export class StageCells extends Part {
  declare desk: Desk;
  #blocks: readonly (readonly string[])[] = [];
  readonly #nearBlocks = new Set<number>([0]);
  readonly #heights = new Map<number, number>();
  #watchBlocks: IntersectionObserver | null = null;
  #watchCells: IntersectionObserver | null = null;
  #watchHeights: ResizeObserver | null = null;
  #restored = false;
  #noting = 0;
  /** The cell that was asked for stays where it was put while others take their real heights, until the user moves on. */
  #held: { readonly cell: StageCell; readonly offset: number } | null = null;
  readonly #follower = new Follower();

  override connectedCallback(): void {
    super.connectedCallback();
    const { store, ui } = this.desk;
    // where the user was before a reload counts as where they scrolled to
    if (ui.ui.anchor !== null) this.#follower.moved();
    this.#watchBlocks = new IntersectionObserver(
      (entries) => {
        this.#meetBlocks(entries);
      },
      { root: this, rootMargin: "2500px 0px" },
    );
    this.#watchCells = new IntersectionObserver(
      (entries) => {
        this.#meetCells(entries);
      },
      { root: this, rootMargin: "1000px 0px" },
    );
    this.#watchHeights = new ResizeObserver(() => {
      this.#hold();
    });
    this.own(() => {
      this.#watchBlocks?.disconnect();
      this.#watchCells?.disconnect();
      this.#watchHeights?.disconnect();
      cancelAnimationFrame(this.#noting);
    });
    this.own(
      store.watch(
        (view) => view.order,
        () => {
          this.#heights.clear();
          this.requestUpdate();
        },
      ),
    );
    this.own(
      store.watch(
        (view) => view.stages,
        () => {
          this.#follow();
        },
      ),
    );
    this.own(
      store.watch(
        (view) => isBusy(view.run),
        (busy) => {
          if (busy) this.#follow();
          else this.#follower.ended();
        },
      ),
    );
    const onScroll = (): void => {
      if (this.#restored && this.#noting === 0)
        this.#noting = requestAnimationFrame(() => {
          this.#note();
        });
    };
    this.addEventListener("scroll", onScroll, { passive: true });
    const release = (event: Event): void => {
      this.#held = null;
      const still = event instanceof KeyboardEvent ? !SCROLLING.has(event.key) : event.type === "pointerdown";
      // pressed on the scrollbar, it is the scrolling box itself that hears of it
      if (!still || (event.type === "pointerdown" && event.target === this)) this.#follower.moved();
    };
    const moves = ["wheel", "touchstart", "pointerdown", "keydown"] as const;
    for (const move of moves) this.addEventListener(move, release, { passive: true });
    this.own(() => {
      this.removeEventListener("scroll", onScroll);
      for (const move of moves) this.removeEventListener(move, release);
    });
  }

  /** Scrolls a stage's cell to the top and gives its title the focus, so that a screen reader reads on from there. */
  show(stage: string): void {
    this.#restored = true;
    this.#follower.asked(stage, this.#running());
    void this.#scrollTo(stage, 0).then((cell) =>
      cell?.querySelector<HTMLElement>("h2")?.focus({ preventScroll: true }),
    );
  }

  #running(): readonly string[] {
    const { order, stages, run } = this.desk.store.view;
    return isBusy(run) ? order.names.filter((name) => stages.get(name)?.state.is === "running") : [];
  }

  #follow(): void {
    const next = this.#follower.next(this.#running(), (stage) => this.#sees(stage));
    if (next !== null) void this.#scrollTo(next, 0);
  }

  /** Whether a cell's head is in sight, and not at the very bottom. */
  #sees(stage: string): boolean {
    const cell = [...this.querySelectorAll<StageCell>("stage-cell")].find(({ name }) => name === stage);
    if (cell === undefined) return false;
    const { top, height } = this.getBoundingClientRect();
    const at = cell.getBoundingClientRect().top - top;
    return at > -HEAD && at < height * 0.6;
  }

  async #scrollTo(stage: string, offset: number): Promise<StageCell | null> {
    const at = this.desk.store.view.order.names.indexOf(stage);
    if (at < 0) return null;
    this.#nearBlocks.add(Math.floor(at / BLOCK));
    this.requestUpdate();
    await this.updateComplete;
    const cell = [...this.querySelectorAll<StageCell>("stage-cell")].find(({ name }) => name === stage);
    if (cell === undefined) return null;
    cell.near = true;
    await cell.updateComplete;
    this.#held = { cell, offset };
    this.#hold();
    return cell;
  }

  #hold(): void {
    if (this.#held === null) return;
    const { cell, offset } = this.#held;
    if (!cell.isConnected) this.#held = null;
    else this.scrollTop += cell.getBoundingClientRect().top - this.getBoundingClientRect().top + offset;
  }

  /** Keeps which cell is at the top, and how much of it is above: heights are not the same after a reload. */
  #note(): void {
    this.#noting = 0;
    const top = this.getBoundingClientRect().top;
    for (const cell of this.querySelectorAll<StageCell>("stage-cell")) {
      const box = cell.getBoundingClientRect();
      if (box.bottom <= top + 1) continue;
      this.desk.ui.change({ anchor: { stage: cell.name, offset: Math.round(top - box.top) } });
      return;
    }
  }

  #meetBlocks(entries: readonly IntersectionObserverEntry[]): void {
    for (const { isIntersecting, target, boundingClientRect } of entries) {
      if (!(target instanceof HTMLElement)) continue;
      const block = Number(target.dataset["block"]);
      if (isIntersecting) this.#nearBlocks.add(block);
      else if (this.#nearBlocks.delete(block)) this.#heights.set(block, boundingClientRect.height);
    }
    this.requestUpdate();
  }

  #meetCells(entries: readonly IntersectionObserverEntry[]): void {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof StageCell)) continue;
      target.near = true;
      this.#watchCells?.unobserve(target);
    }
  }

  protected override willUpdate(): void {
    this.#blocks = blocksOf(this.desk.store.view.order.names);
  }

  protected override updated(_: PropertyValues): void {
    for (const block of this.querySelectorAll(".cell-block")) {
      this.#watchBlocks?.observe(block);
      this.#watchHeights?.observe(block);
    }
    for (const cell of this.querySelectorAll<StageCell>("stage-cell")) if (!cell.near) this.#watchCells?.observe(cell);
    if (this.#restored || this.#blocks.length === 0) return;
    this.#restored = true;
    const { anchor } = this.desk.ui.ui;
    if (anchor !== null) void this.#scrollTo(anchor.stage, anchor.offset);
  }

  #block(names: readonly string[], block: number): TemplateResult {
    const near = this.#nearBlocks.has(block);
    const height = near ? "auto" : `${(this.#heights.get(block) ?? names.length * USUAL).toString()}px`;
    return html`<div class="cell-block" data-block=${block} ${styled({ height })}>
      ${
        near
          ? repeat(
              names,
              (name) => name,
              (name) => html`<stage-cell .desk=${this.desk} .name=${name} data-stage=${name}></stage-cell>`,
            )
          : nothing
      }
    </div>`;
  }

  protected override render(): TemplateResult {
    return html`${this.#blocks.map((names, block) => this.#block(names, block))}`;
  }
}

customElements.define("stage-cells", StageCells);
