import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { styled, type Styles } from "../styled.js";
import type { Send } from "../contract.js";
import { button } from "../kit.js";
import { Part } from "../part.js";
import { logText, type Log } from "../state/log.js";
import { placesIn, type Place } from "../text/links.js";
import { plainStyle, sameStyle, type Colour, type Style } from "../text/style.js";
import { Terminal, type Line } from "../text/terminal.js";

const LINE = 18;
const AROUND = 12;
const NEAR_END = 6;

const names = ["Black", "Red", "Green", "Yellow", "Blue", "Magenta", "Cyan", "White"];

const themed = (colour: Colour): string | undefined => {
  if (colour === null) return undefined;
  if (typeof colour === "string") return colour;
  return `var(--vscode-terminal-ansi${colour > 7 ? "Bright" : ""}${names[colour % 8] ?? "White"})`;
};

const styleOf = (style: Style): Styles => {
  const colour = themed(style.colour);
  const background = themed(style.background);
  const [front, back] = style.inverse
    ? [background ?? "var(--terminal)", colour ?? "var(--ink)"]
    : [colour, background];
  return {
    ...(front === undefined ? {} : { color: front }),
    ...(back === undefined ? {} : { "background-color": back }),
    ...(style.bold ? { "font-weight": "600" } : {}),
    ...(style.faint ? { opacity: "0.7" } : {}),
    ...(style.italic ? { "font-style": "italic" } : {}),
    ...(style.underline || style.struck
      ? { "text-decoration": `${style.underline ? "underline" : ""} ${style.struck ? "line-through" : ""}`.trim() }
      : {}),
  };
};

const lineText = (line: Line): string => line.runs.map((run) => run.text).join("");

/** A stage's log as a terminal shows it: only the lines in sight are in the page. */
export class LogView extends Part {
  static override properties = { log: { attribute: false }, label: {} };
  declare log: Log;
  declare label: string;
  declare send: Send;
  #terminal = new Terminal();
  #epoch = -1;
  #taken = 0;
  #follows = true;

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has("log")) return;
    const box = this.#box();
    if (box !== null) this.#follows = box.scrollTop + box.clientHeight >= box.scrollHeight - NEAR_END;
    if (this.log.epoch !== this.#epoch) {
      this.#terminal = new Terminal();
      this.#epoch = this.log.epoch;
      this.#taken = 0;
      this.#follows = true;
    }
    const dropped = this.#terminal.dropped;
    for (const piece of this.log.pieces.from(this.#taken)) this.#write(piece);
    this.#taken = this.log.pieces.length;
    // what is read stays where it is when lines go at the top
    if (box !== null && !this.#follows) box.scrollTop -= (this.#terminal.dropped - dropped) * LINE;
  }

  protected override updated(changed: PropertyValues<this>): void {
    const box = this.#box();
    if (box === null || !changed.has("log") || !this.#follows) return;
    const end = box.scrollHeight - box.clientHeight;
    if (Math.abs(box.scrollTop - end) < 1) return;
    box.scrollTop = end;
    this.requestUpdate();
  }

  /** A piece that cannot be shown costs itself alone, not the log. */
  #write(piece: string): void {
    try {
      this.#terminal.write(piece);
    } catch (error) {
      this.#terminal.write(`\n(A part of the log cannot be shown here: ${String(error)})\n`);
    }
  }

  #box(): HTMLElement | null {
    return this.querySelector(".terminal");
  }

  #scrolled(): void {
    const box = this.#box();
    if (box === null) return;
    this.#follows = box.scrollTop + box.clientHeight >= box.scrollHeight - NEAR_END;
    this.requestUpdate();
  }

  #toEnd(): void {
    const box = this.#box();
    if (box !== null) box.scrollTop = box.scrollHeight;
  }

  #line(index: number): TemplateResult {
    const line = this.#terminal.line(index);
    const text = lineText(line);
    const places = text.includes('File "') ? placesIn(text) : [];
    const parts: unknown[] = [];
    let at = 0;
    for (const run of line.runs) {
      let from = 0;
      for (const place of places) {
        const start = Math.max(0, place.start - at);
        const end = Math.min(run.text.length, place.end - at);
        if (start >= end) continue;
        parts.push(this.#run(run.text.slice(from, start), run.style));
        parts.push(this.#link(place, run.text.slice(start, end)));
        from = end;
      }
      parts.push(this.#run(run.text.slice(from), run.style));
      at += run.text.length;
    }
    return html`<div class="terminal-line" ${styled({ top: `${(index * LINE).toString()}px` })}>${parts}</div>`;
  }

  #link({ path, line }: Place, text: string): TemplateResult {
    const open = (): void => {
      this.send({ is: "open-frame", path, line });
    };
    // as a property: white space between tags would be shown here
    return html`<button type="button" class="link" .textContent=${text} @click=${open}></button>`;
  }

  #run(text: string, style: Style): unknown {
    if (text === "") return nothing;
    return sameStyle(style, plainStyle) ? text : html`<span ${styled(styleOf(style))}>${text}</span>`;
  }

  protected override render(): TemplateResult {
    const count = this.#terminal.count;
    const box = this.#box();
    const most = box?.clientHeight ?? 320;
    const top = this.#follows ? Math.max(0, count * LINE - most) : (box?.scrollTop ?? 0);
    const first = Math.max(0, Math.floor(top / LINE) - AROUND);
    const last = Math.min(count, first + Math.ceil(Math.max(most, 320) / LINE) + 2 * AROUND);
    const lines: TemplateResult[] = [];
    for (let index = first; index < last; index++) lines.push(this.#line(index));
    return html`${
        this.#terminal.dropped > 0
          ? html`<p class="note">
              The first ${this.#terminal.dropped.toLocaleString("en")} lines are no longer kept here.
            </p>`
          : nothing
      }
      <div class="terminal-frame">
        <div
          class="terminal"
          tabindex="0"
          role="region"
          aria-label=${this.label}
          @scroll=${() => {
            this.#scrolled();
          }}
        >
          <div class="terminal-space" ${styled({ height: `${(count * LINE).toString()}px` })}>${lines}</div>
        </div>
        <div class="terminal-tools">
          ${
            this.#follows
              ? nothing
              : button({
                  kind: "icon",
                  label: "To the end of the log",
                  icon: "arrow-down",
                  name: "log-end",
                  press: () => {
                    this.#toEnd();
                  },
                })
          }
          ${button({
            kind: "icon",
            label: "Copy the log",
            icon: "copy",
            name: "copy-log",
            press: () => {
              const whole = new Terminal();
              whole.write(logText(this.log));
              this.send({ is: "copy", text: whole.text() });
            },
          })}
        </div>
      </div>`;
  }
}

customElements.define("stage-log", LogView);
