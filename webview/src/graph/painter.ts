import type { StageState } from "../contract.js";
import type { Look } from "../state/ui.js";
import { shortState, type Standing } from "../../../extension/src/protocol/words/states.js";
import { lookOf, type Tone } from "../text/states.js";
import type { Colours } from "../theme.js";
import { seen, type Rect, type Size } from "./camera.js";
import { NODE_HEIGHT, nameRoom, type Scene } from "./scene.js";

/** Everything that a picture of the graph depends on. */
export interface Picture {
  readonly scene: Scene;
  readonly look: Look;
  readonly view: Size;
  readonly ratio: number;
  readonly colours: Colours;
  readonly standing: (node: number) => Standing;
  readonly selected: number | null;
  readonly focused: boolean;
  /** The stage under the pointer with its kin, and the segments between them. */
  readonly family: ReadonlySet<number> | null;
  readonly routes: ReadonlySet<number> | null;
  /** Seconds, for what turns; null where nothing should move. */
  readonly time: number | null;
}

/** Below this scale names cannot be read: a node is a spot of its state's colour. */
const READABLE = 0.42;
const CURVED = 0.2;
const RADIUS = 6;

const tones: readonly Tone[] = ["quiet", "absent", "good", "stale", "running", "failed"];

const trace = (context: CanvasRenderingContext2D, { scene, look }: Picture, segment: number): void => {
  const at = segment * 4;
  const lines = scene.layout.segments;
  const x1 = lines[at] ?? 0;
  const y1 = lines[at + 1] ?? 0;
  const x2 = lines[at + 2] ?? 0;
  const y2 = lines[at + 3] ?? 0;
  context.moveTo(x1, y1);
  if (look.scale < CURVED || Math.abs(x1 - x2) < 0.5) context.lineTo(x2, y2);
  else {
    const bend = (y2 - y1) * 0.55;
    context.bezierCurveTo(x1, y1 + bend, x2, y2 - bend, x2, y2);
  }
};

const paintEdges = (context: CanvasRenderingContext2D, picture: Picture, room: Rect): void => {
  const { scene, look, colours, routes } = picture;
  context.lineWidth = Math.max(1.25, 0.6 / look.scale);
  context.strokeStyle = colours.edge;
  context.globalAlpha = routes === null ? 1 : 0.35;
  context.beginPath();
  scene.segments.query(room, (segment) => {
    if (routes?.has(segment) !== true) trace(context, picture, segment);
  });
  context.stroke();
  context.globalAlpha = 1;
  if (routes === null) return;
  context.lineWidth = Math.max(2, 1.2 / look.scale);
  context.strokeStyle = colours.focus;
  context.beginPath();
  scene.segments.query(room, (segment) => {
    if (routes.has(segment)) trace(context, picture, segment);
  });
  context.stroke();
};

/** Spots, all of one colour in one path. */
const paintSpots = (context: CanvasRenderingContext2D, picture: Picture, nodes: readonly number[]): void => {
  const { scene, look, colours, family } = picture;
  const spots = new Map<Tone, number[]>();
  for (const node of nodes) {
    const { tone } = lookOf(picture.standing(node).state);
    const found = spots.get(tone);
    if (found === undefined) spots.set(tone, [node]);
    else found.push(node);
  }
  const least = 1.5 / look.scale;
  const paint = (some: readonly number[]): void => {
    context.beginPath();
    for (const node of some) {
      const { left, top, right, bottom } = scene.box(node);
      context.rect(left, top, Math.max(least, right - left), Math.max(least, bottom - top));
    }
    context.fill();
  };
  for (const tone of tones) {
    const all = spots.get(tone) ?? [];
    context.fillStyle = colours.tones[tone];
    context.globalAlpha = family === null ? 0.8 : 0.2;
    paint(family === null ? all : all.filter((node) => !family.has(node)));
    context.globalAlpha = 1;
    if (family !== null) paint(all.filter((node) => family.has(node)));
  }
};

const shortened = (context: CanvasRenderingContext2D, text: string, room: number): string => {
  if (context.measureText(text).width <= room) return text;
  let low = 0;
  let high = text.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return `${text.slice(0, low)}…`;
};

/** The characters of the icons, by name, read once from the styles that define them. */
export type Glyphs = (icon: string) => string;

