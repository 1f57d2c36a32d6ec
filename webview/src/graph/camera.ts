import type { Look } from "../state/ui.js";

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const LEAST = 0.004;
const MOST = 2.5;

/** The look that shows all of `content` with a margin, no larger than life. */
export const fit = (content: Size, view: Size, margin = 28): Look => {
  const scale = Math.min(
    1,
    Math.max(1, view.width - 2 * margin) / Math.max(1, content.width),
    Math.max(1, view.height - 2 * margin) / Math.max(1, content.height),
  );
  return { x: content.width / 2, y: content.height / 2, scale: Math.max(LEAST, scale) };
};

/** Where to look first: all of it where that is readable, else its upper part at a readable size. */
export const firstLook = (content: Size, view: Size): Look => {
  const whole = fit(content, view);
  if (whole.scale >= 0.55 || content.width * content.height === 0) return whole;
  const scale = Math.max(0.6, Math.min(0.7, (view.width - 56) / content.width));
  const x = content.width / 2;
  return { x, y: Math.min(content.height / 2, (view.height / 2 - 28) / scale), scale };
};

/** What of the world is seen. */
export const seen = (look: Look, view: Size): Rect => ({
  left: look.x - view.width / 2 / look.scale,
  right: look.x + view.width / 2 / look.scale,
  top: look.y - view.height / 2 / look.scale,
  bottom: look.y + view.height / 2 / look.scale,
});

export const toWorld = (look: Look, view: Size, x: number, y: number): { x: number; y: number } => ({
  x: look.x + (x - view.width / 2) / look.scale,
  y: look.y + (y - view.height / 2) / look.scale,
});

/** Zooms by `factor` so that the point of the world under (x, y) stays there. */
export const zoom = (look: Look, view: Size, x: number, y: number, factor: number): Look => {
  const scale = Math.min(MOST, Math.max(LEAST, look.scale * factor));
  const under = toWorld(look, view, x, y);
  return { scale, x: under.x - (x - view.width / 2) / scale, y: under.y - (y - view.height / 2) / scale };
};

/** Moves no further than needed for `box` to be seen with a margin. */
export const reveal = (look: Look, view: Size, box: Rect, margin = 24): Look => {
  const room = seen(look, view);
  const space = margin / look.scale;
  const shift = (low: number, high: number, from: number, to: number): number => {
    if (high - low + 2 * space > to - from) return (low + high) / 2 - (from + to) / 2;
    if (low - space < from) return low - space - from;
    if (high + space > to) return high + space - to;
    return 0;
  };
  return {
    scale: look.scale,
    x: look.x + shift(box.left, box.right, room.left, room.right),
    y: look.y + shift(box.top, box.bottom, room.top, room.bottom),
  };
};
