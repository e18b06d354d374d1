import { cellHeights, cellVolume, cross, dot, isCrystal, row } from "../../src/system/cell.ts";
import type { Evaluation, Potential, Property } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";

/** A Morse pair potential with a cosine cutoff, exact forces and stress, any periodicity: a force field whose every property is known,
 *  so that faults can be planted in it and must be found. */
export const cutoff = 5;

/** What a planted fault may replace. */
export interface Parts {
  /** the pair's energy (eV) and its derivative by distance (eV/Å); z: the two atomic numbers */
  pair(d: number, zi: number, zj: number): readonly [number, number];
  /** energy of a pair that depends on its direction, to break rotation; gradient by the vector r = Rj - Ri */
  direction?: (r: readonly [number, number, number]) => { energy: number; gradient: readonly [number, number, number] };
  /** is this image of the sender seen */
  image?: (shift: readonly [number, number, number]) => boolean;
  round?: (x: number) => number;
}

const f = (d: number): number => (d < cutoff ? 0.5 * (Math.cos((Math.PI * d) / cutoff) + 1) : 0);
const df = (d: number): number => (d < cutoff ? -((0.5 * Math.PI) / cutoff) * Math.sin((Math.PI * d) / cutoff) : 0);

/** Depth and minimum depend on the elements. */
export function morse(d: number, zi: number, zj: number): readonly [number, number] {
  const depth = 0.15 * Math.sqrt(zi * zj);
  const r0 = 0.7 + 0.05 * Math.sqrt(zi + zj);
  const e = Math.exp(-1.3 * (d - r0));
  const v = depth * (e * e - 2 * e);
  const dv = -2 * 1.3 * depth * (e * e - e);
  return [v * f(d), dv * f(d) + v * df(d)];
}

const honest: Parts = { pair: morse };

const at = (array: ArrayLike<number>, index: number): number => array[index] as number;
const add = (array: Float64Array, index: number, x: number): void => {
  array[index] = at(array, index) + x;
};

/** For faults: an array changed entry by entry; null stays null. */
export const mapped = (array: Float64Array | null, edit: (x: number, k: number, all: Float64Array) => number): Float64Array | null =>
  array === null ? null : array.map(edit);

function compute(structure: Structure, parts: Parts): Evaluation {
  const { numbers, positions, cell, pbc } = structure;
  const n = numbers.length;
  const forces = new Float64Array(3 * n);
  const energies = new Float64Array(n);
  const virial = new Float64Array(9);
  for (const shift of shifts(structure)) {
    if (!(parts.image?.(shift) ?? true)) continue;
    const lattice = [0, 1, 2].map((k) =>
      cell === null ? 0 : [0, 1, 2].reduce((sum, axis) => sum + (shift[axis as 0] ?? 0) * (cell[3 * axis + k] ?? 0), 0),
    ) as [number, number, number];
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        if (i === j && shift.every((s) => s === 0)) continue;
        const x = at(positions, 3 * j) - at(positions, 3 * i) + lattice[0];
        const y = at(positions, 3 * j + 1) - at(positions, 3 * i + 1) + lattice[1];
        const z = at(positions, 3 * j + 2) - at(positions, 3 * i + 2) + lattice[2];
        const d = Math.sqrt(x * x + y * y + z * z);
        if (!(d < cutoff)) continue;
        const r: [number, number, number] = [x, y, z];
        const [v, dv] = parts.pair(d, at(numbers, i), at(numbers, j));
        const extra = parts.direction?.(r);
        add(energies, i, 0.5 * (v + (extra?.energy ?? 0)));
        for (let k = 0; k < 3; k++) {
          const g = 0.5 * ((dv * at(r, k)) / d + (extra?.gradient[k] ?? 0));
          add(forces, 3 * i + k, g);
          add(forces, 3 * j + k, -g);
          for (let l = 0; l < 3; l++) add(virial, 3 * k + l, g * at(r, l));
        }
      }
  }
  const round = parts.round ?? ((x: number) => x);
  const energy = round(energies.reduce((sum, e) => sum + e, 0));
  const volume = cell !== null && isCrystal({ ...structure, cell, pbc }) ? cellVolume(cell) : 0;
  return {
    energy,
    netEnergy: energy,
    forces: forces.map(round),
    stress: volume > 0 ? Float64Array.from([0, 4, 8, 5, 2, 1], (k) => round((virial[k] ?? 0) / volume)) : null,
    energies: energies.map(round),
  };
}

/** Every image that can hold a neighbour: the cutoff and the atoms' own spread, measured across the cell's faces. */
function shifts({ cell, pbc, positions }: Structure): [number, number, number][] {
  if (cell === null) return [[0, 0, 0]];
  const heights = cellHeights(cell);
  const range = (k: 0 | 1 | 2): number[] => {
    const face = cross(row(cell, (k + 1) % 3), row(cell, (k + 2) % 3));
    const along = Array.from({ length: positions.length / 3 }, (_, i) => dot(row(positions, i), face) / Math.hypot(...face));
    const reach = pbc[k] ? Math.ceil((cutoff + Math.max(...along) - Math.min(...along)) / heights[k]) : 0;
    return Array.from({ length: 2 * reach + 1 }, (_, s) => s - reach);
  };
  return range(0).flatMap((a) => range(1).flatMap((b) => range(2).map((c): [number, number, number] => [a, b, c])));
}

/** @param change what is done to an evaluation before it is handed out: a fault in the door rather than in the mathematics */
export function pairPotential(
  name: string,
  parts: Parts = honest,
  change: (evaluation: Evaluation, structure: Structure, index: number) => Evaluation = (evaluation) => evaluation,
): Potential {
  return {
    name,
    provides: new Set<Property>(["energy", "forces", "stress", "energies"]),
    domain: { elements: null, maxAtoms: 100_000, periodic: true },
    async evaluate(batch, want = ["energy", "forces"]) {
      return batch.map((structure, index) => {
        const all = compute(structure, parts);
        const wanted = {
          ...all,
          forces: want.includes("forces") ? all.forces : null,
          stress: want.includes("stress") ? all.stress : null,
          energies: want.includes("energies") ? all.energies : null,
        };
        return change(wanted, structure, index);
      });
    },
    close: async () => undefined,
  };
}
