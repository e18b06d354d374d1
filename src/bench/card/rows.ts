import { PainnlessError } from "../../errors.ts";
import { Random } from "../../system/random.ts";
import type { Structure } from "../../system/structure.ts";

/** Models of random weights by what differs from the shape of all published figures. */
export const cardModels = {
  main: {},
  "64 features": { n_features: 64 },
  "256 features": { n_features: 256 },
  "cutoff 8 Å": { cutoff: 8 },
  "cutoff 6 Å": { cutoff: 6 },
  student: { arch: "painn-distiller" },
} as const;
export type CardModel = keyof typeof cardModels;

export interface CardRow {
  readonly name: string;
  readonly measures: "network" | "neighbours" | "dynamics";
  /** atoms of a structure */
  readonly atoms: number;
  readonly structures: number;
  /** jittered points of a cubic lattice, 0.1 an Å³, open or in a periodic box; or periodic water */
  readonly arrangement: keyof typeof arrangements;
  readonly model: CardModel;
  /** is PyTorch timed beside us */
  readonly opponents: boolean;
}

const network = { measures: "network", structures: 1, arrangement: "lattice", model: "main", opponents: true } as const;
const alone = { ...network, opponents: false } as const;
const dynamics = { ...alone, measures: "dynamics" } as const;

/** What to time on a card: a new case is a row. */
export const cardRows: readonly CardRow[] = [
  { ...network, name: "20", atoms: 20 },
  { ...network, name: "100", atoms: 100 },
  { ...network, name: "1000", atoms: 1000 },
  { ...network, name: "10000", atoms: 10_000 },
  { ...network, name: "1024x20", atoms: 20, structures: 1024 },
  { ...alone, name: "100000", atoms: 100_000 },
  { ...alone, name: "1000000", atoms: 1_000_000 },
  { ...network, name: "F64", atoms: 1000, model: "64 features" },
  { ...network, name: "F256", atoms: 1000, model: "256 features" },
  { ...network, name: "8A", atoms: 1000, model: "cutoff 8 Å" },
  // What is timed of PyTorch knows neither cells nor the student.
  { ...alone, name: "water", atoms: 999, arrangement: "water" },
  { ...alone, name: "student", atoms: 1000, model: "student" },
  { ...network, name: "neighbours", measures: "neighbours", atoms: 32_768, model: "cutoff 6 Å" },
  { ...network, name: "neighbours-box", measures: "neighbours", atoms: 32_768, model: "cutoff 6 Å", arrangement: "box" },
  { ...dynamics, name: "nve-20", atoms: 20 },
  { ...dynamics, name: "nve-1000", atoms: 1000 },
  { ...dynamics, name: "nve-64x20", atoms: 20, structures: 64 },
];

/** A row of the table, or one of so many atoms that it does not have. @param structures of the batch  @param part what alone is measured; null: any
 *  @throws {PainnlessError} USAGE */
export function cardRow(text: string, structures: number, part: CardRow["measures"] | null = null): CardRow {
  const rows = cardRows.filter(({ measures }) => part === null || measures === part);
  const known = rows.find(({ name }) => name === text);
  if (known !== undefined && structures === 1) return known;
  const atoms = known?.atoms ?? Number(text);
  if (!(Number.isInteger(atoms) && atoms >= 1))
    throw new PainnlessError(
      "USAGE",
      `--sizes has "${text}", expected a number of atoms, or of ${rows.map(({ name }) => name).join(", ")}`,
      {
        field: "sizes",
      },
    );
  // Like the first row of its kind; PyTorch has no memory for more than some 20,000 atoms.
  const [first = cardRows[0] as CardRow] = rows;
  const opponents = first.opponents && (first.measures !== "network" || atoms * structures <= 20_480);
  return { ...(known ?? { ...first, atoms, opponents }), structures, name: structures === 1 ? text : `${structures}x${text}` };
}

