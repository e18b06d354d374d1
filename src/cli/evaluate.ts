import { defineCommand } from "citty";
import { largestOf } from "../crosscheck/metrics.ts";
import { PainnlessError } from "../errors.ts";
import { readModelFile } from "../model/model-file.ts";
import { isCrystal } from "../system/cell.ts";
import { evaluateAll } from "../system/evaluate-all.ts";
import { extxyzFrame } from "../system/extxyz.ts";
import { onAbort } from "../system/on-abort.ts";
import type { Evaluation } from "../system/potential.ts";
import { assertComputable, type Structure } from "../system/structure.ts";
import { foreignPythons, option, usual, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";
import { assertSide, sidesOf } from "./sides.ts";
import { readStructures } from "./structures.ts";
import { table } from "./terminal.ts";

/** `painnless evaluate`: energy, forces, stress and per-atom energies of structures, by one side. */
export const evaluateCommand = defineCommand({
  meta: { name: "evaluate", description: "Energy, forces and stress of structures" },
  args: {
    model: usual.model,
    structures: { type: "positional", required: true, description: "Files that ASE reads, or name:NAME; any number of them" },
    side: usual.side,
    threads: usual.threads,
    python: option("PYTHON", 'Interpreter of a side "ase:", where it is not that of all else'),
    out: option("FILE.xyz", "Write structures and results as extended XYZ"),
    json: option("FILE", "Write the results as JSON"),
  },
  async run({ args, data }) {
    const { signal } = data as CommandData;
    assertSide(args.side);
    const threads = args.threads === undefined ? null : wholeNumber("threads", args.threads, 1);
    if (args.out !== undefined && !/\.(ext)?xyz$/.test(args.out))
      throw new PainnlessError("USAGE", `--out is "${args.out}", expected a name that ends in .xyz`, { field: "out" });
    await assertOwnFiles({ "--out": args.out, "--json": args.json }, args._);
    const model = await readModelFile(args.model);
    const out = args.out === undefined ? null : await claimOutput(args.out);
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const sides = sidesOf({ model, checkpoint: null, pythons: foreignPythons("python", args.python), threads });
    const letGo = onAbort(signal, () => void sides.close());
    try {
      const [structures, { potential, note }] = await Promise.all([readStructures(args._.slice(1)), sides.open(args.side)]);
      for (const structure of structures) assertComputable(structure, potential.domain);
      const evaluations = await evaluateEach(structures, (group, want) => evaluateAll(potential, group, want), potential.provides);
      await out?.write(structures.map((structure, i) => extxyzFrame(structure, evaluations[i] as Evaluation)).join(""));
      await json?.write(`${JSON.stringify(resultOf(potential.name, structures, evaluations), null, 1)}\n`);
      if (note !== null) process.stderr.write(`${note}\n`);
      process.stdout.write(summary(structures, evaluations));
    } finally {
      letGo();
      await sides.close();
    }
  },
});

type Want = ("energy" | "forces" | "stress" | "energies")[];

/** Stress is asked of crystals only; the order is kept. */
async function evaluateEach(
  structures: readonly Structure[],
  evaluate: (group: readonly Structure[], want: Want) => Promise<Evaluation[]>,
  provides: ReadonlySet<string>,
): Promise<Evaluation[]> {
  const found = new Map<Structure, Evaluation>();
  for (const crystals of [false, true]) {
    const group = structures.filter((structure) => isCrystal(structure) === crystals);
    const want = (["energy", "forces", "energies", "stress"] as const).filter((p) => provides.has(p) && (p !== "stress" || crystals));
    const evaluations = group.length === 0 ? [] : await evaluate(group, [...want]);
    group.forEach((structure, i) => {
      found.set(structure, evaluations[i] as Evaluation);
    });
  }
  return structures.map((structure) => found.get(structure) as Evaluation);
}

const rowsOf = (array: Float64Array | null): number[][] | null =>
  array && Array.from({ length: array.length / 3 }, (_, i) => [...array.subarray(3 * i, 3 * i + 3)]);

const resultOf = (side: string, structures: readonly Structure[], evaluations: readonly Evaluation[]) => ({
  format: "painnless.evaluate/1",
  side,
  results: structures.map(({ name, numbers }, i) => {
    const { energy, netEnergy, forces, stress, energies } = evaluations[i] as Evaluation;
    return {
      structure: name,
      numbers,
      energy,
      netEnergy,
      forces: rowsOf(forces),
      stress: stress && [...stress],
      energies: energies && [...energies],
    };
  }),
});

function summary(structures: readonly Structure[], evaluations: readonly Evaluation[]): string {
  const rows = structures.map(({ name, numbers }, i) => {
    const { energy, forces } = evaluations[i] as Evaluation;
    return [name, String(numbers.length), energy.toFixed(9), forces === null ? "-" : largestOf(forces).toFixed(6)];
  });
  return table(["structure", "atoms", "energy, eV", "largest force, eV/Å"], rows, [1, 2, 3]);
}
