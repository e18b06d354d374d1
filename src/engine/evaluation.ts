import { PainnlessError } from "../errors.ts";
import type { ModelConfig } from "../model/config.ts";
import { cellVolume } from "../system/cell.ts";
import type { Evaluation, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { NativeEvaluation } from "./native.ts";

/** What the engine said of each structure, with the model's constants added in float64.
 *  @throws {PainnlessError} NOT_FINITE naming the structure, the quantity and the atom */
export function readEvaluations(
  structures: readonly Structure[],
  native: NativeEvaluation,
  want: readonly Property[],
  config: ModelConfig,
): Evaluation[] {
  let first = 0;
  return structures.map((structure, s) => {
    const n = structure.numbers.length;
    const [begin, end] = [first, first + n];
    first = end;
    const where = `structure "${structure.name}"`;
    const netEnergies = finite(native.energies.slice(begin, end), (i) => `${where}: the energy of atom ${i}`);
    const [netEnergy = Number.NaN] = finite(native.netEnergy.slice(s, s + 1), () => `${where}: the energy`);
    const forces = want.includes("forces")
      ? finite(native.forces.slice(3 * begin, 3 * end), (k) => `${where}: the force on atom ${Math.floor(k / 3)} along ${"xyz"[k % 3]}`)
      : null;
    const stress =
      want.includes("stress") && hasStress(structure)
        ? finite(native.stress.slice(6 * s, 6 * s + 6), (k) => `${where}: the stress ${["xx", "yy", "zz", "yz", "xz", "xy"][k]}`)
        : null;
    const constants = energyConstants(config, structure.numbers);
    return {
      energy: netEnergy + constants.total,
      netEnergy,
      forces,
      stress,
      energies: want.includes("energies") ? netEnergies.map((e, i) => e + (constants.ofAtoms[i] ?? 0)) : null,
    };
  });
}

function finite(values: Float64Array, what: (index: number) => string): Float64Array {
  const k = values.findIndex((x) => !Number.isFinite(x));
  if (k >= 0)
    throw new PainnlessError("NOT_FINITE", `${what(k)} is ${values[k]}; the geometry may be far outside what the model was trained on`);
  return values;
}

/** Stress is energy per volume: it needs a periodic axis and a cell with a volume. */
const hasStress = ({ cell, pbc }: Structure): boolean => cell !== null && pbc.some(Boolean) && cellVolume(cell) > 0;

/** The model's offset and atom references, eV: of the structure, and the share of each atom. Summed in the model's unit and converted once;
 *  an offset given once for the structure is spread evenly over its atoms. */
function energyConstants(config: ModelConfig, numbers: readonly number[]): { total: number; ofAtoms: readonly number[] } {
  const n = numbers.length;
  const offset = Number(config.energy_offset) * (config.energy_offset_per_atom ? n : 1);
  const references = numbers.map((z) => config.atom_refs?.[z] ?? 0);
  const total = offset + references.reduce((sum, x) => sum + x, 0);
  return {
    total: total * config.energy_unit_in_ev,
    ofAtoms: references.map((x) => (offset / n + x) * config.energy_unit_in_ev),
  };
}
