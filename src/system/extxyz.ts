import { elementSymbol } from "./elements.ts";
import type { Evaluation } from "./potential.ts";
import type { Structure } from "./structure.ts";

/** A frame of extended XYZ as ASE reads it: lattice, periodicity, and where an evaluation is given its energy (eV), stress (eV/Å^3, full
 *  matrix, ASE's sign) and forces (eV/Å). Numbers are written so that they read back to the same bits. */
export function extxyzFrame(structure: Structure, evaluation: Evaluation | null): string {
  const { numbers, positions, cell, pbc } = structure;
  const forces = evaluation?.forces ?? null;
  const properties = `species:S:1:pos:R:3${forces === null ? "" : ":forces:R:3"}`;
  const fields = [
    ...(cell === null ? [] : [`Lattice="${[...cell].join(" ")}"`]),
    `Properties=${properties}`,
    `name="${structure.name.replace(/["\\\n]/g, "_")}"`,
    ...(evaluation === null ? [] : [`energy=${evaluation.energy}`]),
    ...(evaluation?.stress ? [`stress="${fullStress(evaluation.stress).join(" ")}"`] : []),
    `pbc="${pbc.map((periodic) => (periodic ? "T" : "F")).join(" ")}"`,
  ];
  const three = (array: Float64Array, i: number) => `${array[3 * i]} ${array[3 * i + 1]} ${array[3 * i + 2]}`;
  const atoms = numbers.map((z, i) => `${elementSymbol(z)} ${three(positions, i)}${forces === null ? "" : ` ${three(forces, i)}`}`);
  return `${numbers.length}\n${fields.join(" ")}\n${atoms.join("\n")}\n`;
}

/** (3,3) row-major from Voigt (xx, yy, zz, yz, xz, xy). */
const fullStress = (voigt: Float64Array): number[] => [0, 5, 4, 5, 1, 3, 4, 3, 2].map((k) => voigt[k] ?? Number.NaN);
