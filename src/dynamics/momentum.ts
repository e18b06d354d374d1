import { cross } from "../system/cell.ts";
import { finiteOrNull, worse } from "../system/finite.ts";
import type { Frame } from "../system/frame.ts";
import type { Structure } from "../system/structure.ts";
import type { Momentum } from "./result.ts";

type Vector = readonly [number, number, number];

interface Momenta {
  readonly linear: Vector;
  readonly angular: Vector;
  readonly centre: Vector;
  /** sums of |m v| and |r| |m v| */
  readonly linearScale: number;
  readonly angularScale: number;
}

/** How well the frames of a run keep momentum and centre of mass, from the first frame on. */
export class MomentumTrace {
  readonly #masses: Float64Array;
  readonly #structure: Structure;
  #first: Momenta[] | null = null;
  #frames = 0;
  #linear = 0;
  #angular = 0;
  #centre = 0;

  /** @param masses (n) u */
  constructor(structure: Structure, masses: Float64Array) {
    this.#structure = structure;
    this.#masses = masses;
  }

  add(frame: Frame): void {
    const size = 3 * this.#masses.length;
    const now = Array.from({ length: frame.positions.length / size }, (_, r) =>
      momenta(this.#masses, frame.positions.subarray(r * size, (r + 1) * size), frame.velocities.subarray(r * size, (r + 1) * size)),
    );
    this.#first ??= now;
    this.#frames += 1;
    now.forEach((at, r) => {
      const before = this.#first?.[r] as Momenta;
      // Of atoms at rest nothing can be said: 0/0.
      this.#linear = worse(this.#linear, distance(at.linear, before.linear) / at.linearScale);
      this.#angular = worse(this.#angular, distance(at.angular, before.angular) / at.angularScale);
      this.#centre = worse(this.#centre, distance(at.centre, before.centre));
    });
  }

  /** null for fewer than two frames. */
  result(): Momentum | null {
    if (this.#frames < 2) return null;
    const periodic = this.#structure.pbc.some(Boolean);
    return {
      linear: finiteOrNull(this.#linear),
      angular: periodic ? null : finiteOrNull(this.#angular),
      centreOfMass: finiteOrNull(this.#centre),
      frames: this.#frames,
    };
  }
}

const distance = (a: Vector, b: Vector): number => Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);

function momenta(masses: Float64Array, positions: Float64Array, velocities: Float64Array): Momenta {
  const at = (array: Float64Array, i: number): Vector => [array[3 * i] as number, array[3 * i + 1] as number, array[3 * i + 2] as number];
  const [linear, angular, centre] = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ] as [number[], number[], number[]];
  let [mass, linearScale, angularScale] = [0, 0, 0];
  masses.forEach((m, i) => {
    mass += m;
    at(positions, i).forEach((x, k) => {
      centre[k] = (centre[k] as number) + m * x;
    });
  });
  const middle = centre.map((x) => x / mass) as unknown as Vector;
  masses.forEach((m, i) => {
    const arm = at(positions, i).map((x, k) => x - (middle[k] as number)) as unknown as Vector;
    const p = at(velocities, i).map((v) => m * v) as unknown as Vector;
    const turn = cross(arm, p);
    for (let k = 0; k < 3; k++) {
      linear[k] = (linear[k] as number) + (p[k] as number);
      angular[k] = (angular[k] as number) + (turn[k] as number);
    }
    linearScale += Math.hypot(...p);
    angularScale += Math.hypot(...arm) * Math.hypot(...p);
  });
  return {
    linear: linear as unknown as Vector,
    angular: angular as unknown as Vector,
    centre: middle,
    linearScale,
    angularScale,
  };
}
