import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { styled } from "../styled.js";
import { icon, searchField } from "../kit.js";
import { Part, type Desk } from "../part.js";
import { describeState, shortState } from "../../../extension/src/protocol/words/states.js";
import { lookOf } from "../text/states.js";
import { Kin } from "./kin.js";

export const ROW = 26;
const SEARCH_FROM = 12;

/** The same stages as a list: for the keyboard, for screen readers, and for whoever prefers one. */
export class StageList extends Part {
  static override properties = { filter: { state: true } };
  declare desk: Desk;
  declare go: (stage: string) => void;
  declare private filter: string;
  #kin: Kin | null = null;
  #typed = "";
  #typedAt = 0;

  constructor() {
    super();
    this.filter = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { store, ui, clock } = this.desk;
    this.own(
      store.watch(
        (view) => view.order,
        () => {
          this.#kin = null;
          this.requestUpdate();
        },
      ),
    );
    this.own(
      store.watch(
        (view) => view.stages,
        () => {
          this.requestUpdate();
        },
      ),
    );
    this.own(
      clock.watch(() => {
        this.requestUpdate();
      }),
    );
    this.own(
      ui.watch((now, before) => {
        if (now.selected !== before.selected) this.requestUpdate();
      }),
    );
  }

  protected override firstUpdated(): void {
    const observer = new ResizeObserver(() => {
      this.requestUpdate();
    });
    const box = this.#box();
    if (box !== null) observer.observe(box);
    this.own(() => {
      observer.disconnect();
    });
  }

  protected override updated(_: PropertyValues): void {
    const at = this.#shown().indexOf(this.desk.ui.ui.selected ?? "");
    const box = this.#box();
    if (at < 0 || box === null || this.dataset["shown"] === this.desk.ui.ui.selected) return;
    this.dataset["shown"] = this.desk.ui.ui.selected ?? "";
    if (at * ROW < box.scrollTop) box.scrollTop = at * ROW;
    else if ((at + 1) * ROW > box.scrollTop + box.clientHeight) box.scrollTop = (at + 1) * ROW - box.clientHeight;
  }

  #box(): HTMLElement | null {
    return this.querySelector(".list-box");
  }

  #shown(): readonly string[] {
    const { names } = this.desk.store.view.order;
    const wanted = this.filter.trim().toLowerCase();
    return wanted === "" ? names : names.filter((name) => name.toLowerCase().includes(wanted));
  }

  /** Left goes to what the stage is made from, right to what is made from it. */
  #along(direction: "above" | "below"): string | undefined {
    const { order } = this.desk.store.view;
    this.#kin ??= new Kin(order);
    const other = this.#kin[direction][order.names.indexOf(this.desk.ui.ui.selected ?? "")]?.[0];
    return other === undefined ? undefined : order.names[other];
  }

  #byLetters(key: string, names: readonly string[], at: number): string | undefined {
    const now = performance.now();
    this.#typed = now - this.#typedAt < 700 ? this.#typed + key.toLowerCase() : key.toLowerCase();
    this.#typedAt = now;
    const start = this.#typed.length === 1 ? at + 1 : Math.max(0, at);
    const turned = [...names.slice(start), ...names.slice(0, start)];
    return turned.find((name) => name.toLowerCase().startsWith(this.#typed));
  }

  #target(event: KeyboardEvent, names: readonly string[], at: number): string | undefined {
    const page = Math.max(1, Math.floor((this.#box()?.clientHeight ?? ROW) / ROW) - 1);
    const clamp = (index: number): string | undefined => names[Math.min(names.length - 1, Math.max(0, index))];
    switch (event.key) {
      case "ArrowDown":
        return clamp(at + 1);
      case "ArrowUp":
        return clamp(at - 1);
      case "PageDown":
        return clamp(at + page);
      case "PageUp":
        return clamp(at - page);
      case "Home":
        return clamp(0);
      case "End":
        return clamp(names.length - 1);
      case "ArrowLeft":
        return this.#along("above");
      case "ArrowRight":
        return this.#along("below");
      default:
        return event.key.length === 1 && event.key !== " " ? this.#byLetters(event.key, names, at) : undefined;
    }
  }

  #key(event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const names = this.#shown();
    const at = names.indexOf(this.desk.ui.ui.selected ?? "");
    const selected = names[at];
    if ((event.key === "Enter" || event.key === " ") && selected !== undefined) this.go(selected);
    else {
      const target = this.#target(event, names, at);
      if (target === undefined) return;
      this.desk.ui.change({ selected: target });
    }
    event.preventDefault();
  }

  #row(name: string, index: number, count: number): TemplateResult {
    const { store, ui, clock } = this.desk;
    const stage = store.view.stages.get(name);
    if (stage === undefined) return html``;
    const look = lookOf(stage.state);
    const selected = ui.ui.selected === name;
    const [state, short] = [describeState(stage, clock.now(), { since: true }), shortState(stage)];
    return html`<div
      class="list-row ${selected ? "selected" : ""}"
      id="row-${index}"
      role="option"
      aria-selected=${selected ? "true" : "false"}
      aria-setsize=${count}
      aria-posinset=${index + 1}
      aria-label="${name}, ${state.startsWith(short) ? "" : `${short}, `}${state}${
        stage.dependencies.length > 0 ? `, from ${stage.dependencies.join(", ")}` : ""
      }"
      title="${name} · ${state}"
      ${styled({ top: `${(index * ROW).toString()}px` })}
      @click=${() => {
        this.go(name);
      }}
      @dblclick=${() => {
        this.desk.send({ is: "reveal", stage: name });
      }}
    >
      <span class="state-icon tone-${look.tone} ${stage.state.is === "running" ? "turning" : ""}"
        >${icon(look.icon)}</span
      >
      <span class="list-name">${name}</span>
      <span class="list-state">${short}</span>
    </div>`;
  }

  protected override render(): TemplateResult {
    const names = this.#shown();
    const box = this.#box();
    const first = Math.max(0, Math.floor((box?.scrollTop ?? 0) / ROW) - 6);
    const last = Math.min(names.length, first + Math.ceil((box?.clientHeight ?? 400) / ROW) + 12);
    const selected = names.indexOf(this.desk.ui.ui.selected ?? "");
    const all = this.desk.store.view.order.names.length;
    return html`${
        all < SEARCH_FROM
          ? nothing
          : searchField("Filter stages", this.filter, (text) => {
              this.filter = text;
            })
      }
      <div
        class="list-box"
        role="listbox"
        tabindex="0"
        aria-label="Stages. Left and right arrow follow dependencies, Enter goes to the cell."
        aria-activedescendant=${selected >= first && selected < last ? `row-${selected.toString()}` : nothing}
        @keydown=${(event: KeyboardEvent) => {
          this.#key(event);
        }}
        @scroll=${() => {
          this.requestUpdate();
        }}
      >
        <div class="list-space" ${styled({ height: `${(names.length * ROW).toString()}px` })}>
          ${repeat(
            names.slice(first, last),
            (name) => name,
            (name, index) => this.#row(name, first + index, names.length),
          )}
        </div>
        ${names.length === 0 && all > 0 ? html`<p class="empty">No stage has “${this.filter}” in its name.</p>` : nothing}
      </div>`;
  }
}

customElements.define("stage-list", StageList);
