import { evaluateAll } from "../system/evaluate-all.ts";
import type { Frame } from "../system/frame.ts";
import { countEdges } from "../system/pairs.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { Attribution } from "./result.ts";

/** meV. A jump of so little, at each crossing of a run of a nanosecond, moves its energy by less than kT / 100. */
const jumpLimit = 1e-3;
/** Crossings whose jump is measured, the first ones. */
const mostMeasured = 64;
/** Halvings of a step until the crossing lies between two points some 1e-11 Å apart. */
const halvings = 30;

interface Point {
  readonly positions: Structure["positions"];
  readonly forces: Float64Array;
  readonly potential: number;
}

interface Counted extends Point {
  /** directed, within the cutoff */
  readonly edges: number;
}

/** Looks at each step of a run for pairs that cross the cutoff, and measures there whether the energy jumps. */
export class CrossingTrace {
  readonly #structure: Structure;
  readonly #cutoff: number;
  #last: { readonly step: number; readonly points: readonly Counted[] } | null = null;
  #countable = true;
  #count = 0;
  readonly #crossed: (readonly [Counted, Counted])[] = [];
  readonly #elsewhere = { count: 0, squares: 0 };

  /** @param cutoff Å */
  constructor(structure: Structure, cutoff: number) {
    this.#structure = structure;
    this.#cutoff = cutoff;
  }

  /** Frames of consecutive steps. */
  add(frame: Frame): void {
    const size = this.#structure.positions.length;
    const points = Array.from(frame.potential, (potential, r): Counted => {
      const positions = frame.positions.slice(r * size, (r + 1) * size);
      const edges = this.#countable ? this.#edges(positions) : null;
      if (edges === null) this.#countable = false;
      return { positions, forces: frame.forces.slice(r * size, (r + 1) * size), potential, edges: edges ?? 0 };
    });
    const before = this.#last;
    if (before?.step === frame.step - 1)
      points.forEach((point, r) => {
        this.#compare(before.points[r] as Counted, point);
      });
    this.#last = { step: frame.step, points };
  }

  #edges(positions: Structure["positions"]): number | null {
    return countEdges({ ...this.#structure, positions }, this.#cutoff);
  }

  #compare(before: Counted, after: Counted): void {
    if (before.edges === after.edges) {
      this.#elsewhere.count += 1;
      this.#elsewhere.squares += unexplained(before, after) ** 2;
      return;
    }
    this.#count += 1;
    if (this.#crossed.length < mostMeasured) this.#crossed.push([before, after]);
  }

  /** null where counting pairs would take too long. @param potential in float64: jumps are differences of nearly equal energies */
  async result(potential: Potential): Promise<Attribution["crossings"]> {
    if (!this.#countable) return null;
    const brackets = this.#crossed.map(([before, after]) => this.#bracket(before, after));
    const structures = brackets.flat();
    const evaluations = await evaluateAll(potential, structures, ["energy", "forces"]);
    const point = (k: number) => ({
      positions: (structures[k] as Structure).positions,
      forces: evaluations[k]?.forces as Float64Array,
      potential: evaluations[k]?.netEnergy as number,
    });
    const jumps = brackets.map((_, k) => Math.abs(unexplained(point(2 * k), point(2 * k + 1))));
    const rms = (squares: number, of: number) => (of === 0 ? null : Math.sqrt(squares / of));
    const rmsAtCrossings = rms(
      jumps.reduce((sum, x) => sum + x * x, 0),
      jumps.length,
    );
    return {
      count: this.#count,
      rmsAtCrossings,
      largest: jumps.length === 0 ? null : jumps.reduce((a, b) => Math.max(a, b)),
      rmsElsewhere: rms(this.#elsewhere.squares, this.#elsewhere.count),
      jump: rmsAtCrossings !== null && rmsAtCrossings > jumpLimit,
    };
  }

  /** Two structures on the straight way of a step, as near to each other as numbers allow, between which a pair crosses the cutoff. */
  #bracket(before: Counted, after: Point): [Structure, Structure] {
    const at = (share: number) => before.positions.map((x, k) => x + share * ((after.positions[k] as number) - x));
    let [low, high] = [0, 1];
    for (let k = 0; k < halvings; k++) {
      const middle = (low + high) / 2;
      if (this.#edges(at(middle)) === before.edges) low = middle;
      else high = middle;
    }
    return [
      { ...this.#structure, positions: at(low) },
      { ...this.#structure, positions: at(high) },
    ];
  }
}

/** Change of the energy less the work of the forces by the trapezoidal rule, meV (T58). */
function unexplained(before: Point, after: Point): number {
  let change = after.potential - before.potential;
  after.positions.forEach((x, k) => {
    change += 0.5 * ((before.forces[k] as number) + (after.forces[k] as number)) * (x - (before.positions[k] as number));
  });
  return 1e3 * change;
}
