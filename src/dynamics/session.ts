import { z } from "zod";
import type { Frame } from "../system/frame.ts";
import type { Structure } from "../system/structure.ts";
import type { SimulationOptions } from "./options.ts";

/** What dynamics gives out. Arrays over replicas and atoms are row-major with the replica first; all replicas have the same n atoms. */

/** Energies at the steps that `recordEvery` divides. Step numbers below 0 are equilibration. */
export interface EnergyRecords {
  /** (records) ascending; the time is step times timestep */
  readonly steps: Float64Array;
  /** (records, replicas) eV, net of the model's constants (`DynamicsSession.energyOffset`), which would hide small changes */
  readonly potential: Float64Array;
  /** (records, replicas) eV */
  readonly kinetic: Float64Array;
  /** (records, replicas) eV put in by the thermostat since step 0 (since the first step, during equilibration); potential + kinetic - heat is
   *  conserved in every ensemble, 0 in NVE */
  readonly heat: Float64Array;
  /** (records, replicas) eV, net of constants: the energy half-way through the step that led here, without its error of order timestep^2. It
   *  drifts as the energy does and fluctuates far less. NaN where no step of velocity Verlet led here: under a thermostat, at the first step. */
  readonly modified: Float64Array;
}

export const stopReasons = ["not-finite", "force", "temperature", "distance", "displacement", "position", "refused"] as const;

/** Why a run cannot go on: the step after the last good one. */
export const stopSchema = z.strictObject({
  reason: z.enum(stopReasons),
  /** the step that could not be made; the state is that of the step before */
  step: z.int(),
  /** null where the potential does not say */
  replica: z.int().nullable(),
  /** index of the atom in the structure; null where no single one is to blame */
  atom: z.int().nullable(),
  /** the atom it lies on top of */
  other: z.int().nullable(),
  /** what was found, in the unit of `limit`; null where it is not a finite number */
  value: z.number().nullable(),
  limit: z.number().nullable(),
  /** of the atom at the last good step, Å */
  position: z.tuple([z.number(), z.number(), z.number()]).nullable(),
  /** all of it in one sentence */
  message: z.string(),
});
export type Stop = z.infer<typeof stopSchema>;

/** What one call of `advance` brought. */
export interface Stretch {
  /** where the session stands now */
  readonly step: number;
  readonly records: EnergyRecords;
  readonly frames: readonly Frame[];
  /** null while the run can go on */
  readonly stop: Stop | null;
  /** wall clock of the steps */
  readonly seconds: number;
  /** times that neighbours were looked for, over all replicas; null where the potential does not say */
  readonly rebuilds: number | null;
}

const numbers = z.instanceof(Float64Array);

/** Everything a run needs to go on to the last bit: with the same structure, options and potential. */
export const dynamicsStateSchema = z.strictObject({
  step: z.int(),
  /** (replicas, n, 3) Å, Å/fs, eV/Å */
  positions: numbers,
  velocities: numbers,
  forces: numbers,
  /** (replicas) eV, net of constants */
  potential: numbers,
  /** (replicas) eV */
  heat: numbers,
});
export type DynamicsState = z.infer<typeof dynamicsStateSchema>;

/** A run under way, in the engine or step by step with any potential. One call of `advance` at a time. */
export interface DynamicsSession {
  /** name of the potential */
  readonly side: string;
  readonly structure: Structure;
  readonly options: SimulationOptions;
  /** (n) u */
  readonly masses: Float64Array;
  /** eV: the model's constants, which energies here leave out; total energy as `evaluate` gives it = potential + energyOffset */
  readonly energyOffset: number;
  /** degrees of freedom that carry kinetic energy at or after step 0: temperature = 2 kinetic / (freedoms kB) */
  readonly freedoms: number;
  /** the last good step: -equilibration at first, `options.steps` at the end */
  readonly step: number;
  /** Makes up to `steps` more steps, never beyond `options.steps`. Ends early at a stop, or when `signal` is aborted: then at the next step, with
   *  what there is, and nothing is thrown. A session opened without a state reports its first step (record, frame) in its first stretch;
   *  one opened from a state does not report that state's step again. Memory is taken before the first step: records and frames of
   *  `steps` steps, so call it for some thousand at a time.
   *  @throws {PainnlessError} what the potential throws, unless it refuses a geometry, which is a stop. The session then stands at its last good
   *  step, and the next call (of 0 steps, say) brings what was recorded up to it. */
  advance(steps: number, signal?: AbortSignal): Promise<Stretch>;
  /** A copy of where it stands. */
  state(): DynamicsState;
  /** Frees what it holds, not the potential; may be called twice. */
  close(): Promise<void>;
}
