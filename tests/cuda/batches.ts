import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";

/** Batch k of a family of 1 to 5 structures of 1 to `most` atoms, as many small as large ones: every mix of periodic axes, skewed cells from a
 *  single atom wide (so that it sees many images) upwards, atoms outside the cell, missing lattice vectors along open axes. No two atoms nearer
 *  than 0.7 Å. */
export function randomBatch(k: number, most: number): Structure[] {
  const random = new Random(20_261_124, `batch ${k}`);
  const structures = 1 + random.integer(5);
  return Array.from({ length: structures }, (_, s) => randomStructure(random, Math.ceil(most ** random.uniform()), `${k}.${s}`));
}

function randomStructure(random: Random, atoms: number, name: string): Structure {
  const side = Math.ceil(Math.cbrt(atoms) - 1e-9);
  const step = 2 + 0.4 * random.uniform();
  const skew = [0.2, 0.2, 0.2].map((most) => most * (2 * random.uniform() - 1));
  const matrix = [
    [1, 0, 0],
    [skew[0], 1, 0],
    [skew[1], skew[2], 1],
  ] as const;
  const to = (point: readonly number[]) =>
    [0, 1, 2].map((c) => step * point.reduce((sum, x, axis) => sum + x * (matrix[axis]?.[c] ?? 0), 0));
  const pbc: Structure["pbc"] = [random.uniform() < 0.5, random.uniform() < 0.5, random.uniform() < 0.5];
  const places = random.permutation(side ** 3).slice(0, atoms);
  const positions = places.flatMap((p) => {
    const cells = pbc.map((periodic) => (periodic && random.uniform() < 0.1 ? side * (random.integer(5) - 2) : 0));
    const place = [p % side, Math.floor(p / side) % side, Math.floor(p / side ** 2)];
    return to(place.map((x, axis) => x + (cells[axis] as number) + 0.2 * (2 * random.uniform() - 1)));
  });
  const cell = Float64Array.from([0, 1, 2].flatMap((axis) => to([0, 1, 2].map((k) => (k === axis ? side : 0)))));
  for (const axis of [0, 1, 2]) if (!pbc[axis] && random.uniform() < 0.3) cell.fill(0, 3 * axis, 3 * axis + 3);
  const numbers = Array.from({ length: atoms }, () => [1, 6, 7, 8][random.integer(4)] as number);
  return { name: `batch ${name}, ${atoms} atoms`, numbers, positions: Float64Array.from(positions), cell, pbc };
}
