import { z } from "zod";
import { PainnlessError } from "../errors.ts";

/** Atoms in space: what every side evaluates.
 *  numbers (n) atomic numbers; positions (3n) row-major, Å; cell (9) row-major, rows are lattice vectors, Å, null without one;
 *  pbc: is the axis periodic. Shapes are checked here; what can be computed is checked by `assertComputable`. */
export const structureSchema = z.strictObject({
  name: z.string(),
  numbers: z.array(z.int()),
  positions: z.instanceof(Float64Array),
  cell: z.instanceof(Float64Array).nullable(),
  pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
});

export type Structure = z.infer<typeof structureSchema>;

/** What a potential accepts; null where it has no limit or does not say. */
export interface Domain {
  /** atomic numbers it knows */
  readonly elements: readonly number[] | null;
  readonly maxAtoms: number;
  readonly periodic: boolean;
}

const heaviest = 118;
/** Å from the origin */
const farthest = 1e6;

const bad = (field: string, message: string): never => {
  throw new PainnlessError("BAD_STRUCTURE", message, { field });
};

/** Structures that are computable in a domain, and that nobody changes. */
const settled = new WeakMap<Structure, Domain>();

/** The structure has been found computable in the domain, by who alone has it and does not change it: it is not checked again. */
export function settle(structure: Structure, domain: Domain): void {
  settled.set(structure, domain);
}

/** The structure, unchanged, if it is worth computing; what needs distances (coincident atoms) is found by the neighbour search.
 *  @throws {PainnlessError} BAD_STRUCTURE naming the field, what was found and what was expected */
export function assertComputable(structure: Structure, domain: Domain): Structure {
  if (settled.get(structure) === domain) return structure;
  const where = `structure "${structure.name}"`;
  const n = structure.numbers.length;
  if (n === 0) bad("numbers", `${where} has 0 atoms, expected at least 1`);
  if (n > domain.maxAtoms) bad("numbers", `${where} has ${n} atoms, the limit is ${domain.maxAtoms}`);
  if (structure.positions.length !== 3 * n)
    bad("positions", `${where}: positions hold ${structure.positions.length} numbers, expected ${3 * n} = 3 x ${n} atoms`);
  assertElements(structure.numbers, domain.elements, where);
  assertPositions(structure);
  if (structure.pbc.some(Boolean)) {
    if (!domain.periodic)
      bad(
        "pbc",
        `${where} is periodic (pbc ${structure.pbc.join(", ")}), but the model was made for molecules only and ignores cells; set pbc to false`,
      );
    if (structure.cell === null) bad("cell", `${where} is periodic but has no cell`);
  }
  if (structure.cell !== null) {
    if (structure.cell.length !== 9) bad("cell", `${where}: cell holds ${structure.cell.length} numbers, expected 9`);
    structure.cell.forEach((x, k) => {
      if (!Number.isFinite(x)) bad("cell", `${where}: cell[${Math.floor(k / 3)}][${k % 3}] is ${x}, expected a finite number of Å`);
    });
    if (structure.pbc.some(Boolean)) assertCellSpans(structure.cell, structure.pbc, where);
  }
  return structure;
}

// Loops and a table, and neither forEach nor a Set: a server checks 20,000 atoms in a tenth of the time of one small evaluation.

const anyElement = new Uint8Array(heaviest + 1).fill(1, 1);
/** By the list a domain has: a batch asks a thousand times for the same. */
const tables = new WeakMap<readonly number[], Uint8Array>();

function tableOf(elements: readonly number[]): Uint8Array {
  const known = tables.get(elements) ?? new Uint8Array(heaviest + 1);
  if (!tables.has(elements)) {
    for (const z of elements) known[z] = 1;
    tables.set(elements, known);
  }
  return known;
}

function assertElements(numbers: Structure["numbers"], elements: readonly number[] | null, where: string): void {
  const known = elements === null ? anyElement : tableOf(elements);
  for (let i = 0; i < numbers.length; i++) {
    const z = numbers[i] as number;
    if (known[z] === 1) continue;
    if (!Number.isInteger(z) || z < 1 || z > heaviest)
      bad("numbers", `${where}: atom ${i} has atomic number ${z}, expected an integer from 1 to ${heaviest}`);
    bad("numbers", `${where}: atom ${i} has atomic number ${z}, which the model does not know; it knows ${elements?.join(", ")}`);
  }
}

/** All that is left to check of a structure whose atoms have moved since it was found computable.
 *  @throws {PainnlessError} BAD_STRUCTURE */
export function assertPositions({ name, positions }: Structure): void {
  for (let k = 0; k < positions.length; k++) {
    const x = positions[k] as number;
    if (Math.abs(x) <= farthest) continue; // which NaN is not
    const what = `structure "${name}": position of atom ${Math.floor(k / 3)}, ${"xyz"[k % 3]}, is ${x}`;
    if (!Number.isFinite(x)) bad("positions", `${what}, expected a finite number of Å`);
    bad("positions", `${what} Å, expected at most 1e6 Å from the origin`);
  }
}

/** Periodic lattice vectors must be independent: the volume they span, against the product of their lengths, tells how flat they are. */
function assertCellSpans(cell: Float64Array, pbc: Structure["pbc"], where: string): void {
  const rows = [0, 1, 2].filter((k) => pbc[k]).map((k) => [cell[3 * k] ?? 0, cell[3 * k + 1] ?? 0, cell[3 * k + 2] ?? 0] as const);
  const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, k) => sum + x * (b[k] ?? 0), 0);
  const gram = rows.map((a) => rows.map((b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))));
  const g = (i: number, j: number) => gram[i]?.[j] ?? Number(i === j);
  const determinant =
    g(0, 0) * (g(1, 1) * g(2, 2) - g(1, 2) * g(2, 1)) -
    g(0, 1) * (g(1, 0) * g(2, 2) - g(1, 2) * g(2, 0)) +
    g(0, 2) * (g(1, 0) * g(2, 1) - g(1, 1) * g(2, 0));
  if (!(determinant > 1e-8))
    bad(
      "cell",
      `${where}: the periodic lattice vectors are singular or zero (normalised Gram determinant ${determinant}), expected three independent directions`,
    );
}
