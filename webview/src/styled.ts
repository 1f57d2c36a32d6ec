import { noChange } from "lit";
import { Directive, directive, PartType, type ElementPart, type PartInfo } from "lit/directive.js";

/** CSS properties by their CSS names; what is left out is taken away. */
export type Styles = Readonly<Record<string, string>>;

class Styled extends Directive {
  #before: readonly string[] = [];

  constructor(part: PartInfo) {
    super(part);
    if (part.type !== PartType.ELEMENT) throw new Error("styled() stands in an element's tag, not in an attribute");
  }

  override render(_: Styles): typeof noChange {
    return noChange;
  }

  override update(part: ElementPart, [styles]: [Styles]): typeof noChange {
    // the element's own style object: a style attribute would be refused by the page's policy
    const { style } = part.element as HTMLElement;
    for (const name of this.#before) if (!(name in styles)) style.removeProperty(name);
    for (const [name, value] of Object.entries(styles)) style.setProperty(name, value);
    this.#before = Object.keys(styles);
    return noChange;
  }
}

/** Sets styles on the element in whose tag it stands: `<div ${styled({ top: "4px" })}>`. */
export const styled = directive(Styled);
