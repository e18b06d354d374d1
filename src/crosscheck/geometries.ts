import type { Potential } from "../system/potential.ts";
import { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { boxed, displaced } from "../system/transform.ts";
import { isPeriodic } from "./law.ts";
import { imageGap } from "./periodicity.ts";
import type { CrosscheckResult } from "./result.ts";

export interface Geometry {
  readonly structure: Structure;
  readonly origin: CrosscheckResult["structures"][number]["origin"];
}

/** Å: about the thermal motion of a bond at 300 K. */
const displacement = 0.05;

const composition = ({ numbers, pbc }: Structure): string => `${numbers.join(",")} ${pbc}`;

/** The first structure of each composition. */
export const distinct = (structures: readonly Structure[]): Structure[] =>
  [...new Map([...structures].reverse().map((structure) => [composition(structure), structure])).values()].reverse();

/** The user's structures, `samples` seeded displacements of each composition (one geometry at rest hides errors that cancel there), and,
 *  where every side is periodic, each molecule in a cell of its own, so that images and stress are compared too. */
export function geometries(
  given: readonly Structure[],
  potentials: readonly Potential[],
  options: { seed: number; samples: number; boxes: boolean },
): Geometry[] {
  const kinds = distinct(given);
  const moved = kinds.flatMap((structure) =>
    Array.from({ length: options.samples }, (_, k): Geometry => {
      const random = new Random(options.seed, `displace/${structure.name}/${k}`);
      return { structure: displaced(structure, displacement, random, `${structure.name} displaced ${k + 1}`), origin: "displaced" };
    }),
  );
  const periodic = options.boxes && potentials.every(({ domain }) => domain.periodic);
  const cells = periodic ? kinds.filter((structure) => !isPeriodic(structure)).slice(0, 4) : [];
  return [
    ...given.map((structure): Geometry => ({ structure, origin: "given" })),
    ...moved,
    ...cells.map((structure): Geometry => ({ structure: boxed(structure, imageGap, `${structure.name} in a cell`), origin: "boxed" })),
  ];
}