const paintProgress = (
  context: CanvasRenderingContext2D,
  box: Rect,
  fraction: number | undefined,
  { colours, time }: Picture,
): void => {
  const width = box.right - box.left;
  context.save();
  context.beginPath();
  context.roundRect(box.left, box.top, width, NODE_HEIGHT, RADIUS);
  context.clip();
  context.fillStyle = colours.tones.running;
  if (fraction !== undefined) context.fillRect(box.left, box.bottom - 3, width * Math.min(1, Math.max(0, fraction)), 3);
  else {
    const part = width * 0.35;
    const at = time === null ? (width - part) / 2 : ((time * 0.7) % 1) * (width + part) - part;
    context.fillRect(box.left + at, box.bottom - 3, part, 3);
  }
  context.restore();
};

const paintIcon = (
  context: CanvasRenderingContext2D,
  box: Rect,
  state: StageState,
  picture: Picture,
  glyphs: Glyphs,
): void => {
  const { icon, tone } = lookOf(state);
  context.fillStyle = picture.colours.tones[tone];
  context.font = "16px codicon";
  context.textAlign = "center";
  context.save();
  context.translate(box.left + 20, (box.top + box.bottom) / 2);
  if (state.is === "running" && picture.time !== null) context.rotate((picture.time * Math.PI * 1.4) % (2 * Math.PI));
  context.fillText(glyphs(icon), 0, 0.5);
  context.restore();
  context.textAlign = "left";
};

const paintNode = (context: CanvasRenderingContext2D, picture: Picture, node: number, glyphs: Glyphs): void => {
  const { scene, colours, look } = picture;
  const box = scene.box(node);
  const width = box.right - box.left;
  const stage = picture.standing(node);
  const { state } = stage;
  const selected = picture.selected === node;
  context.globalAlpha = picture.family === null || picture.family.has(node) ? 1 : 0.4;
  context.beginPath();
  context.roundRect(box.left, box.top, width, NODE_HEIGHT, RADIUS);
  context.fillStyle = colours.node;
  context.fill();
  context.lineWidth = selected ? 2 : 1;
  context.strokeStyle = selected
    ? colours.focus
    : state.is === "failed" || state.is === "broken"
      ? colours.tones.failed
      : colours.border;
  context.stroke();
  if (selected && picture.focused) {
    context.beginPath();
    context.roundRect(box.left - 4, box.top - 4, width + 8, NODE_HEIGHT + 8, RADIUS + 3);
    context.lineWidth = 1;
    context.stroke();
  }
  if (state.is === "running") paintProgress(context, box, state.fraction, picture);
  paintIcon(context, box, state, picture, glyphs);
  const room = nameRoom(width);
  context.fillStyle = colours.foreground;
  context.font = `600 13px ${colours.font}`;
  context.fillText(shortened(context, scene.order.names[node] ?? "", room), box.left + 37, box.top + 16.5);
  if (look.scale > READABLE * 1.25) {
    context.fillStyle = colours.faint;
    context.font = `11px ${colours.font}`;
    context.fillText(shortened(context, shortState(stage), room), box.left + 37, box.top + 32);
  }
  context.globalAlpha = 1;
};

/** Paints what is seen, and nothing else. Returns whether something that moves is among it. */
export const paint = (context: CanvasRenderingContext2D, picture: Picture, glyphs: Glyphs): boolean => {
  const { scene, look, view, ratio } = picture;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  const scale = look.scale * ratio;
  context.setTransform(
    scale,
    0,
    0,
    scale,
    (view.width / 2) * ratio - look.x * scale,
    (view.height / 2) * ratio - look.y * scale,
  );
  const room = seen(look, view);
  paintEdges(context, picture, room);
  const nodes: number[] = [];
  scene.nodes.query(room, (node) => nodes.push(node));
  context.textBaseline = "middle";
  if (look.scale < READABLE) {
    paintSpots(context, picture, nodes);
    const box = picture.selected === null ? null : scene.box(picture.selected);
    if (box !== null) {
      const space = 3 / look.scale;
      context.lineWidth = 2 / look.scale;
      context.strokeStyle = picture.colours.focus;
      context.strokeRect(box.left - space, box.top - space, box.right - box.left + 2 * space, NODE_HEIGHT + 2 * space);
    }
  } else for (const node of nodes) paintNode(context, picture, node, glyphs);
  return (
    picture.time !== null &&
    look.scale >= READABLE &&
    nodes.some((node) => picture.standing(node).state.is === "running")
  );
};
