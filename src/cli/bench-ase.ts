import { loadavg } from "node:os";
import { join } from "node:path";
import { type AseResult, type AseRow, aseResultSchema, type Calculator, runAseRow, Script, type ScriptOptions } from "../bench/ase.ts";
import { cardRow, makeSets } from "../bench/card/rows.ts";
import type { Answer } from "../bench/trial.ts";
import { movementOf } from "../crosscheck/conditioning.ts";
import { cudaCards } from "../engine/device.ts";
import { readModelFile } from "../model/model-file.ts";
import { withBridge } from "../python/bridge.ts";
import { requirePackage } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { commit, randomModel } from "./bench-run.ts";
import { withBenchScope } from "./bench-scope.ts";
import { openExact, sidesOf } from "./sides.ts";
import { bold, dim, table } from "./terminal.ts";
import { thisMachine } from "./version.ts";

export interface AseRequest {
  /** "native:cuda:f32" */
  readonly side: string;
  readonly sizes: readonly string[];
  readonly model: string | null;
  readonly checkpoint: { readonly path: string; readonly unit: string | null } | null;
  readonly seconds: number;
  readonly seed: number;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

const sets = 3;
/** seconds of a turn: Python's own ups and downs are long */
const turn = 0.1;
const now = () => performance.now() / 1e3;

/** Each size by two scripts that differ in one line. @throws {PainnlessError} MISSING without ASE, PyTorch or the card */
export async function runAse(request: AseRequest): Promise<AseResult> {
  const { side, checkpoint, progress } = request;
  const started = new Date().toISOString();
  const [before = 0] = loadavg();
  return withBenchScope("painnless bench ase", request.signal, async ({ python, folder, opened }) => {
    for (const name of ["ase", "pyzmq", "msgspec"] as const) requirePackage(python, name, "painnless bench ase");
    const target = join(folder, "model.safetensors");
    if (checkpoint !== null) await withBridge(python, (bridge) => bridge.importCheckpoint(checkpoint.path, target, checkpoint.unit));
    const path = checkpoint === null ? (request.model ?? (await randomModel(python, target, request.seed))) : target;
    const model = await readModelFile(path);
    const insteadOfSchnetpack =
      checkpoint === null
        ? "no SchNetPack checkpoint was named (--checkpoint FILE)"
        : python.packages.schnetpack === null
          ? `schnetpack is not installed in ${python.executable}`
          : null;
    const [, device, precision] = side.split(":") as ["native", "cpu" | "cuda", "f32" | "f64"];
    const given = { device, precision, energyUnit: checkpoint === null ? null : model.config.energy_unit };
    const options = (calculator: Calculator): ScriptOptions =>
      calculator === "reference"
        ? { ...given, calculator, model: path, energyUnit: null }
        : { ...given, calculator, model: checkpoint?.path ?? path };
    const calculator = insteadOfSchnetpack === null ? "schnetpack" : "reference";
    const theirSide = calculator === "schnetpack" ? "package" : `torch:${device}:${precision}`;
    const sides = sidesOf({ model, checkpoint: null, threads: null });
    opened.push(sides);
    const { potential: exact } = await sides.open("native:cpu:f64");
    const rows: AseRow[] = [];
    for (const size of request.sizes) {
      progress(`${size} atoms`);
      const places = makeSets({ ...cardRow(size, 1), name: size }, request.seed, sets, model.config.elements).flat();
      const answer = async (potential: Potential, set: number): Promise<Answer> => {
        const [evaluation] = await potential.evaluate([places[set] as Structure], ["energy", "forces"]);
        return { energies: [evaluation?.energy ?? Number.NaN], forces: evaluation?.forces ?? new Float64Array(0) };
      };
      const judged: Answer[] = [];
      for (const set of places.keys()) judged.push(await answer(exact, set));
      const atoms = places.slice(0, 1).map(({ numbers }) => numbers.length);
      const inputs = { judge: exact.name, sets, atoms, cutoff: model.config.cutoff, movement: movementOf(model, openExact, atoms, answer) };
      const old = await Script.start(python, options(calculator), places, now);
      opened.push(old);
      const own = await Script.start(python, options("painnless"), places, now);
      opened.push(own);
      const schedule = { seconds: request.seconds, minimumRounds: 5, turn, sets, now };
      rows.push(await runAseRow(old, own, { before: theirSide, after: side }, judged, inputs, schedule));
      await Promise.all([old.close(), own.close()]);
    }
    const machine = await thisMachine({ python: python.version });
    return aseResultSchema.parse({
      ...{ format: "painnless.ase/1", side, card: device === "cuda" ? (cudaCards()[0]?.name ?? "") : machine.cpu, commit: await commit() },
      ...{ command: request.command, started, machine, insteadOfSchnetpack, rows },
      load: { before, after: loadavg()[0] ?? 0 },
      model: { name: checkpoint?.path ?? request.model ?? "random weights", sha256: model.sha256 },
    });
  });
}

export function aseSummary(result: AseResult): string {
  const ms = (value: number) => value.toPrecision(3);
  const times = ({ value, low, high }: AseRow["ratio"]) => `${value.toFixed(1)}x (${low.toFixed(1)}–${high.toFixed(1)})`;
  const rows = result.rows.map(({ atoms, before, after, inside, ratio, insideRatio }) => [
    ...[String(atoms), ms(before.step.medianMs), ms(after.step.medianMs), times(ratio), ms(inside.medianMs), times(insideRatio)],
    `${before.startSeconds.toFixed(1)}, ${after.startSeconds.toFixed(1)}`,
  ]);
  const [first] = result.rows as [AseRow];
  const versions = Object.entries(first.before.versions).map(([name, version]) => `${name} ${version}`);
  const about = [
    `${result.card}, ${result.side}; ${result.model.name}`,
    `before: ${first.before.calculator} (${versions.join(", ")}); after: ${first.after.calculator}; all else is one script`,
    `load of the machine ${result.load.before.toFixed(1)} before, ${result.load.after.toFixed(1)} after`,
    ...(result.insteadOfSchnetpack === null ? [] : [`SchNetPack's own calculator was not timed: ${result.insteadOfSchnetpack}`]),
    "ms of a step of ASE's VelocityVerlet, seen from the script; then of calc.run_nve; start: seconds to the first forces, before and after",
  ];
  const heading = ["atoms", "before", "after", "", "run_nve", "", "start, s"];
  return `\n${bold("painnless bench ase")}\n${about.map((line) => `${dim(`  ${line}`)}\n`).join("")}\n${table(heading, rows, [0, 1, 2, 3, 4, 5, 6])}`;
}
