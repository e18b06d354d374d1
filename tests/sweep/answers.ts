import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PythonEnvironment } from "../../src/python/environment.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";
import { farDimer, molecules, periodicSystems } from "../systems.ts";

/** What tests/sweep/answer.py wrote: a model, and PyTorch's answers to its structures in both precisions. */
export interface Subject {
  readonly name: string;
  readonly file: string;
  readonly structures: readonly Structure[];
  readonly float64: readonly Evaluation[];
  readonly float32: readonly Evaluation[];
}

/** Exactly 5 Å apart, the cutoff of most models: an edge or not, as the model says. */
const atCutoff: Structure = { ...farDimer, name: "dimer at the cutoff", positions: Float64Array.of(0, 0, 0, 3, 4, 0) };

/** That one, and the shared structures with each atom displaced, so that no symmetry hides a term or puts a vector exactly on the kink of its
 *  length. Molecules come first. */
export const structures: readonly Structure[] = [atCutoff, ...[...molecules, ...periodicSystems].map(displacedOnce)];

function displacedOnce(structure: Structure): Structure {
  const random = new Random(1, structure.name);
  return { ...structure, positions: structure.positions.map((x) => x + 0.05 * random.normal()) };
}

interface Stored {
  readonly energy: number;
  readonly net_energy: number;
  readonly forces: number[][];
  readonly stress: number[] | null;
  readonly energies: number[];
}

interface StoredSubject {
  readonly name: string;
  readonly file: string;
  readonly float64: readonly Stored[];
  readonly float32: readonly Stored[];
}

const evaluationOf = ({ energy, net_energy, forces, stress, energies }: Stored): Evaluation => ({
  energy,
  netEnergy: net_energy,
  forces: Float64Array.from(forces.flat()),
  stress: stress === null ? null : Float64Array.from(stress),
  energies: Float64Array.from(energies),
});

/** Makes the models in a folder and asks PyTorch of each; takes some seconds. */
export function askPyTorch(python: PythonEnvironment, folder: string): Subject[] {
  const input = structures.map(({ numbers, positions, cell, pbc }) => ({
    numbers,
    positions: [...positions],
    cell: cell === null ? null : [...cell],
    pbc,
  }));
  const script = fileURLToPath(new URL("answer.py", import.meta.url));
  execFileSync(python.executable, [script, folder], { input: JSON.stringify(input), stdio: ["pipe", "inherit", "inherit"] });
  const rows = JSON.parse(readFileSync(join(folder, "answers.json"), "utf8")) as StoredSubject[];
  return rows.map(({ name, file, float64, float32 }) => ({
    name,
    file,
    structures: structures.slice(0, float64.length), // a model of molecules was asked of no others
    float64: float64.map(evaluationOf),
    float32: float32.map(evaluationOf),
  }));
}
