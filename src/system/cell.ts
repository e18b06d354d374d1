import type { Structure } from "./structure.ts";

/** Row k of a (3,3) row-major matrix. */
export const row = (matrix: Float64Array, k: number): [number, number, number] => [
  matrix[3 * k] as number,
  matrix[3 * k + 1] as number,
  matrix[3 * k + 2] as number,
];

export const cross = (a: readonly number[], b: readonly number[]): [number, number, number] => {
  const [ax = 0, ay = 0, az = 0] = a;
  const [bx = 0, by = 0, bz = 0] = b;
  return [ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx];
};

export const dot = (a: readonly number[], b: readonly number[]): number =>
  (a[0] ?? 0) * (b[0] ?? 0) + (a[1] ?? 0) * (b[1] ?? 0) + (a[2] ?? 0) * (b[2] ?? 0);

/** Volume of the cell, Å^3, of whatever handedness. */
export const cellVolume = (cell: Float64Array): number => Math.abs(dot(row(cell, 0), cross(row(cell, 1), row(cell, 2))));

/** Distance between opposite faces along each axis, Å. */
export const cellHeights = (cell: Float64Array): [number, number, number] => {
  const height = (k: number): number => {
    const face = cross(row(cell, (k + 1) % 3), row(cell, (k + 2) % 3));
    return cellVolume(cell) / Math.hypot(...face);
  };
  return [height(0), height(1), height(2)];
};

export const isCrystal = (structure: Structure): structure is Structure & { cell: Float64Array } =>
  structure.cell !== null && structure.pbc.every(Boolean);

/** Smallest and largest coordinate along each axis, Å. */
export function bounds(positions: Float64Array): { low: [number, number, number]; high: [number, number, number] } {
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  positions.forEach((x, index) => {
    const k = (index % 3) as 0 | 1 | 2;
    low[k] = Math.min(low[k], x);
    high[k] = Math.max(high[k], x);
  });
  return { low, high };
}
