import { z } from "zod";
import { PainnlessError } from "../errors.ts";

/** How a trajectory is made. Units: Å, fs, K, eV, eV/Å. */

export const ensembles = ["nve", "langevin", "csvr"] as const;
/** Energy conserved (velocity Verlet), Langevin dynamics (BAOAB), stochastic velocity rescaling (Bussi, Donadio, Parrinello). */
export type Ensemble = (typeof ensembles)[number];

/** What stops a run, at the last good step. */
const guardsSchema = z.strictObject({
  /** longest force on an atom, eV/Å */
  maxForce: z.number().positive().default(200),
  /** kinetic temperature of a replica, K; null: 10,000 K and ten times the temperature of the run */
  maxTemperature: z.number().positive().nullable().default(null),
  /** two atoms nearer to each other are on top of each other, Å */
  minDistance: z.number().nonnegative().default(0.3),
  /** longest way of an atom in one step, Å */
  maxDisplacement: z.number().positive().default(1),
});

const thermostat = {
  /** of Langevin dynamics, 1/fs */
  friction: z.number().positive().default(0.01),
  /** of stochastic velocity rescaling, fs */
  relaxation: z.number().positive().default(100),
};

export const simulationOptionsSchema = z.strictObject({
  ensemble: z.enum(ensembles).default("nve"),
  /** steps from step 0 to the last */
  steps: z
    .int()
    .nonnegative()
    .max(2 ** 40),
  /** fs */
  timestep: z.number().positive().default(0.5),
  /** of the initial velocities (Maxwell-Boltzmann, without total momentum and, where no axis is periodic, without angular momentum) and of
   *  the thermostats, K */
  temperature: z.number().nonnegative().default(300),
  ...thermostat,
  /** steps before step 0, which have negative numbers, and the thermostat they run under. Before NVE or csvr begins, momentum is removed again. */
  equilibration: z
    .int()
    .nonnegative()
    .max(2 ** 40)
    .default(0),
  equilibrationEnsemble: z.enum(["langevin", "csvr"]).default("langevin"),
  /** of replica r: seed + r. A replica's random numbers depend on its seed and the step alone. */
  seed: z.int().nonnegative().default(0),
  /** independent copies of the structure, run as one batch; each goes the way it would go alone */
  replicas: z.int().min(1).max(65_536).default(1),
  /** neighbours are looked for this much farther than the cutoff and kept until an atom may have come within it, Å; the trajectory is the same
   *  to the last bit with any skin */
  skin: z.number().nonnegative().max(10).default(0.5),
  /** energies are recorded at each step that this divides */
  recordEvery: z.int().min(1).default(1),
  /** frames are taken at each step from step 0 on that this divides; 0: none */
  frameEvery: z.int().nonnegative().default(100),
  guards: guardsSchema.prefault({}),
});

/** All defaults filled in. */
export type SimulationOptions = z.infer<typeof simulationOptionsSchema>;
/** As a caller gives them. */
export type SimulationRequest = z.input<typeof simulationOptionsSchema>;

/** The options with defaults filled in.
 *  @throws {PainnlessError} USAGE naming the option, what was found and what was expected */
export function simulationOptions(request: SimulationRequest): SimulationOptions {
  const { data, error } = simulationOptionsSchema.safeParse(request);
  if (error !== undefined) {
    const [issue] = error.issues;
    const path = issue?.path.join(".") ?? "";
    throw new PainnlessError("USAGE", `simulation option ${path === "" ? "" : `"${path}" `}is wrong: ${issue?.message ?? error.message}`, {
      field: path === "" ? null : path,
      cause: error,
    });
  }
  const usesCsvr = data.ensemble === "csvr" || (data.equilibration > 0 && data.equilibrationEnsemble === "csvr");
  if (usesCsvr && data.temperature === 0)
    throw new PainnlessError("USAGE", "the temperature is 0 K, at which velocities cannot be rescaled; use Langevin dynamics", {
      field: "temperature",
    });
  return data;
}
