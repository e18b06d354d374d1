import type { Structure } from "../src/system/structure.ts";

/** The structures that tests of every room share. Molecules are at the geometries of ASE's g2 collection. */

const free: Structure["pbc"] = [false, false, false];
const all: Structure["pbc"] = [true, true, true];

const molecule = (name: string, numbers: number[], positions: number[]): Structure => ({
  name,
  numbers,
  positions: Float64Array.from(positions),
  cell: null,
  pbc: free,
});

export const ethanol = molecule(
  "ethanol",
  [6, 6, 8, 1, 1, 1, 1, 1, 1],
  [
    1.168181, -0.400382, 0, 0, 0.559462, 0, -1.190083, -0.227669, 0, -1.946623, 0.381525, 0, 0.042557, 1.207508, 0.886933, 0.042557,
    1.207508, -0.886933, 2.115891, 0.1448, 0, 1.128599, -1.037234, 0.885881, 1.128599, -1.037234, -0.885881,
  ],
);

export const water = molecule("water", [8, 1, 1], [0, 0, 0.119262, 0, 0.763239, -0.477047, 0, -0.763239, -0.477047]);

export const methanol = molecule(
  "methanol",
  [6, 8, 1, 1, 1, 1],
  [
    -0.047131, 0.664389, 0, -0.047131, -0.758551, 0, -1.092995, 0.969785, 0, 0.878534, -1.048458, 0, 0.437145, 1.080376, 0.891772, 0.437145,
    1.080376, -0.891772,
  ],
);

export const singleAtom = molecule("single atom", [8], [0.3, -0.2, 0.1]);

/** 6.5 Å apart: beyond the cutoff of 5 Å of the models in the tests. */
export const farDimer = molecule("far dimer", [8, 1], [0, 0, 0, 3.9, 5.2, 0]);

export const closeDimer = molecule("close dimer", [6, 8], [0, 0, 0, 0.7, 0.6, 0.7]);

/** Five atoms, no two within 5 Å. */
export const noEdges = molecule("no edges", [6, 1, 8, 1, 6], [0, 0, 0, 7, 0, 0, 0, 7, 0, 0, 0, 7, 7, 7, 7]);

const crystal = (
  name: string,
  numbers: number[],
  positions: number[],
  cell: number[],
  pbc = all,
): Structure & { cell: Float64Array<ArrayBuffer> } => ({
  name,
  numbers,
  positions: Float64Array.from(positions),
  cell: Float64Array.from(cell),
  pbc,
});

/** Wider than twice a cutoff of 5 Å, atoms outside the cell and on its faces. */
export const cubic = crystal(
  "cubic",
  [8, 1, 1, 6, 1, 8],
  [0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0, 5.6, 11.2, 5.5, 6.6, 11.3, 5.4, -4.1, 3.2, 14.9],
  [11.2, 0, 0, 0, 11.2, 0, 0, 0, 11.2],
);

export const triclinic = crystal(
  "triclinic",
  [6, 8, 1, 1, 6, 1],
  [0.2, 0.1, 0, 1.4, 0.2, 0.3, -0.5, 0.9, 0.4, 2.9, 2.6, 3.1, 4.2, 3.1, 3.9, 5.1, 2.6, 3.4],
  [6.1, 0, 0, 1.9, 5.4, 0, -1.3, 1.7, 5.9],
);

/** Every atom sees several images of every atom, itself included. */
export const smallCrystal = crystal("small crystal", [8, 1], [0.1, -0.2, 0.3, 1.6, 1.1, 1.9], [3, 0.1, 0, 0.4, 3.1, 0, -0.2, 0.3, 3.2]);

/** One atom whose only neighbours are its own images. */
export const selfImages = crystal("self images", [6], [0.4, 0.5, 0.6], [2.7, 0, 0, 0.3, 2.9, 0, 0.2, -0.4, 3.1]);

/** Periodic in x and y, thinner than the cutoff. */
export const slab = crystal(
  "slab",
  [6, 8, 1, 1],
  [0, 0, 0, 1.2, 0.1, 0.4, 2.2, 1.9, 0.9, 0.7, 2.4, 1.3],
  [4.1, 0, 0, 0.6, 4.4, 0, 0, 0, 9],
  [true, true, false],
);

/** Periodic in z only. */
export const wire = crystal(
  "wire",
  [6, 1, 8],
  [0, 0, 0, 0.9, 0.5, 0.3, -0.8, 0.7, 1.2],
  [8, 0, 0, 0, 8, 0, 0.5, 0.2, 3.3],
  [false, false, true],
);

export const molecules = [ethanol, water, methanol, singleAtom, farDimer, closeDimer, noEdges] as const;
export const periodicSystems = [cubic, triclinic, smallCrystal, selfImages, slab, wire] as const;

/** n atoms on a lattice, with so many Å between them. */
export const lattice = (n: number, spacing: number) => {
  const side = Math.ceil(Math.cbrt(n));
  const numbers = new Array<number>(n).fill(1);
  const positions = Float64Array.from({ length: 3 * n }, (_, k) => {
    const i = Math.floor(k / 3);
    return spacing * ([i % side, Math.floor(i / side) % side, Math.floor(i / side ** 2)][k % 3] ?? 0);
  });
  return { name: `${n} atoms`, numbers, positions, cell: null, pbc: [false, false, false] as [boolean, boolean, boolean] };
};
