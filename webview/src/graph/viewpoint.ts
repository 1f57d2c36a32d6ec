import type { Desk } from "../part.js";
import type { Look } from "../state/ui.js";
import { firstLook, fit, reveal, toWorld, zoom, type Rect, type Size } from "./camera.js";

const GLIDE = 180;

/** Where the graph is looked at from: moved at once, or gliding unless nothing should move. */
export class Viewpoint {
  readonly #desk: Desk;
  readonly #content: () => Size | null;
  #size: Size = { width: 0, height: 0 };
  #gliding = 0;

  constructor(desk: Desk, content: () => Size | null) {
    this.#desk = desk;
    this.#content = content;
  }

  get size(): Size {
    return this.#size;
  }

  set size(size: Size) {
    this.#size = size;
  }

  get look(): Look {
    const content = this.#content();
    return this.#desk.ui.ui.look ?? (content === null ? { x: 0, y: 0, scale: 1 } : firstLook(content, this.#size));
  }

  /** The point of the world at a point of the canvas. */
  worldAt(x: number, y: number): { x: number; y: number } {
    return toWorld(this.look, this.#size, x, y);
  }

  pan(dx: number, dy: number): void {
    const { x, y, scale } = this.look;
    this.#set({ x: x - dx / scale, y: y - dy / scale, scale });
  }

  zoomAt(x: number, y: number, factor: number): void {
    this.#set(zoom(this.look, this.#size, x, y, factor));
  }

  zoom(factor: number): void {
    this.zoomAt(this.#size.width / 2, this.#size.height / 2, factor);
  }

  fit(): void {
    const content = this.#content();
    if (content !== null) this.#set(fit(content, this.#size));
  }

  /** Brings a box into sight; false where it already is, or nothing is seen yet. */
  reveal(box: Rect): boolean {
    if (this.#size.width === 0) return false;
    const from = this.look;
    const to = reveal(from, this.#size, box);
    if (to.x === from.x && to.y === from.y) return false;
    if (this.#desk.theme.calm) this.#set(to);
    else this.#glide(from, to);
    return true;
  }

  #set(look: Look): void {
    cancelAnimationFrame(this.#gliding);
    this.#desk.ui.change({ look });
  }

  #glide(from: Look, to: Look): void {
    cancelAnimationFrame(this.#gliding);
    const start = performance.now();
    const move = (now: number): void => {
      const part = Math.min(1, Math.max(0, (now - start) / GLIDE));
      const eased = 1 - (1 - part) ** 3;
      const between = (one: number, two: number): number => one + (two - one) * eased;
      const look = { x: between(from.x, to.x), y: between(from.y, to.y), scale: between(from.scale, to.scale) };
      this.#desk.ui.change({ look });
      if (part < 1) this.#gliding = requestAnimationFrame(move);
    };
    this.#gliding = requestAnimationFrame(move);
  }
}
