import { countEdges } from "../system/pairs.ts";
import type { Structure } from "../system/structure.ts";
import type { Attribution } from "./result.ts";
import type { Frame } from "./session.ts";

/** Changes that no work accounts for, in steps that cross the cutoff against the others: beyond this the energy jumps there. In a smooth model
 *  a step that crosses is like any other. */
const jumpRatio = 5;
const fewestCrossings = 3;

interface Point {
  readonly positions: Float64Array;
  readonly forces: Float64Array;
  readonly potential: number;
  readonly edges: number;
}

/** Looks at each step of a run for what its forces do not account for: the change of the potential energy less the work of the forces by the
 *  trapezoidal rule (T58), apart for steps in which a pair crossed the cutoff. */
export class CrossingTrace {
  readonly #structure: Structure;
  readonly #cutoff: number;
  #last: { readonly step: number; readonly points: readonly Point[] } | null = null;
  #countable = true;
  readonly #crossing = { count: 0, squares: 0, largest: 0 };
  readonly #elsewhere = { count: 0, squares: 0 };

  /** @param cutoff Å */
  constructor(structure: Structure, cutoff: number) {
    this.#structure = structure;
    this.#cutoff = cutoff;
  }

  /** Frames of consecutive steps. */
  add(frame: Frame): void {
    const size = this.#structure.positions.length;
    const points = Array.from(frame.potential, (potential, r): Point => {
      const positions = frame.positions.slice(r * size, (r + 1) * size);
      const edges = this.#countable ? countEdges({ ...this.#structure, positions }, this.#cutoff) : null;
      if (edges === null) this.#countable = false;
      return { positions, forces: frame.forces.slice(r * size, (r + 1) * size), potential, edges: edges ?? 0 };
    });
    const before = this.#last;
    if (before?.step === frame.step - 1)
      points.forEach((point, r) => {
        this.#compare(before.points[r] as Point, point);
      });
    this.#last = { step: frame.step, points };
  }

  #compare(before: Point, after: Point): void {
    let change = after.potential - before.potential;
    for (let k = 0; k < after.positions.length; k++) {
      const way = (after.positions[k] as number) - (before.positions[k] as number);
      change += 0.5 * ((before.forces[k] as number) + (after.forces[k] as number)) * way;
    }
    const meV = Math.abs(1e3 * change);
    if (before.edges === after.edges) {
      this.#elsewhere.count += 1;
      this.#elsewhere.squares += meV * meV;
    } else {
      this.#crossing.count += 1;
      this.#crossing.squares += meV * meV;
      this.#crossing.largest = Math.max(this.#crossing.largest, meV);
    }
  }

  /** null where counting pairs would take too long. */
  result(): Attribution["crossings"] {
    if (!this.#countable) return null;
    const { count, squares, largest } = this.#crossing;
    const rms = (sum: number, of: number) => (of === 0 ? null : Math.sqrt(sum / of));
    const [rmsAtCrossings, rmsElsewhere] = [rms(squares, count), rms(this.#elsewhere.squares, this.#elsewhere.count)];
    const jump = count >= fewestCrossings && rmsAtCrossings !== null && rmsElsewhere !== null && rmsAtCrossings > jumpRatio * rmsElsewhere;
    return { count, rmsAtCrossings, rmsElsewhere, largest: count === 0 ? null : largest, jump };
  }
}
