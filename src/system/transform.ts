import { bounds, row } from "./cell.ts";
import type { Random } from "./random.ts";
import type { Structure } from "./structure.ts";

/** Every function here returns a new structure; none changes its argument. */

/** (3,3) row-major, orthogonal. */
export type Orthogonal = Float64Array;

/** Each row of a (n,3) array times Q^T: what a vector becomes when space is turned by Q. */
export function turnVectors(vectors: Float64Array, q: Orthogonal): Float64Array<ArrayBuffer> {
  const turned = new Float64Array(vectors.length);
  for (let i = 0; i < vectors.length; i += 3)
    for (let k = 0; k < 3; k++) {
      let sum = 0;
      for (let l = 0; l < 3; l++) sum += (q[3 * k + l] as number) * (vectors[i + l] as number);
      turned[i + k] = sum;
    }
  return turned;
}

/** Q S Q^T of a stress in Voigt order (xx, yy, zz, yz, xz, xy). */
export function turnStress(stress: Float64Array, q: Orthogonal): Float64Array {
  const voigt = [0, 5, 4, 5, 1, 3, 4, 3, 2];
  const entry = (a: number, b: number) => {
    let sum = 0;
    for (let k = 0; k < 3; k++)
      for (let l = 0; l < 3; l++)
        sum += (q[3 * a + k] as number) * (q[3 * b + l] as number) * (stress[voigt[3 * k + l] as number] as number);
    return sum;
  };
  return Float64Array.of(entry(0, 0), entry(1, 1), entry(2, 2), entry(1, 2), entry(0, 2), entry(0, 1));
}

/** A rotation drawn uniformly (a normalised quaternion of normals). */
export function randomRotation(random: Random): Orthogonal {
  const raw = [random.normal(), random.normal(), random.normal(), random.normal()];
  const norm = Math.hypot(...raw);
  const [w = 1, x = 0, y = 0, z = 0] = raw.map((value) => value / norm);
  return Float64Array.of(
    1 - 2 * (y * y + z * z),
    2 * (x * y - w * z),
    2 * (x * z + w * y),
    2 * (x * y + w * z),
    1 - 2 * (x * x + z * z),
    2 * (y * z - w * x),
    2 * (x * z - w * y),
    2 * (y * z + w * x),
    1 - 2 * (x * x + y * y),
  );
}

/** A rotation followed by a mirror (determinant -1). */
export const randomReflection = (random: Random): Orthogonal => randomRotation(random).map((x) => -x);

export const turned = (structure: Structure, q: Orthogonal): Structure => ({
  ...structure,
  positions: turnVectors(structure.positions, q),
  cell: structure.cell === null ? null : turnVectors(structure.cell, q),
});

export const translated = (structure: Structure, shift: readonly [number, number, number]): Structure => ({
  ...structure,
  positions: structure.positions.map((x, index) => x + (shift[(index % 3) as 0 | 1 | 2] as number)),
});

/** Atom i of the result is atom order[i] of the structure. */
export const permuted = (structure: Structure, order: readonly number[]): Structure => ({
  ...structure,
  numbers: order.map((i) => structure.numbers[i] as number),
  positions: permutedVectors(structure.positions, order),
});

export const permutedVectors = (vectors: Float64Array, order: readonly number[]): Float64Array<ArrayBuffer> =>
  Float64Array.from(order.flatMap((i) => [vectors[3 * i] as number, vectors[3 * i + 1] as number, vectors[3 * i + 2] as number]));

/** Each coordinate moved by a normal deviate. @param sigma Å */
export const displaced = (structure: Structure, sigma: number, random: Random, name: string): Structure => ({
  ...structure,
  name,
  positions: structure.positions.map((x) => x + sigma * random.normal()),
});

/** Each atom moved by its own lattice vector, -2 to 2 times each periodic axis. */
export function latticeShifted(structure: Structure & { cell: Float64Array }, random: Random): Structure {
  const positions = structure.positions.slice();
  for (let i = 0; i < structure.numbers.length; i++)
    for (let axis = 0; axis < 3; axis++) {
      const times = structure.pbc[axis] ? random.integer(5) - 2 : 0;
      row(structure.cell, axis).forEach((x, k) => {
        positions[3 * i + k] = (positions[3 * i + k] as number) + times * x;
      });
    }
  return { ...structure, positions };
}

/** The cell repeated; copy c holds atoms c n .. (c+1) n - 1 in the old order. */
export function supercell(structure: Structure & { cell: Float64Array }, repeats: readonly [number, number, number]): Structure {
  const numbers: number[] = [];
  const positions: number[] = [];
  for (let a = 0; a < repeats[0]; a++)
    for (let b = 0; b < repeats[1]; b++)
      for (let c = 0; c < repeats[2]; c++) {
        const shift = [0, 1, 2].map(
          (k) => a * row(structure.cell, 0)[k as 0] + b * row(structure.cell, 1)[k as 0] + c * row(structure.cell, 2)[k as 0],
        );
        numbers.push(...structure.numbers);
        structure.positions.forEach((x, index) => {
          positions.push(x + (shift[index % 3] as number));
        });
      }
  return {
    ...structure,
    numbers,
    positions: Float64Array.from(positions),
    cell: structure.cell.map((x, index) => x * (repeats[Math.floor(index / 3) as 0 | 1 | 2] as number)),
  };
}

/** The molecule alone in a sheared periodic cell. @param gap Å between its bounds and those of its images */
export function boxed(structure: Structure, gap: number, name: string): Structure & { cell: Float64Array } {
  const { low, high } = bounds(structure.positions);
  const [a, b, c] = [high[0] - low[0] + gap, high[1] - low[1] + gap, high[2] - low[2] + gap];
  return {
    name,
    numbers: structure.numbers,
    positions: structure.positions.map((x, index) => x - (low[(index % 3) as 0 | 1 | 2] as number) + gap / 2),
    cell: Float64Array.of(a, 0, 0, 0.11 * a, b, 0, -0.07 * a, 0.13 * b, c),
    pbc: [true, true, true],
  };
}

/** Both structures as one; cell and periodicity are the first one's. */
export const joined = (first: Structure, second: Structure): Structure => ({
  ...first,
  numbers: [...first.numbers, ...second.numbers],
  positions: Float64Array.from([...first.positions, ...second.positions]),
});

/** The structure under a symmetric strain, R' = R (I + eps), cell likewise. @param strain Voigt entries of eps (xx, yy, zz, yz, xz, xy) */
export function strained(structure: Structure & { cell: Float64Array }, strain: readonly number[]): Structure {
  const [xx = 0, yy = 0, zz = 0, yz = 0, xz = 0, xy = 0] = strain;
  const deformation = Float64Array.of(1 + xx, xy, xz, xy, 1 + yy, yz, xz, yz, 1 + zz);
  return { ...structure, positions: turnVectors(structure.positions, deformation), cell: turnVectors(structure.cell, deformation) };
}
