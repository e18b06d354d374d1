import { cellHeights, row } from "./cell.ts";
import type { Structure } from "./structure.ts";

/** Pairs looked at beyond which counting would take longer than it is worth. */
const limit = 20_000_000;

/** Directed edges within the cutoff by trying every pair and every image: slow and plain. null where that is too many. @param cutoff Å */
export function countEdges(structure: Structure, cutoff: number): number | null {
  const n = structure.numbers.length;
  const { cell, positions } = structure;
  const heights = cell === null ? [Infinity, Infinity, Infinity] : cellHeights(cell);
  const spread = imagesSpread(structure);
  const reach = [0, 1, 2].map((k) =>
    cell !== null && structure.pbc[k] ? Math.ceil(cutoff / (heights[k] as number)) + (spread[k] as number) : 0,
  );
  const images = reach.reduce((product, r) => product * (2 * r + 1), 1);
  if (!(n * n * images <= limit)) return null;
  let edges = 0;
  const [ra = 0, rb = 0, rc = 0] = reach;
  const square = cutoff * cutoff;
  for (let a = -ra; a <= ra; a++)
    for (let b = -rb; b <= rb; b++)
      for (let c = -rc; c <= rc; c++) {
        const [sx, sy, sz] = cell === null ? [0, 0, 0] : latticeVector(cell, a, b, c);
        const home = a === 0 && b === 0 && c === 0;
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) {
            if (home && i === j) continue;
            const dx = (positions[3 * j] as number) - (positions[3 * i] as number) + sx;
            const dy = (positions[3 * j + 1] as number) - (positions[3 * i + 1] as number) + sy;
            const dz = (positions[3 * j + 2] as number) - (positions[3 * i + 2] as number) + sz;
            if (dx * dx + dy * dy + dz * dz < square) edges++;
          }
      }
  return edges;
}

const latticeVector = (cell: Float64Array, a: number, b: number, c: number): [number, number, number] => {
  const [va, vb, vc] = [row(cell, 0), row(cell, 1), row(cell, 2)];
  return [a * va[0] + b * vb[0] + c * vc[0], a * va[1] + b * vb[1] + c * vc[1], a * va[2] + b * vb[2] + c * vc[2]];
};

/** How many cells the atoms are spread over along each axis. */
function imagesSpread({ cell, positions }: Structure): number[] {
  if (cell === null) return [0, 0, 0];
  const heights = cellHeights(cell);
  let reach = 0;
  for (let k = 0; k < 3; k++) {
    const values = positions.filter((_, index) => index % 3 === k);
    reach = Math.max(
      reach,
      values.reduce((high, x) => Math.max(high, x), -Infinity) - values.reduce((low, x) => Math.min(low, x), Infinity),
    );
  }
  return heights.map((height) => Math.ceil((Math.sqrt(3) * reach) / height));
}
