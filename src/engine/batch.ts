import type { Structure } from "../system/structure.ts";
import type { NativeBatch } from "./native.ts";

/** The structures as one ragged batch in the layout of the C++ engine, which copies what it is given: the positions of a single structure are
 *  its own. */
export function packBatch(structures: readonly Structure[]): NativeBatch {
  const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0);
  const [only] = structures.length === 1 ? structures : [];
  const batch = {
    numbers: new Int32Array(atoms),
    positions: only?.positions ?? new Float64Array(3 * atoms),
    offsets: new Int32Array(structures.length + 1),
    cells: new Float64Array(9 * structures.length),
    pbc: new Uint8Array(3 * structures.length),
  };
  let first = 0;
  structures.forEach(({ numbers, positions, cell, pbc }, s) => {
    batch.numbers.set(numbers, first);
    if (only === undefined) batch.positions.set(positions, 3 * first);
    if (cell !== null) batch.cells.set(cell, 9 * s);
    for (let axis = 0; axis < 3; axis++) batch.pbc[3 * s + axis] = Number(pbc[axis]);
    first += numbers.length;
    batch.offsets[s + 1] = first;
  });
  return batch;
}
