import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";

/** A gas of random atoms, none too near another. */
export function gas(atoms: number, seed: number): Structure {
  const random = new Random(seed, "gas");
  const size = Math.cbrt(atoms / 0.05);
  const positions: number[][] = [];
  while (positions.length < atoms) {
    const p = [0, 1, 2].map(() => size * random.uniform());
    if (positions.every((q) => Math.hypot(...q.map((x, c) => x - (p[c] as number))) > 0.9)) positions.push(p);
  }
  const numbers = positions.map(() => [1, 6, 7, 8][random.integer(4)] as number);
  const cell = Float64Array.from([size, 0, 0, 0.3 * size, size, 0, 0, 0.1 * size, size]);
  return { name: `gas of ${atoms}`, numbers, positions: Float64Array.from(positions.flat()), cell, pbc: [true, true, true] };
}
