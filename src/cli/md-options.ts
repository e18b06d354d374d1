import type { ArgsDef } from "citty";
import { type Ensemble, ensembles, type SimulationOptions, type SimulationRequest } from "../dynamics/options.ts";
import { PainnlessError } from "../errors.ts";
import { oneOf, option, realNumber, wholeNumber } from "./arguments.ts";

/** The options of `painnless md` that decide what a run computes. None has a default here: a run that goes on has its own. */
export const runOptions = {
  ensemble: option(ensembles.join("|"), "Constant energy, Langevin, or velocity rescaling; nve by default"),
  equilibrate: option("[THERMOSTAT:]PS", "Before the run, e.g. 2 or csvr:5; langevin by default"),
  steps: option("N", "Steps; 10000 by default. More of them with --resume make a run longer"),
  dt: option("FS", "Time step; 0.5 fs by default"),
  temperature: option("K", "Of the first velocities and the thermostats; 300 K by default"),
  friction: option("1/PS", "Of langevin; 10 by default"),
  relaxation: option("FS", "Of csvr; 100 fs by default"),
  seed: option("S", "Of replica 0, the next has the next; 0 by default"),
  replicas: option("R", "Independent copies, run as one batch; 1 by default"),
  skin: option("Å", "Neighbours are kept within the cutoff and this; 0.5 Å by default; changes no result"),
  every: option("N", "Steps from one frame to the next; 100 by default"),
  "record-every": option("N", "Steps from one record of the energies to the next; 20,000 records by default"),
} as const satisfies ArgsDef;

export type RunArguments = { readonly [name in keyof typeof runOptions]?: string | undefined };

/** What was given of them. @param timestep fs, in which --equilibrate is counted where --dt is not given
 *  @throws {PainnlessError} USAGE */
export function givenOptions(args: RunArguments, timestep: number): Partial<SimulationRequest> {
  const whole = (name: keyof RunArguments, minimum: number) => (text: string) => wholeNumber(name, text, minimum);
  const above = (name: keyof RunArguments, unit: string) => (text: string) => realNumber(name, text, { above: 0 }, unit);
  const from = (name: keyof RunArguments, unit: string) => (text: string) => realNumber(name, text, { from: 0 }, unit);
  const dt = given(args.dt, above("dt", "fs"));
  const equilibration = given(args.equilibrate, (text) => equilibrationOf(text, dt ?? timestep));
  const fields = {
    ensemble: given(args.ensemble, (text) => oneOf("ensemble", text, ensembles)),
    ...equilibration,
    steps: given(args.steps, whole("steps", 1)),
    timestep: dt,
    temperature: given(args.temperature, from("temperature", "K")),
    friction: given(args.friction, (text) => above("friction", "1/ps")(text) / 1e3),
    relaxation: given(args.relaxation, above("relaxation", "fs")),
    seed: given(args.seed, whole("seed", 0)),
    replicas: given(args.replicas, whole("replicas", 1)),
    skin: given(args.skin, from("skin", "Å")),
    frameEvery: given(args.every, whole("every", 1)),
    recordEvery: given(args["record-every"], whole("record-every", 1)),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const given = <T>(text: string | undefined, read: (text: string) => T): T | undefined => (text === undefined ? undefined : read(text));

function equilibrationOf(text: string, timestep: number): { equilibration: number; equilibrationEnsemble: Exclude<Ensemble, "nve"> } {
  const [, thermostat = "langevin", time = ""] = /^(?:([^:]*):)?(.*)$/.exec(text) ?? [];
  const thermostats = ensembles.filter((name) => name !== "nve");
  const picoseconds = realNumber("equilibrate", time, { above: 0 }, "ps");
  return {
    equilibration: Math.max(1, Math.round((picoseconds * 1e3) / timestep)),
    equilibrationEnsemble: oneOf("equilibrate", thermostat, thermostats),
  };
}

/** Records that a run keeps unless told otherwise: a chart shows no more, and the log of eight replicas stays below 20 MB. */
const defaultRecords = 20_000;

/** The request of a new run. */
export function freshRequest(given: Partial<SimulationRequest>, keepsFrames: boolean): SimulationRequest {
  const steps = given.steps ?? 10_000;
  const recordEvery = Math.max(1, Math.ceil(steps / defaultRecords));
  return { recordEvery, ...(keepsFrames ? {} : { frameEvery: 0 }), ...given, steps };
}

/** Which option of the command line says what a field of the run does. */
const optionOf: Partial<Record<keyof SimulationOptions, keyof typeof runOptions>> = {
  ...{
    timestep: "dt",
    frameEvery: "every",
    recordEvery: "record-every",
    equilibration: "equilibrate",
    equilibrationEnsemble: "equilibrate",
  },
};

/** The options of a run that goes on: its own, for which more steps may be asked.
 *  @throws {PainnlessError} USAGE naming the option that would make it another run */
export function resumedOptions(
  file: string,
  own: SimulationOptions,
  reached: number,
  given: Partial<SimulationRequest>,
): SimulationOptions {
  for (const [field, value] of Object.entries(given) as [keyof SimulationOptions, unknown][]) {
    if (field === "steps" || own[field] === value) continue;
    const option = optionOf[field] ?? field;
    const told = field === "friction" ? [Number(value) * 1e3, own.friction * 1e3] : [value, own[field]];
    throw new PainnlessError(
      "USAGE",
      `--${option} gives ${told[0]}, but the run in ${file} has ${told[1]}; leave it out, or begin a new run`,
      { field: option },
    );
  }
  const steps = given.steps ?? own.steps;
  if (steps < reached)
    throw new PainnlessError("USAGE", `--steps is ${steps}, but the run in ${file} has come to step ${reached}`, { field: "steps" });
  return { ...own, steps };
}
