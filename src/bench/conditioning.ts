import { largestOf, rms } from "../crosscheck/metrics.ts";
import type { ModelFile } from "../model/model-file.ts";
import type { Potential } from "../system/potential.ts";
import { Random } from "../system/random.ts";
import type { Answer } from "./trial.ts";

/** Where a model extrapolates, its forces are small differences of large terms, and no float32 computes them as exactly as its usual bounds say
 *  (docs/accuracy.md, inputs far from the training). How exactly it can is asked of the model itself: how far float64's forces go when every weight is
 *  off by the rounding of float32. */
export interface Movement {
  /** eV/Å, over all components */
  readonly rms: number;
  readonly largest: number;
}

/** Of PyTorch's float32, which is up to 3.9 such movements away, 1.5 times as much. */
export const allowedMovements = 6;

/** Forces that go further than this part of the largest are those of a kink, where rounding decides what they are: nobody can judge them. */
const movingShare = 1e-3;

/** What float32 may be off by where its usual bound is exceeded, eV/Å. */
export function conditioned({ rms, largest }: Movement, largestForce: number): Movement {
  const most = movingShare * largestForce;
  return { rms: Math.min(allowedMovements * rms, most), largest: Math.min(allowedMovements * largest, most) };
}

const nudges = 3;

/** The model with every weight w changed to w (1 + 2^-24 x), x from a normal distribution. */
function withNudgedWeights(model: ModelFile, seed: number): ModelFile {
  const random = new Random(seed, "bench/weights");
  const nudge = (w: number) => w * (1 + 2 ** -24 * random.normal());
  const tensors = [...model.tensors].map(([name, { shape, data }]) => [name, { shape, data: Float64Array.from(data, nudge) }] as const);
  return { ...model, tensors: new Map(tensors) };
}

/** Our engine on the processor in float64, of a model. */
export type OpenExact = (model: ModelFile) => Promise<Potential>;

/** How far the forces of a set move in float64 when the weights do, by our engine on the processor, which is also what they move from: a judge that
 *  is wrong allows nothing. Each set is worked out once, when somebody asks. @param answer the part that is judged, of a set */
export function movementOf(model: ModelFile, open: OpenExact, answer: (potential: Potential, set: number) => Promise<Answer>) {
  const known = new Map<number, Promise<Movement>>();
  return (set: number): Promise<Movement> => {
    const found = known.get(set) ?? measure(model, open, (potential) => answer(potential, set));
    known.set(set, found);
    return found;
  };
}

async function measure(model: ModelFile, open: OpenExact, answer: (potential: Potential) => Promise<Answer>): Promise<Movement> {
  const forces = async (potential: Potential) => (await answer(potential)).forces;
  const still = await withExact(model, open, forces);
  const movements = (await ofNudged(model, open, forces)).map((moved) => Array.from(moved, (f, k) => f - (still[k] as number)));
  return { rms: largestOf(movements.map(rms)), largest: largestOf(movements.map(largestOf)) };
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
