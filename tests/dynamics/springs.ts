import type { SimulationRequest } from "../../src/dynamics/options.ts";
import type { DynamicsSession, EnergyRecords, Stop, Stretch } from "../../src/dynamics/session.ts";
import { cross } from "../../src/system/cell.ts";
import type { Frame } from "../../src/system/frame.ts";
import { atomicMass } from "../../src/system/masses.ts";
import type { Evaluation, Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { boltzmannInEv, fsInAseTime } from "../../src/system/units.ts";

/** Potentials whose motion is known on paper, and what tests of runs share. */

/** of 300 K, eV */
export const kT = boltzmannInEv * 300;
/** eV fs^2/Å^2 */
export const massOf = (z: number): number => atomicMass(z) / fsInAseTime ** 2;

const nothing = { stress: null, energies: null };

/** @param at energy (eV) and forces (eV/Å) of positions (3n) */
export function potentialOf(at: (positions: Float64Array) => { energy: number; forces: Float64Array }): Potential {
  return {
    name: "test:on paper",
    provides: new Set(["energy", "forces"]),
    domain: { elements: null, maxAtoms: 1e6, periodic: true },
    evaluate: async (batch) =>
      batch.map(({ positions }): Evaluation => {
        const { energy, forces } = at(positions);
        return { energy: energy + 1000, netEnergy: energy, forces, ...nothing };
      }),
    close: async () => undefined,
  };
}

/** Each coordinate on a spring to `anchors`. @param k eV/Å^2 */
export const springs = (k: number, anchors: Float64Array): Potential =>
  potentialOf((positions) => {
    const forces = positions.map((x, i) => -k * (x - (anchors[i] as number)));
    return { energy: forces.reduce((sum, f) => sum + (f * f) / (2 * k), 0), forces };
  });

export const free = potentialOf((positions) => ({ energy: 0, forces: new Float64Array(positions.length) }));

/** Atoms of one element on a grid, 4 Å apart, so that none meets another. */
export function grid(n: number, z = 6, pbc: Structure["pbc"] = [false, false, false]): Structure {
  const side = Math.ceil(Math.cbrt(n));
  const positions = Float64Array.from({ length: 3 * n }, (_, k) => {
    const i = Math.floor(k / 3);
    return 4 * ([i % side, Math.floor(i / side) % side, Math.floor(i / side ** 2)][k % 3] as number);
  });
  const a = 4 * side;
  const cell = pbc.some(Boolean) ? Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a) : null;
  return { name: `${n} atoms`, numbers: Array(n).fill(z), positions, cell, pbc };
}

/** Guards that let everything pass which is a number. */
export const unguarded = {
  guards: { maxForce: 1e300, maxTemperature: 1e300, minDistance: 0, maxDisplacement: 1e300 },
} satisfies Partial<SimulationRequest>;

export interface Whole {
  readonly records: EnergyRecords;
  readonly frames: readonly Frame[];
  readonly stop: Stop | null;
  readonly rebuilds: number | null;
}

/** All remaining steps, in stretches of the sizes given, the last one repeated; then the session is closed. */
export async function whole(session: DynamicsSession, ...sizes: number[]): Promise<Whole> {
  const stretches: Stretch[] = [];
  do stretches.push(await session.advance(sizes[Math.min(stretches.length, sizes.length - 1)] ?? 1000));
  while (session.step < session.options.steps && stretches.at(-1)?.stop === null);
  await session.close();
  const column = (name: keyof EnergyRecords) => Float64Array.from(stretches.flatMap(({ records }) => [...records[name]]));
  return {
    records: {
      steps: column("steps"),
      potential: column("potential"),
      kinetic: column("kinetic"),
      heat: column("heat"),
      modified: column("modified"),
    },
    frames: stretches.flatMap(({ frames }) => frames),
    stop: stretches.at(-1)?.stop ?? null,
    rebuilds: stretches.every(({ rebuilds }) => rebuilds !== null) ? stretches.reduce((sum, s) => sum + (s.rebuilds ?? 0), 0) : null,
  };
}

/** Every bit of the numbers, those of NaN and -0 too. */
export const bits = (array: Float64Array): string => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64");

/** Everything a run gave, to the last bit, of one replica of several. @param n atoms */
export function bitsOf({ records, frames }: Whole, replica: number, replicas: number, n: number): string[] {
  const ofReplica = (column: Float64Array) => column.filter((_, k) => k % replicas === replica);
  const ofAtoms = (array: Float64Array) => array.subarray(3 * n * replica, 3 * n * (replica + 1));
  return [
    bits(records.steps),
    ...[records.potential, records.kinetic, records.heat, records.modified].map((column) => bits(ofReplica(column))),
    ...frames.flatMap(({ step, positions, velocities, forces, potential, kinetic }) => [
      `frame ${step}`,
      ...[positions, velocities, forces].map((array) => bits(ofAtoms(array))),
      ...[potential, kinetic].map((array) => bits(ofReplica(array))),
    ]),
  ];
}

/** Momentum, angular momentum about the origin, and the sums of the lengths of their terms, of one replica. @param masses (n) */
export function momenta(masses: Float64Array, positions: Float64Array, velocities: Float64Array) {
  const sums = { momentum: [0, 0, 0], angular: [0, 0, 0], scale: 0, turning: 0 };
  masses.forEach((mass, i) => {
    const r = positions.subarray(3 * i, 3 * i + 3);
    const p = velocities.subarray(3 * i, 3 * i + 3).map((v) => mass * v);
    sums.momentum = sums.momentum.map((x, c) => x + (p[c] as number));
    const turn = cross([...r], [...p]);
    sums.angular = sums.angular.map((x, c) => x + (turn[c] as number));
    sums.scale += Math.hypot(...p);
    sums.turning += Math.hypot(...r) * Math.hypot(...p);
  });
  return sums;
}
