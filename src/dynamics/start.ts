import type { NativeSetup, NativeState } from "../engine/native.ts";
import { PainnlessError } from "../errors.ts";
import { atomicMass } from "../system/masses.ts";
import type { Structure } from "../system/structure.ts";
import { boltzmannInEv, fsInAseTime } from "../system/units.ts";
import type { SimulationOptions } from "./options.ts";
import type { DynamicsState } from "./session.ts";

/** Where a run begins; without velocities (n, 3) or (replicas, n, 3), Å/fs, they are drawn. Given ones are taken as they are. */
export interface Start {
  readonly state?: DynamicsState;
  readonly velocities?: Float64Array;
}

/** u */
export const massesOf = ({ numbers }: Structure): Float64Array => Float64Array.from(numbers, atomicMass);

/** The run in the units of native code: Å, fs, eV and what follows from them. */
export function nativeSetup(structure: Structure, options: SimulationOptions): NativeSetup {
  const { guards, temperature } = options;
  const { ensemble, equilibrationEnsemble, equilibration, timestep, friction, relaxation, seed, replicas, skin, recordEvery, frameEvery } =
    options;
  return {
    numbers: Int32Array.from(structure.numbers),
    masses: massesOf(structure).map((mass) => mass / fsInAseTime ** 2),
    cell: structure.cell ?? new Float64Array(9),
    pbc: Uint8Array.from(structure.pbc, Number),
    thermalEnergy: boltzmannInEv * temperature,
    limits: {
      force: guards.maxForce,
      temperature: boltzmannInEv * (guards.maxTemperature ?? 10_000 + 10 * temperature),
      distance: guards.minDistance,
      displacement: guards.maxDisplacement,
    },
    ...{ ensemble, equilibrationEnsemble, equilibration, timestep, friction, relaxation, seed, replicas, skin, recordEvery, frameEvery },
  };
}

/** @param forces (n, 3) and @param potential: those of the structure */
export function nativeState(
  structure: Structure,
  options: SimulationOptions,
  start: Start,
  forces: Float64Array,
  potential: number,
): NativeState {
  const { replicas, equilibration } = options;
  if (start.state !== undefined) return checkedState(start.state, structure, options);
  const n = structure.numbers.length;
  const everywhere = (array: Float64Array) => {
    const all = new Float64Array(replicas * 3 * n);
    for (let r = 0; r < replicas; r++) all.set(array, 3 * n * r);
    return all;
  };
  const given = start.velocities ?? new Float64Array(0);
  const velocities = given.length === 3 * n ? everywhere(given) : Float64Array.from(given);
  if (start.velocities !== undefined) assertNumbers("velocities", velocities, 3 * n * replicas);
  return {
    step: equilibration === 0 ? 0 : -equilibration,
    positions: everywhere(structure.positions),
    velocities,
    forces: everywhere(forces),
    potential: new Float64Array(replicas).fill(potential),
    heat: new Float64Array(replicas),
  };
}

function checkedState(state: DynamicsState, structure: Structure, options: SimulationOptions): NativeState {
  const { replicas, equilibration, steps } = options;
  const { step } = state;
  if (!(Number.isInteger(step) && step >= -equilibration && step <= steps))
    throw new PainnlessError("USAGE", `the state is at step ${step}, expected a step of the run: ${-equilibration} to ${steps}`, {
      field: "step",
    });
  for (const name of ["positions", "velocities", "forces"] as const)
    assertNumbers(name, state[name], 3 * structure.numbers.length * replicas);
  for (const name of ["potential", "heat"] as const) assertNumbers(name, state[name], replicas);
  return state;
}

function assertNumbers(name: string, array: Float64Array, length: number): void {
  if (array.length !== length)
    throw new PainnlessError("USAGE", `${name} of the start hold ${array.length} numbers, expected ${length}`, { field: name });
  const bad = array.findIndex((x) => !Number.isFinite(x));
  if (bad >= 0)
    throw new PainnlessError("USAGE", `${name}[${bad}] of the start is ${array[bad]}, expected a finite number`, { field: name });
}
