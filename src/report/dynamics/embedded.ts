/** Frames as the page carries them, and what both its maker and its script do with them. */
export interface EmbeddedFrames {
  /** in the unit of time of the run */
  readonly times: readonly number[];
  readonly atoms: readonly EmbeddedAtom[];
  /** (frames, atoms, 3) int16, little-endian, in base64; Å after times `scale` */
  readonly positions: string;
  readonly scale: number;
  /** of the cell: both ends of each, Å */
  readonly edges: readonly (readonly [number, number, number, number, number, number])[];
}

export interface EmbeddedAtom {
  readonly symbol: string;
  readonly colour: string;
  /** covalent, Å */
  readonly radius: number;
}

/** Two atoms nearer than their covalent radii with a quarter more are drawn bonded. */
const reach = 1.25;

/** Pairs of atoms to draw a bond between, first before second. @param positions (n, 3) Å */
export function bondsBetween(atoms: readonly EmbeddedAtom[], positions: ArrayLike<number>): [number, number][] {
  const bonds: [number, number][] = [];
  atoms.forEach((a, i) => {
    for (let j = i + 1; j < atoms.length; j++) {
      const most = reach * (a.radius + (atoms[j] as EmbeddedAtom).radius);
      let square = 0;
      for (let k = 0; k < 3; k++) square += ((positions[3 * i + k] as number) - (positions[3 * j + k] as number)) ** 2;
      if (square < most * most) bonds.push([i, j]);
    }
  });
  return bonds;
}
