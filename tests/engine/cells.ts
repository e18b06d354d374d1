import { cross, dot, row } from "../../src/system/cell.ts";
import { Random } from "../../src/system/random.ts";

/** What is asked of a neighbour search. */
export interface Question {
  readonly positions: Float64Array;
  readonly cell: Float64Array;
  readonly pbc: Uint8Array;
  readonly cutoff: number;
}

/** Edges as the search returns them, without their reverse. */
export interface Edges {
  readonly receivers: number[];
  readonly senders: number[];
  readonly shifts: number[];
  readonly vectors: number[];
}

/** Question k of a family with every mix of periodic axes, triclinic cells of either handedness, cells from a third of the cutoff to several
 *  times it, missing lattice vectors along open axes, and atoms inside, cells away, on faces and edges. Two in five hold more atoms than are
 *  compared pair by pair. */
export function randomQuestion(k: number): Question {
  const random = new Random(20_261_124, `cell ${k}`);
  const pbc = Uint8Array.from([k & 1, (k >> 1) & 1, (k >> 2) & 1]);
  const many = random.uniform() < 0.4;
  const atoms = many ? 65 + random.integer(30) : 1 + random.integer(12);
  const cutoff = many ? 2 + random.uniform() : 2 + 3 * random.uniform();
  const cell = randomCell(random, many ? 4 + 8 * random.uniform() : 1.7 + 6 * random.uniform());
  const positions = new Float64Array(3 * atoms);
  for (let i = 0; i < atoms; i++) {
    const inside = random.integer(3); // along this axis no atom is on a face, so that no two coincide
    const fraction = [0, 1, 2].map((axis) => {
      const kind = axis === inside ? 1 : random.uniform();
      if (kind < 0.15) return random.integer(4) - 1;
      return kind < 0.4 ? 6 * random.uniform() - 3 : random.uniform();
    });
    for (let c = 0; c < 3; c++)
      positions[3 * i + c] = dot(
        fraction,
        [0, 1, 2].map((axis) => row(cell, axis)[c] as number),
      );
  }
  if (random.uniform() < 0.5)
    pbc.forEach((periodic, axis) => {
      if (periodic === 0) cell.fill(0, 3 * axis, 3 * axis + 3);
    });
  return { positions, cell, pbc, cutoff };
}

/** A cell about as wide as `size`, skewed, not flat. */
function randomCell(random: Random, size: number): Float64Array {
  const cell = Float64Array.from({ length: 9 }, (_, q) =>
    q % 4 === 0 ? size * (0.8 + 0.4 * random.uniform()) : 0.35 * size * random.normal(),
  );
  if (random.uniform() < 0.3) cell.set([...row(cell, 1), ...row(cell, 0)]);
  return Math.abs(dot(row(cell, 0), cross(row(cell, 1), row(cell, 2)))) > 0.3 * size ** 3 ? cell : randomCell(random, size);
}

/** Every pair of atoms at every image that can be near enough, in the promised order: N^2, and nothing in common with the C++ search. */
export function countNeighbors({ positions, cell, pbc, cutoff }: Question): Edges {
  const edges: Edges = { receivers: [], senders: [], shifts: [], vectors: [] };
  const projections = projectionsOf(cell, pbc);
  const atoms = positions.length / 3;
  for (let i = 0; i < atoms; i++)
    for (let j = 0; j < atoms; j++) {
      const d = [0, 1, 2].map((c) => (positions[3 * j + c] as number) - (positions[3 * i + c] as number));
      const [xs, ys, zs] = projections.map((p) => {
        const [middle, reach] = [-dot(d, p), cutoff * Math.hypot(...p) + 1e-6];
        return [Math.ceil(middle - reach) + 0, Math.floor(middle + reach)]; // + 0: no -0
      }) as [[number, number], [number, number], [number, number]];
      for (let x = xs[0]; x <= xs[1]; x++)
        for (let y = ys[0]; y <= ys[1]; y++)
          for (let z = zs[0]; z <= zs[1]; z++) {
            if (i === j && x === 0 && y === 0 && z === 0) continue;
            const s = [x, y, z].map((steps, axis) => (pbc[axis] ? steps : 0));
            const r = d.map(
              (value, c) => value + s.reduce((sum, steps, axis) => sum + (steps === 0 ? 0 : steps * (cell[3 * axis + c] as number)), 0),
            );
            if (!(Math.hypot(...r) < cutoff)) continue;
            edges.receivers.push(i);
            edges.senders.push(j);
            edges.shifts.push(...s);
            edges.vectors.push(...r);
          }
    }
  return edges;
}

/** p_k with p_k . a_l = 1 if k = l, else 0, inside the span of the periodic lattice vectors; zero along open axes. */
function projectionsOf(cell: Float64Array, pbc: Uint8Array): number[][] {
  const axes = [0, 1, 2].filter((axis) => pbc[axis]);
  return [0, 1, 2].map((axis) => {
    if (!pbc[axis]) return [0, 0, 0];
    // what is left of a_axis once the others' directions are taken out (Gram-Schmidt)
    const others: number[][] = [];
    const without = (vector: readonly number[]) =>
      others.reduce((v, o) => v.map((x, c) => x - (dot(v, o) / dot(o, o)) * (o[c] as number)), [...vector]);
    for (const other of axes) if (other !== axis) others.push(without(row(cell, other)));
    const left = without(row(cell, axis));
    return left.map((x) => x / dot(left, left));
  });
}
