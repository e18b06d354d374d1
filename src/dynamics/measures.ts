import { PainnlessError } from "../errors.ts";
import type { Potential } from "../system/potential.ts";
import { affordableDuration, attributeDrift } from "./attribution.ts";
import { type Experiment, equilibrated } from "./experiment.ts";
import { measureOrder, orderPasses } from "./order.ts";
import type { Attribution, Order, Reversal } from "./result.ts";
import { measureReversal } from "./reversal.ts";

export interface MeasureRequest extends Pick<Experiment, "structure" | "temperature" | "seed" | "timestep" | "skin" | "signal"> {
  readonly side: Potential;
  /** the same model in float64; may be `side` itself */
  readonly exact: Potential;
  /** Å; null where it is not known */
  readonly cutoff: number | null;
  /** steps of single replicas that all experiments may take together; `defaultBudget` is half a minute for ethanol on two cores */
  readonly budget: number;
  /** told before each experiment what it is */
  readonly onProgress: (what: string) => void;
}

export interface Measures {
  readonly order: Order | null;
  readonly reversal: Reversal | null;
  readonly attribution: Attribution | null;
  /** why one is missing */
  readonly failures: readonly string[];
}

export const defaultBudget = 120_000;

const replicas = 8;
const equilibration = 1000;
const reversalSteps = 1000;
/** Of the budget. */
const orderShare = 0.25;
/** ps: the order is known well enough after so long. */
const longestOrder = 1;

/** The experiments that tell what the drift of a run means, on eight replicas from one equilibrated start.
 *  An experiment that a guard stops is missing from the result, and says why.
 *  @throws {PainnlessError} CANCELLED, what the potentials throw */
export async function measureAll(request: MeasureRequest): Promise<Measures> {
  const { side, exact, cutoff, budget, onProgress, ...common } = request;
  const experiment: Experiment = { ...common, replicas, equilibration };
  const failures: string[] = [];
  const tried = async <T>(what: string, run: () => Promise<T>): Promise<T | null> => {
    onProgress(what);
    try {
      return await run();
    } catch (cause) {
      if (!(cause instanceof PainnlessError && cause.code === "UNSTABLE")) throw cause;
      failures.push(`${what} could not be measured: ${cause.message}`);
      return null;
    }
  };
  const start = await tried("the start", () => equilibrated(exact, experiment));
  if (start === null) return { order: null, reversal: null, attribution: null, failures };

  const orderSteps = (orderShare * budget) / replicas / orderPasses;
  const orderDuration = Math.min(longestOrder, (orderSteps * experiment.timestep) / 1e3);
  const order = await tried("the order in the timestep", () => measureOrder(side, experiment, start, orderDuration));
  const reversal = await tried("the reversal", () => measureReversal(side, experiment, start, reversalSteps));
  const left = budget - replicas * (equilibration + (1e3 * orderDuration * orderPasses) / experiment.timestep) - 2.22 * reversalSteps;
  const duration = affordableDuration(left, experiment, side !== exact);
  const attribution = await tried("the attribution of the drift", () =>
    attributeDrift({ ...experiment, side, exact, cutoff, duration }, start),
  );
  return { order, reversal, attribution, failures };
}
