/** A colour: one of the theme's sixteen, by index, or one of its own as `#rrggbb`. */
export type Colour = number | string | null;

/** How text looks. */
export interface Style {
  readonly colour: Colour;
  readonly background: Colour;
  readonly bold: boolean;
  readonly faint: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly struck: boolean;
  readonly inverse: boolean;
}

export const plainStyle: Style = {
  colour: null,
  background: null,
  bold: false,
  faint: false,
  italic: false,
  underline: false,
  struck: false,
  inverse: false,
};

const hex = (...parts: number[]): string =>
  `#${parts.map((part) => Math.min(255, Math.max(0, part)).toString(16).padStart(2, "0")).join("")}`;

/** The colour that 256-colour terminals give an index. */
const indexed = (index: number): Colour => {
  if (index < 16) return index;
  if (index >= 232) return hex(...[0, 0, 0].map(() => (index - 232) * 10 + 8));
  const level = (value: number): number => (value === 0 ? 0 : value * 40 + 55);
  const at = index - 16;
  return hex(level(Math.floor(at / 36)), level(Math.floor(at / 6) % 6), level(at % 6));
};

/** Reads `5;n` or `2;r;g;b` after 38 or 48: the colour, and how many codes it took. */
const extended = (codes: readonly number[], at: number): [Colour, number] => {
  if (codes[at] === 5) return [indexed(codes[at + 1] ?? 0), 2];
  if (codes[at] === 2) return [hex(codes[at + 1] ?? 0, codes[at + 2] ?? 0, codes[at + 3] ?? 0), 4];
  return [null, 1];
};

const simple: Readonly<Record<number, Partial<Style>>> = {
  0: plainStyle,
  1: { bold: true },
  2: { faint: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { struck: true },
  22: { bold: false, faint: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { struck: false },
  39: { colour: null },
  49: { background: null },
};

/** The style after the codes of one `ESC [ … m`. Codes that mean nothing here are passed over. */
export const restyle = (style: Style, codes: readonly number[]): Style => {
  let result = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, taken] = extended(codes, at + 1);
      result = { ...result, [code === 38 ? "colour" : "background"]: colour };
      at += taken;
    } else if (code >= 30 && code <= 37) result = { ...result, colour: code - 30 };
    else if (code >= 40 && code <= 47) result = { ...result, background: code - 40 };
    else if (code >= 90 && code <= 97) result = { ...result, colour: code - 82 };
    else if (code >= 100 && code <= 107) result = { ...result, background: code - 92 };
    else result = { ...result, ...simple[code] };
  }
  return result;
};

export const sameStyle = (one: Style, two: Style): boolean =>
  one === two ||
  (one.colour === two.colour &&
    one.background === two.background &&
    one.bold === two.bold &&
    one.faint === two.faint &&
    one.italic === two.italic &&
    one.underline === two.underline &&
    one.struck === two.struck &&
    one.inverse === two.inverse);
