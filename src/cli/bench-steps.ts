import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { openSession } from "../dynamics/open.ts";
import type { SimulationRequest } from "../dynamics/options.ts";
import { childVariables, type PythonEnvironment } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { Server } from "../wire/server.ts";

const call = promisify(execFile);
const seconds = z.array(z.number().positive()).min(1);
/** What python/painnless/worker/steps.py prints: seconds of a step, of each stretch. */
const stepsSchema = z.strictObject({ ase: seconds, inside: seconds });
export type PythonSteps = z.infer<typeof stepsSchema>;

const stretches = 7;
/** seconds of a stretch, about; what a step of ASE takes beside the engine's; fs, so short that atoms hardly move */
const [stretch, aseStep, timestep] = [0.15, 5e-4, 1e-4];

/** Steps asked for from Python, of a server in this process: by ASE's integrator, and inside the engine. @param step seconds of one in the engine */
export async function stepsFromPython(
  python: PythonEnvironment,
  potential: Potential,
  structure: Structure,
  step: number,
): Promise<PythonSteps> {
  const server = await Server.start(potential, {
    ...{ endpoint: null, model: null, cutoff: null, versions: {} },
    openMotion: ({ structure: start, options, velocities }) =>
      openSession(potential, start, options as SimulationRequest, velocities === null ? {} : { velocities }),
  });
  try {
    const request = {
      ...{ numbers: [...structure.numbers], positions: [...structure.positions], timestep, stretches },
      ...{ ase: Math.ceil(stretch / (step + aseStep)), inside: Math.ceil(stretch / step) },
    };
    const running = call(python.executable, ["-m", "painnless.worker.steps", "--endpoint", server.endpoint], { env: childVariables() });
    running.child.stdin?.end(JSON.stringify(request));
    return stepsSchema.parse(JSON.parse((await running).stdout));
  } finally {
    await server.close(0);
  }
}
