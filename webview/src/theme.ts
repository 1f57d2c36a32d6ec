import type { Tone } from "./text/states.js";

/** The theme's colours as a canvas needs them: read, not referred to. */
export interface Colours {
  readonly foreground: string;
  readonly faint: string;
  readonly background: string;
  readonly node: string;
  readonly border: string;
  readonly edge: string;
  readonly focus: string;
  readonly grid: string;
  readonly tip: string;
  readonly tipBorder: string;
  readonly series: readonly string[];
  readonly tones: Readonly<Record<Tone, string>>;
  readonly font: string;
  readonly contrast: boolean;
}

const read = (style: CSSStyleDeclaration): Colours => {
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  return {
    foreground: colour("--ink"),
    faint: colour("--faint"),
    background: colour("--page"),
    node: colour("--node"),
    border: colour("--node-border"),
    edge: colour("--edge"),
    focus: colour("--focus"),
    grid: colour("--grid"),
    tip: colour("--tip"),
    tipBorder: colour("--tip-border"),
    series: ["blue", "yellow", "green", "purple", "red", "orange"].map((name) => colour(`--series-${name}`)),
    tones: {
      good: colour("--state-good"),
      stale: colour("--state-stale"),
      absent: colour("--state-absent"),
      running: colour("--state-running"),
      failed: colour("--state-failed"),
      quiet: colour("--state-quiet"),
    },
    font: style.fontFamily,
    contrast: colour("--contrast") === "1",
  };
};

/** Follows the theme, the size of its font and the wish for less motion. */
export class Theme {
  #colours: Colours;
  readonly #calm: MediaQueryList;
  readonly #watchers = new Set<() => void>();

  constructor(body: HTMLElement) {
    this.#colours = read(getComputedStyle(body));
    this.#calm = matchMedia("(prefers-reduced-motion: reduce)");
    const refresh = (): void => {
      this.#colours = read(getComputedStyle(body));
      for (const react of [...this.#watchers]) react();
    };
    const observer = new MutationObserver(refresh);
    // VS Code sets the variables on the root element and the kind of theme on the body
    observer.observe(body, { attributes: true, attributeFilter: ["class", "data-vscode-theme-id"] });
    observer.observe(body.ownerDocument.documentElement, { attributes: true, attributeFilter: ["style"] });
    this.#calm.addEventListener("change", refresh);
    // styles and the icons' font may come after the script
    window.addEventListener("load", refresh);
    void document.fonts.load("16px codicon").then(refresh, () => undefined);
  }

  get colours(): Colours {
    return this.#colours;
  }

  /** Whether nothing should move that need not. */
  get calm(): boolean {
    return this.#calm.matches || document.body.classList.contains("vscode-reduce-motion");
  }

  watch(react: () => void): () => void {
    this.#watchers.add(react);
    return () => this.#watchers.delete(react);
  }
}
