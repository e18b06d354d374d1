import { PainnlessError } from "../../errors.ts";
import type { BaselineProcess, CardHow, CardPrecision } from "../baseline.ts";
import type { Absent } from "../opponents.ts";
import { type Accuracy, type Contestant, verify } from "../trial.ts";
import type { Judgement } from "./judge.ts";

/** PyTorch, or SchNetPack, in one way and precision, verified. */
export interface CardOpponent {
  readonly warm: Contestant;
  /** each evaluation after the caches were flushed */
  readonly cold: Contestant;
  readonly error: Accuracy;
  readonly isCompiled: boolean;
  /** compiled for it */
  graphs(): number;
}

const names = { eager: "torch-eager", graph: "torch-graph", compiled: "torch-compile", schnetpack: "schnetpack" } as const;
/** single evaluations with cold caches in a turn */
const fewCold = 3;

/** Products in TF32 keep 11 bits of 24. What they may be off is no tolerance of ours; beyond it they compute something else. */
const tf32Share = 0.05;

function contestantOf(process: BaselineProcess, how: CardHow, precision: CardPrecision, cold: boolean) {
  let graphs = 0;
  const suffix = precision === "tf32" ? "/tf32" : "";
  const contestant: Contestant = {
    name: `${names[how]}${suffix}`,
    side: "torch:cuda:f32",
    evaluate: (set) => process.evaluate(how, precision, set),
    async time(set, count) {
      const timed = await process.time(how, precision, set, cold ? Math.min(count, fewCold) : count, cold);
      graphs = timed.graphs;
      return timed.seconds;
    },
  };
  return { contestant, graphs: () => graphs };
}

/** Every way, those that are right; and those that cannot be timed, with the reason. @throws {PainnlessError} WORKER_DIED */
export async function cardOpponents(process: BaselineProcess, judgement: Judgement, compile: boolean) {
  const opponents: CardOpponent[] = [];
  const absent: Absent[] = [];
  for (const how of ["eager", "graph", ...(compile ? (["compiled"] as const) : []), "schnetpack"] as const)
    for (const precision of how === "schnetpack" ? (["f32"] as const) : (["f32", "tf32"] as const)) {
      const { contestant: warm, graphs } = contestantOf(process, how, precision, false);
      const { contestant: cold } = contestantOf(process, how, precision, true);
      try {
        const error = await (precision === "tf32" ? verifyCoarse : verify)(warm, judgement.answers, judgement.inputs);
        opponents.push({ warm, cold, error, isCompiled: how === "compiled", graphs });
      } catch (error) {
        absent.push({ name: warm.name, reason: reasonOf(error) });
      }
    }
  return { opponents, absent };
}

/** Why it cannot be timed. What PyTorch, or a package, cannot do is a fact about it, and is written down; a process that died is not. */
export function reasonOf(error: unknown): string {
  if (error instanceof PainnlessError && (error.code === "WORKER_FAILED" || error.code === "NOT_FINITE")) return error.message;
  throw error;
}

/** How far off it is, which may be far. */
const verifyCoarse: typeof verify = (contestant, judged, inputs) =>
  verify(contestant, judged, inputs, (largestForce) => tf32Share * Math.max(1, largestForce));
