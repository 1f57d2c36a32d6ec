import type { Point } from "../contract.js";
import { Growing } from "./growing.js";

/** Reported points; `epoch` changes when they are not the former ones with more at the end. */
export interface Curve {
  readonly epoch: number;
  readonly points: Growing<Point>;
}

/** As many points as are kept whole; beyond, older ones are thinned. */
export const MOST_POINTS = 200_000;
const GROUP = 8;

/** Of each few points those that hold the least or the greatest of some value: spikes survive, the shape stays. */
export const thin = (points: readonly Point[]): Point[] => {
  const kept: Point[] = [];
  for (let start = 0; start < points.length; start += GROUP) {
    const group = points.slice(start, start + GROUP);
    const keep = new Set<Point>();
    for (const name of new Set(group.flatMap((point) => Object.keys(point.values)))) {
      const having = group.filter((point) => point.values[name] !== undefined);
      const value = (point: Point): number => point.values[name] ?? 0;
      keep.add(having.reduce((least, point) => (value(point) < value(least) ? point : least)));
      keep.add(having.reduce((most, point) => (value(point) > value(most) ? point : most)));
    }
    kept.push(...group.filter((point) => keep.has(point)));
  }
  return kept;
};

export const makeCurve = (points: readonly Point[], epoch: number): Curve => ({ epoch, points: Growing.of(points) });

export const appendPoints = (curve: Curve, points: readonly Point[]): Curve => {
  const all = curve.points.append(points);
  if (all.length <= MOST_POINTS) return { epoch: curve.epoch, points: all };
  const half = Math.floor(all.length / 2);
  const items = all.from(0);
  const older = thin(items.slice(0, half));
  // many series at once can make every point an extreme: then the oldest quarter goes
  const fitting = older.length > half * 0.8 ? older.slice(Math.floor(half / 2)) : older;
  return makeCurve([...fitting, ...items.slice(half)], curve.epoch + 1);
};
