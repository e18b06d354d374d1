import type { MdResult } from "../../dynamics/result.ts";
import { bounds, cross, dot, row } from "../../system/cell.ts";
import { drawing, round } from "../frame.ts";
import { type Markup, markup } from "../markup.ts";
import { drawnAtom } from "./atoms.ts";
import { timeUnit } from "./curves.ts";
import { bondsBetween, type EmbeddedFrames } from "./embedded.ts";
import type { ShownFrames } from "./frames.ts";

type Structure = MdResult["structure"];

/** Larger structures are drawn without bonds: finding them takes the square of the number of atoms. */
const mostBonded = 2000;

/** The frames as the page carries them. Atoms of a periodic structure are put into its cell. */
export function embedFrames({ frames }: ShownFrames, result: MdResult): EmbeddedFrames {
  const { structure } = result;
  const placed = frames.map(({ positions }) => wrapped(positions, structure));
  const largest = placed.reduce((most, positions) => positions.reduce((a, b) => Math.max(a, Math.abs(b)), most), 0);
  const scale = largest / 32767 || 1;
  const size = 3 * structure.numbers.length;
  const bytes = new DataView(new ArrayBuffer(2 * size * frames.length));
  placed.forEach((positions, k) => {
    positions.forEach((x, i) => {
      bytes.setInt16(2 * (k * size + i), Math.round(x / scale), true);
    });
  });
  const unit = timeUnit(result).size * 1000;
  return {
    ...{ scale, positions: Buffer.from(bytes.buffer).toString("base64"), edges: cellEdges(structure) },
    times: frames.map(({ time }) => Number((time / unit).toPrecision(9))),
    atoms: structure.numbers.map(drawnAtom),
  };
}

/** The first frame as a drawing, for paper and wherever there is no WebGL. */
export function drawMolecule({ frames }: ShownFrames, { structure }: MdResult): Markup {
  const atoms = structure.numbers.map(drawnAtom);
  const positions = wrapped((frames[0] as ShownFrames["frames"][number]).positions, structure);
  const edges = cellEdges(structure);
  const { low, high } = bounds(Float64Array.from([...positions, ...edges.flat()]));
  const extents = ([0, 1, 2] as const).map((k) => ({ k, low: low[k], high: high[k] })).sort((a, b) => b.high - b.low - (a.high - a.low));
  // Seen along the direction in which it is thinnest.
  const [across, up, depth] = extents as [(typeof extents)[0], (typeof extents)[0], (typeof extents)[0]];
  const [width, height, margin] = [400, 260, 34];
  const size = Math.min((width - 2 * margin) / (across.high - across.low || 1), (height - 2 * margin) / (up.high - up.low || 1), 62);
  const x = (p: ArrayLike<number>, i: number) =>
    round(width / 2 + size * ((p[3 * i + across.k] as number) - (across.low + across.high) / 2));
  const y = (p: ArrayLike<number>, i: number) => round(height / 2 - size * ((p[3 * i + up.k] as number) - (up.low + up.high) / 2));
  const bonds = atoms.length > mostBonded ? [] : bondsBetween(atoms, positions);
  const order = atoms.map((_, i) => i).sort((a, b) => (positions[3 * a + depth.k] as number) - (positions[3 * b + depth.k] as number));
  const radius = (i: number) => round(size * (0.14 + 0.3 * (atoms[i]?.radius ?? 1)));
  return drawing(width, height, "The first frame", `${formula(structure.numbers)}, ${atoms.length} atoms, seen from the side.`, [
    markup`${edges.map((edge) => markup`<path class="guide" d="M${x(edge, 0)} ${y(edge, 0)}L${x(edge, 1)} ${y(edge, 1)}"/>`)}`,
    markup`${bonds.map(([i, j]) => markup`<path class="bond" stroke-width="${round(size * 0.16)}" d="M${x(positions, i)} ${y(positions, i)}L${x(positions, j)} ${y(positions, j)}"/>`)}`,
    markup`${order.map((i) => markup`<circle class="atom" cx="${x(positions, i)}" cy="${y(positions, i)}" r="${radius(i)}" fill="${atoms[i]?.colour ?? ""}"/>`)}`,
  ]);
}

/** Which colour is which element. */
export function elementKey({ numbers }: Structure): Markup {
  const kinds = [...new Set(numbers)].sort((a, b) => b - a).map(drawnAtom);
  return markup`<ul class="key" aria-label="Colours of the elements">${kinds.map(({ symbol, colour }) => markup`<li><svg viewBox="0 0 12 12" aria-hidden="true"><circle class="atom" cx="6" cy="6" r="5" fill="${colour}"/></svg>${symbol}</li>`)}</ul>`;
}

/** Composition, carbon and hydrogen first: C2H6O. */
export function formula(numbers: readonly number[]): string {
  const counts = new Map<string, number>();
  for (const z of numbers) {
    const { symbol } = drawnAtom(z);
    counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
  }
  const rank = (symbol: string) => (counts.has("C") ? (symbol === "C" ? "0" : symbol === "H" ? "1" : symbol) : symbol);
  const symbols = [...counts.keys()].sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
  return symbols.map((symbol) => `${symbol}${counts.get(symbol) === 1 ? "" : counts.get(symbol)}`).join("");
}

/** Positions with each atom put back into the cell along its periodic axes. */
function wrapped(positions: Float64Array, { cell, pbc }: Structure): Float64Array {
  if (cell === null || !pbc.some(Boolean)) return positions;
  const matrix = Float64Array.from(cell);
  const volume = dot(row(matrix, 0), cross(row(matrix, 1), row(matrix, 2)));
  const result = positions.slice();
  for (let i = 0; i < result.length; i += 3)
    for (const k of [0, 1, 2].filter((axis) => pbc[axis])) {
      const along = dot([...positions.subarray(i, i + 3)], cross(row(matrix, (k + 1) % 3), row(matrix, (k + 2) % 3))) / volume;
      row(matrix, k).forEach((x, c) => {
        result[i + c] = (result[i + c] as number) - Math.floor(along) * x;
      });
    }
  return result;
}

function cellEdges({ cell, pbc }: Structure): EmbeddedFrames["edges"] {
  if (cell === null || !pbc.some(Boolean)) return [];
  const matrix = Float64Array.from(cell);
  const [a, b, c] = [row(matrix, 0), row(matrix, 1), row(matrix, 2)];
  const corner = (i: number, j: number, k: number) =>
    [0, 1, 2].map((x) => i * (a[x] as number) + j * (b[x] as number) + k * (c[x] as number));
  const bits = [0, 1];
  return bits.flatMap((i) =>
    bits.flatMap((j) => [
      [...corner(0, i, j), ...corner(1, i, j)],
      [...corner(i, 0, j), ...corner(i, 1, j)],
      [...corner(i, j, 0), ...corner(i, j, 1)],
    ]),
  ) as unknown as EmbeddedFrames["edges"];
}
