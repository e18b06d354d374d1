import { PainnlessError } from "../errors.ts";
import { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";

/** A batch to evaluate, and more sets of positions of the same atoms: inputs rotate, so that nothing can be remembered. */
export interface System {
  readonly name: string;
  /** one batch a set; every batch has the same atoms */
  readonly sets: readonly (readonly Structure[])[];
}

/** What to time: a new case is a row. */
export const systems = [
  { name: "9", what: "ethanol", structures: 1, packed: null },
  { name: "21", what: "random packing", structures: 1, packed: 21 },
  { name: "100", what: "random packing", structures: 1, packed: 100 },
  { name: "1000", what: "random packing", structures: 1, packed: 1000 },
  { name: "64x9", what: "batch of 64 ethanol", structures: 64, packed: null },
] as const;

export type SystemRow = (typeof systems)[number];

/** atoms per Å^3, and Å */
const density = 0.1;
const closest = 1.2;
/** Å, how far the sets of one system differ */
const displacement = 0.02;

/** ASE's g2 geometry, Å. */
const ethanol = {
  numbers: [6, 6, 8, 1, 1, 1, 1, 1, 1],
  positions: [
    ...[1.168181, -0.400382, 0, 0, 0.559462, 0, -1.190083, -0.227669, 0, -1.946623, 0.381525, 0, 0.042557, 1.207508, 0.886933],
    ...[0.042557, 1.207508, -0.886933, 2.115891, 0.1448, 0, 1.128599, -1.037234, 0.885881, 1.128599, -1.037234, -0.885881],
  ],
};

/** The structures of a row, the same for the same seed.
 *  @param known elements of the model; null: any */
export function makeSystem(row: SystemRow, seed: number, sets: number, known: readonly number[] | null): System {
  const random = new Random(seed, `bench/${row.name}`);
  const base = Array.from({ length: row.structures }, () => (row.packed === null ? ethanol : packing(row.packed, random, known)));
  const unknown = base.flatMap(({ numbers }) => numbers).find((z) => known !== null && !known.includes(z));
  if (unknown !== undefined) throw new PainnlessError("BAD_MODEL", `the model does not know element ${unknown} of system ${row.name}`);
  const batches = Array.from({ length: sets }, () =>
    base.map(
      ({ numbers, positions }, i): Structure => ({
        ...{ name: `${row.what} ${i}`, numbers: [...numbers], cell: null, pbc: [false, false, false] },
        positions: Float64Array.from(positions, (x) => x + displacement * random.normal()),
      }),
    ),
  );
  return { name: row.name, sets: batches };
}

/** Atoms at random in a cube, none closer than `closest`: tries again until one fits, which at this density it soon does. */
function packing(atoms: number, random: Random, known: readonly number[] | null): { numbers: number[]; positions: number[] } {
  const choice = [1, 6, 7, 8].filter((z) => known === null || known.includes(z));
  if (choice.length === 0) throw new PainnlessError("BAD_MODEL", "the model knows none of H, C, N, O, of which the packings are made");
  const side = (atoms / density) ** (1 / 3);
  const positions: number[] = [];
  while (positions.length < 3 * atoms) {
    const candidate = [side * random.uniform(), side * random.uniform(), side * random.uniform()] as const;
    let free = true;
    for (let k = 0; k < positions.length && free; k += 3) {
      const distance = Math.hypot(...candidate.map((x, axis) => x - (positions[k + axis] as number)));
      free = distance >= closest;
    }
    if (free) positions.push(...candidate);
  }
  return { numbers: Array.from({ length: atoms }, () => choice[random.integer(choice.length)] as number), positions };
}
