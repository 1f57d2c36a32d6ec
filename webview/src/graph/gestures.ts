/** What a pointer does on a canvas, in its own pixels. */
export interface Gestures {
  pan(dx: number, dy: number): void;
  zoom(x: number, y: number, factor: number): void;
  hover(x: number, y: number): void;
  leave(): void;
  press(x: number, y: number): void;
  open(x: number, y: number): void;
}

const SLACK = 4;

const place = (canvas: HTMLCanvasElement, event: MouseEvent): [x: number, y: number] => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

/** Zoom with ctrl or a pinch (which browsers report so), move with the wheel alone. */
const onWheel = (canvas: HTMLCanvasElement, event: WheelEvent, gestures: Gestures): void => {
  event.preventDefault();
  const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
  if (event.ctrlKey || event.metaKey) {
    const [x, y] = place(canvas, event);
    gestures.zoom(x, y, Math.exp(-Math.max(-60, Math.min(60, event.deltaY * unit)) * 0.008));
  } else if (event.shiftKey && event.deltaX === 0) gestures.pan(-event.deltaY * unit, 0);
  else gestures.pan(-event.deltaX * unit, -event.deltaY * unit);
};

/** Two fingers: how far apart, and where their middle is. */
const pinch = (touches: ReadonlyMap<number, [number, number]>): { distance: number; x: number; y: number } | null => {
  const [one, two] = [...touches.values()];
  if (one === undefined || two === undefined) return null;
  return { distance: Math.hypot(one[0] - two[0], one[1] - two[1]), x: (one[0] + two[0]) / 2, y: (one[1] + two[1]) / 2 };
};

/** Turns pointer events into gestures until the signal ends it. */
export const watchGestures = (canvas: HTMLCanvasElement, gestures: Gestures, signal: AbortSignal): void => {
  const touches = new Map<number, [number, number]>();
  let moved = 0;
  const start = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    touches.set(event.pointerId, place(canvas, event));
    moved = 0;
  };
  const move = (event: PointerEvent): void => {
    const [x, y] = place(canvas, event);
    const before = touches.get(event.pointerId);
    if (before === undefined) {
      gestures.hover(x, y);
      return;
    }
    const wide = pinch(touches);
    touches.set(event.pointerId, [x, y]);
    const now = pinch(touches);
    moved += Math.hypot(x - before[0], y - before[1]);
    if (wide !== null && now !== null) {
      gestures.pan(now.x - wide.x, now.y - wide.y);
      gestures.zoom(now.x, now.y, now.distance / Math.max(1, wide.distance));
    } else if (moved > SLACK) {
      canvas.classList.add("dragging");
      gestures.pan(x - before[0], y - before[1]);
    }
  };
  const end = (event: PointerEvent): void => {
    canvas.classList.remove("dragging");
    if (!touches.delete(event.pointerId) || event.type !== "pointerup" || moved > SLACK) return;
    gestures.press(...place(canvas, event));
  };
  canvas.addEventListener("pointerdown", start, { signal });
  canvas.addEventListener("pointermove", move, { signal });
  canvas.addEventListener("pointerup", end, { signal });
  canvas.addEventListener("pointercancel", end, { signal });
  canvas.addEventListener(
    "pointerleave",
    () => {
      gestures.leave();
    },
    { signal },
  );
  canvas.addEventListener(
    "dblclick",
    (event) => {
      gestures.open(...place(canvas, event));
    },
    { signal },
  );
  canvas.addEventListener(
    "wheel",
    (event) => {
      onWheel(canvas, event, gestures);
    },
    { signal, passive: false },
  );
};
