import type { Tuning } from "../../engine/tuning.ts";

/** What `painnless tune` chooses, and the values that it tries. */

/** A setting that is a size, up to which one way is taken, and beyond it another. */
export interface Bound {
  readonly name: "residentAtoms" | "spreadWaves" | "smallWaves";
  /** values at which the way below the bound is taken always, and never */
  readonly always: number;
  readonly never: number;
  /** that are tried, ascending: the value, and the atoms of a structure at which the two ways are compared */
  readonly steps: readonly { readonly value: number; readonly atoms: number }[];
  /** what both ways have beside it */
  readonly beside?: Tuning;
}

/** @param tile atoms of a block of the small cut */
export function bounds(tile: number, multiprocessors: number): Bound[] {
  // Launches are recorded for a batch of up to 19 % more atoms than there are (next_bucket of native/cuda/schedules/schedule.h), and it is those that a bound counts.
  const inWaves = (values: readonly number[]) =>
    values.map((value) => ({ value, atoms: Math.max(1, Math.floor((value * tile * multiprocessors) / 1.19)) }));
  return [
    { name: "residentAtoms", always: 64, never: 0, steps: [4, 8, 12, 16, 20, 24, 28].map((value) => ({ value, atoms: value })) },
    {
      ...{ name: "spreadWaves", always: 1024, never: 0, beside: { residentAtoms: 0 } },
      steps: inWaves([0.0625, 0.125, 0.25, 0.5, 1]),
    },
    { name: "smallWaves", always: 1024, never: 0, steps: inWaves([0.25, 0.5, 1, 1.5, 2, 3, 4]) },
  ];
}

/** A setting that is one of some values, each of which gives the same bits. */
export interface Choice {
  readonly name: "earlyLaunches" | "portionAtoms" | "chunkSteps";
  readonly values: readonly number[];
  readonly atoms: number;
  readonly structures: number;
  /** of a turn; null: as many as fill it */
  readonly evaluations: number | null;
}

export const choices: readonly Choice[] = [
  // Short kernels, layered.
  { name: "earlyLaunches", values: [0, 1], atoms: 100, structures: 1, evaluations: null },
  // The last is a set in one.
  { name: "portionAtoms", values: [4096, 8192, 16_384, 2 ** 30], atoms: 20, structures: 1024, evaluations: null },
  // Steps of a turn, some chunks of the longest.
  { name: "chunkSteps", values: [32, 128, 512], atoms: 20, structures: 1, evaluations: 1024 },
];
