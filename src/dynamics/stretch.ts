import type { Frame } from "../system/frame.ts";
import type { MovedStretch } from "./mover.ts";
import type { SimulationOptions } from "./options.ts";
import type { Stretch } from "./session.ts";
import { readStop } from "./stop.ts";

/** What native code recorded, as records and frames. @param numbers atomic numbers of the structure */
export function readStretch(native: MovedStretch, options: SimulationOptions, numbers: readonly number[]): Stretch {
  const { replicas, timestep } = options;
  const entries = 3 * replicas * numbers.length;
  const frames = Array.from(native.frameSteps, (step, k): Frame => {
    const ofAtoms = (column: Float64Array) => column.subarray(k * entries, (k + 1) * entries);
    const ofReplicas = (column: Float64Array) => column.subarray(k * replicas, (k + 1) * replicas);
    return {
      step,
      time: step * timestep,
      positions: ofAtoms(native.positions),
      velocities: ofAtoms(native.velocities),
      forces: ofAtoms(native.forces),
      potential: ofReplicas(native.framePotential),
      kinetic: ofReplicas(native.frameKinetic),
    };
  });
  const { recordSteps: steps, potential, kinetic, heat, modified } = native;
  return {
    step: native.step,
    records: { steps, potential, kinetic, heat, modified },
    frames,
    stop: native.stop === null ? null : readStop(native.stop, numbers),
    seconds: native.seconds,
    rebuilds: native.searches,
  };
}
