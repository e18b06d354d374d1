import { PainnlessError } from "../errors.ts";
import type { ModelConfig } from "../model/config.ts";
import { cellVolume } from "../system/cell.ts";
import type { Evaluation, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { NativeEvaluation } from "./native.ts";

/** What the engine said of each structure, with the model's constants added in float64.
 *  @param known answers that come from elsewhere, by the number of their structure
 *  @throws {PainnlessError} NOT_FINITE naming the structure, the quantity and the atom */
export function readEvaluations(
  structures: readonly Structure[],
  native: NativeEvaluation,
  want: readonly Property[],
  config: ModelConfig,
  known: ReadonlyMap<number, Evaluation> = new Map(),
): Evaluation[] {
  let first = 0;
  return structures.map((structure, s) => {
    const { numbers } = structure;
    const [begin, end] = [first, first + numbers.length];
    first = end;
    const elsewhere = known.get(s);
    if (elsewhere) return elsewhere;
    assertLength(native.energies, end);
    assertLength(native.netEnergy, s + 1);
    if (!native.finite) assertFiniteParts(structure, native, want, { s, begin, end });
    const netEnergy = native.netEnergy[s] as number;
    return {
      energy: netEnergy + constantEnergy(config, numbers),
      netEnergy,
      forces: want.includes("forces") ? part(native.forces, 3 * begin, 3 * end) : null,
      stress: want.includes("stress") && hasStress(structure) ? part(native.stress, 6 * s, 6 * s + 6) : null,
      energies: want.includes("energies")
        ? native.energies.slice(begin, end).map((e, i) => e + constantEnergyOf(config, numbers, i))
        : null,
    };
  });
}

/** The numbers of the structures of which some number is not finite, of those that are wanted. */
export function notFinite(structures: readonly Structure[], native: NativeEvaluation, want: readonly Property[]): number[] {
  if (native.finite) return [];
  let first = 0;
  return structures.flatMap((structure, s) => {
    const begin = first;
    first += structure.numbers.length;
    try {
      assertFiniteParts(structure, native, want, { s, begin, end: first });
      return [];
    } catch (error) {
      if (error instanceof PainnlessError && error.code === "NOT_FINITE") return [s];
      throw error;
    }
  });
}

/** A copy of a part, or the whole, which the engine made for this answer alone. */
function part(values: Float64Array, begin: number, end: number): Float64Array {
  assertLength(values, end);
  return begin === 0 && end === values.length ? values : values.slice(begin, end);
}

/** One by one, as for 20,000 atoms it takes as long as all else here: only where some number is not finite, be it of another structure. */
function assertFiniteParts(
  structure: Structure,
  native: NativeEvaluation,
  want: readonly Property[],
  { s, begin, end }: { s: number; begin: number; end: number },
): void {
  const where = (what: string) => `structure "${structure.name}": the ${what}`;
  assertFinite(native.energies, begin, end, (i) => where(`energy of atom ${i}`));
  assertFinite(native.netEnergy, s, s + 1, () => where("energy"));
  if (want.includes("forces"))
    assertFinite(native.forces, 3 * begin, 3 * end, (k) => where(`force on atom ${Math.floor(k / 3)} along ${"xyz"[k % 3]}`));
  if (want.includes("stress") && hasStress(structure))
    assertFinite(native.stress, 6 * s, 6 * s + 6, (k) => where(`stress ${["xx", "yy", "zz", "yz", "xz", "xy"][k]}`));
}

/** @param what names the value that is so far behind `begin` */
function assertFinite(values: Float64Array, begin: number, end: number, what: (index: number) => string): void {
  assertLength(values, end);
  for (let k = begin; k < end; k++)
    if (!Number.isFinite(values[k]))
      throw new PainnlessError(
        "NOT_FINITE",
        `${what(k - begin)} is ${values[k]}; the geometry may be far outside what the model was trained on`,
      );
}

function assertLength(values: Float64Array, least: number): void {
  if (least > values.length) throw new PainnlessError("INTERNAL", `the engine gave ${values.length} values, expected ${least} or more`);
}

/** Stress is energy per volume: it needs a periodic axis and a cell with a volume. */
const hasStress = ({ cell, pbc }: Structure): boolean => cell !== null && pbc.some(Boolean) && cellVolume(cell) > 0;

/** The model's offset and atom references for the structure, eV. Summed in the model's unit and converted once. */
function constantEnergy(config: ModelConfig, numbers: Structure["numbers"]): number {
  let references = 0;
  if (config.atom_refs !== null) for (let i = 0; i < numbers.length; i++) references += referenceOf(config, numbers[i]);
  return (offsetOf(config, numbers.length) + references) * config.energy_unit_in_ev;
}

/** The share of atom i, eV; an offset given once for the structure is spread evenly over its atoms. */
const constantEnergyOf = (config: ModelConfig, numbers: Structure["numbers"], i: number): number =>
  (offsetOf(config, numbers.length) / numbers.length + referenceOf(config, numbers[i])) * config.energy_unit_in_ev;

const offsetOf = (config: ModelConfig, atoms: number): number => Number(config.energy_offset) * (config.energy_offset_per_atom ? atoms : 1);
const referenceOf = (config: ModelConfig, z: number | undefined): number => config.atom_refs?.[z as number] ?? 0;
