import type { ModelFile } from "../model/model-file.ts";
import type { Potential } from "../system/potential.ts";
import { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { largestOf, rms } from "./metrics.ts";

/** Where a model extrapolates, its forces are small differences of large terms, and no float32 computes them as exactly as its usual bounds say
 *  (docs/accuracy.md, inputs far from the training). How exactly it can is asked of the model itself: how far float64's forces go when every weight is
 *  off by the rounding of float32. */
export interface Movement {
  /** eV/Å, over all components */
  readonly rms: number;
  readonly largest: number;
}

/** Of one structure of a set, by so many components of its forces. */
export interface StructureMovement extends Movement {
  readonly components: number;
}

/** Of PyTorch's float32, which is up to 3.9 such movements away, 1.5 times as much. */
export const allowedMovements = 6;

/** Of the largest force. Forces that may be off by more are those of a kink, where rounding decides what they are: nobody can judge them, and nothing is allowed. */
export const mostAllowed = 1e-3;

/** What float32 may be off by where its usual bound is exceeded, eV/Å. */
export function conditioned({ rms, largest }: Movement, largestForce: number): Movement {
  const allowed = (moved: number) => (allowedMovements * moved <= mostAllowed * largestForce ? allowedMovements * moved : 0); // not a number: nothing
  return { rms: allowed(rms), largest: allowed(largest) };
}

const nudges = 3;

/** The model with every weight w changed to w (1 + 2^-24 x), x from a normal distribution. */
function withNudgedWeights(model: ModelFile, seed: number): ModelFile {
  const random = new Random(seed, "bench/weights");
  const nudge = (w: number) => w * (1 + 2 ** -24 * random.normal());
  const tensors = [...model.tensors].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data, nudge) }] as const);
  return { ...model, tensors: new Map(tensors) };
}

/** Of all structures of a set, one after the other; eV/Å. */
interface Forces {
  readonly forces: ArrayLike<number>;
}

/** Our engine on the processor in float64, of a model. */
export type OpenExact = (model: ModelFile) => Promise<Potential>;

/** How far the forces of each structure of a set move in float64 when the weights do, by our engine on the processor, which is also what they move
 *  from: a judge that is wrong allows nothing. Each set is worked out once, when somebody asks.
 *  @param atoms of each structure, that are judged  @param answer the part that is judged, of a set */
export function movementOf(
  model: ModelFile,
  open: OpenExact,
  atoms: readonly number[],
  answer: (potential: Potential, set: number) => Promise<Forces>,
) {
  const known = new Map<number, Promise<readonly StructureMovement[]>>();
  return (set: number): Promise<readonly StructureMovement[]> => {
    const found = known.get(set) ?? measure(model, open, atoms, (potential) => answer(potential, set));
    known.set(set, found);
    return found;
  };
}

/** The same of structures as they are, for `movements` of a CrosscheckRequest: one each, in their order, eV/Å, from four models' float64 forces.
 *  @param open makes a float64 potential of a model, which is closed here: our engine on the processor
 *  @throws what the potential throws (BAD_STRUCTURE, MISSING) */
export const movementsOf = (model: ModelFile, open: OpenExact, structures: readonly Structure[]): Promise<readonly StructureMovement[]> =>
  measure(
    model,
    open,
    structures.map(({ numbers }) => numbers.length),
    async (potential) => ({
      forces: (await potential.evaluate(structures, ["energy", "forces"])).flatMap(({ forces }) => [...(forces ?? [])]),
    }),
  );

async function measure(
  model: ModelFile,
  open: OpenExact,
  atoms: readonly number[],
  answer: (potential: Potential) => Promise<Forces>,
): Promise<readonly StructureMovement[]> {
  const forces = async (potential: Potential) => (await answer(potential)).forces;
  const still = Array.from(await withExact(model, open, forces));
  const moved = (await ofNudged(model, open, forces)).map((one) => Array.from(one));
  let end = 0;
  return atoms.map((n) => {
    const [begin, components] = [end, 3 * n];
    end += components;
    const away = moved.map((draw) => draw.slice(begin, end).map((f, k) => f - (still[begin + k] as number)));
    return { components, rms: largestOf(away.map(rms)), largest: largestOf(away.map(largestOf)) };
  });
}

/** What is found of a model whose weights are off by the rounding of float32, of each draw. */
export async function ofNudged<Found>(model: ModelFile, open: OpenExact, find: (potential: Potential) => Promise<Found>): Promise<Found[]> {
  const found: Found[] = [];
  for (let seed = 1; seed <= nudges; seed++) found.push(await withExact(withNudgedWeights(model, seed), open, find));
  return found;
}

async function withExact<Found>(model: ModelFile, open: OpenExact, find: (potential: Potential) => Promise<Found>): Promise<Found> {
  const potential = await open(model);
  try {
    return await find(potential);
  } finally {
    await potential.close();
  }
}