/** SIZE as cardRow takes it, or STRUCTURESxSIZE. @throws {PainnlessError} USAGE */
export function cardSet(text: string): CardRow {
  const [, structures, size = text] = cardRows.some(({ name }) => name === text) ? [] : (/^([1-9]\d{0,5})x(.+)$/.exec(text) ?? []);
  return cardRow(size, Number(structures ?? 1));
}

/** One batch a set; every batch has the same atoms, at other places. */
export type Sets = readonly (readonly Structure[])[];

/** Å: how far the sets of one row differ */
const displacement = 0.02;

/** The structures of a row, the same for the same seed. @param known elements of the model; null: any */
export function makeSets(row: CardRow, seed: number, sets: number, known: readonly number[] | null): Sets {
  const random = new Random(seed, `bench/card/${row.name}`);
  const arrange = arrangements[row.arrangement];
  const base = Array.from({ length: row.structures }, () => arrange(row.atoms, random, known));
  return Array.from({ length: sets }, (_, set) =>
    base.map((structure) => ({
      ...structure,
      positions: set === 0 ? structure.positions : structure.positions.map((x) => x + displacement * random.normal()),
    })),
  );
}

const open = { cell: null, pbc: [false, false, false] as [boolean, boolean, boolean] };

function lattice(atoms: number, random: Random, known: readonly number[] | null): Structure {
  const choice = [1, 6, 7, 8].filter((z) => known === null || known.includes(z));
  if (choice.length === 0) throw new PainnlessError("BAD_MODEL", "the model knows none of H, C, N, O, of which the structures are made");
  const side = Math.ceil(Math.cbrt(atoms) - 1e-9);
  const step = Math.cbrt(atoms * 10) / side;
  const positions = new Float64Array(3 * atoms);
  for (let k = 0; k < atoms; k++) {
    const place = [k % side, Math.floor(k / side) % side, Math.floor(k / side ** 2)];
    for (let axis = 0; axis < 3; axis++) positions[3 * k + axis] = step * (place[axis] as number) + 0.2 * random.normal();
  }
  const numbers = Array.from({ length: atoms }, () => choice[random.integer(choice.length)] as number);
  return { name: `${atoms} atoms`, numbers, positions, ...open };
}

function box(atoms: number, random: Random, known: readonly number[] | null): Structure {
  const edge = Math.cbrt(atoms * 10);
  const cell = Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge);
  return { ...lattice(atoms, random, known), cell, pbc: [true, true, true] };
}

/** 29.9 Å³ a molecule, as liquid water has, on a lattice, each turned at random. */
function water(atoms: number, random: Random, known: readonly number[] | null): Structure {
  if (known !== null && !(known.includes(1) && known.includes(8))) throw new PainnlessError("BAD_MODEL", "the model does not know water");
  const molecules = Math.floor(atoms / 3);
  const side = Math.ceil(Math.cbrt(molecules) - 1e-9);
  const edge = Math.cbrt(29.9 * molecules);
  const numbers: number[] = [];
  const positions: number[] = [];
  for (let k = 0; k < molecules; k++) {
    const at = [k % side, Math.floor(k / side) % side, Math.floor(k / side ** 2)].map((i) => (edge * i) / side);
    const first = random.direction();
    const other = random.direction();
    const along = first.reduce((sum, x, axis) => sum + x * (other[axis] as number), 0);
    const across = other.map((x, axis) => x - along * (first[axis] as number));
    const length = Math.hypot(...across);
    // 0.9572 Å and 104.5 degrees
    const second = first.map((x, axis) => -0.25038 * x + (0.96815 * (across[axis] as number)) / length);
    numbers.push(8, 1, 1);
    positions.push(...at, ...at.map((x, a) => x + 0.9572 * (first[a] as number)), ...at.map((x, a) => x + 0.9572 * (second[a] as number)));
  }
  const cell = Float64Array.of(edge, 0, 0, 0, edge, 0, 0, 0, edge);
  return { name: `${molecules} of water`, numbers, positions: Float64Array.from(positions), cell, pbc: [true, true, true] };
}

const arrangements = { lattice, box, water } as const;
