import { PainnlessError } from "../errors.ts";
import type { BaselineProcess, How, Malloc, Precision } from "./baseline.ts";
import { quantile } from "./statistics.ts";
import { type Accuracy, type Answer, type Contestant, type Inputs, verify } from "./trial.ts";

export interface Opponent extends Contestant {
  readonly how: How;
  readonly process: BaselineProcess;
  readonly error: Accuracy;
  /** graphs compiled for these inputs so far */
  graphs(): number;
}

export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** evaluations that decide between numbers of threads; fewer where one takes longer than `slow` seconds */
const probes = { few: 1, many: 5, slow: 0.2 };

const names: Readonly<Record<How, string>> = { eager: "torch-eager", compiled: "torch-compile" };

const opponentName = (how: How, malloc: Malloc): string => `${names[how]}${malloc === "default" ? "/default-malloc" : ""}`;

function contestantOf(process: BaselineProcess, how: How, precision: Precision) {
  let graphs = 0;
  const time = async (set: number, count: number) => {
    const timed = await process.time(how, precision, set, count);
    graphs = timed.graphs;
    return timed.seconds;
  };
  const evaluate = (set: number) => process.evaluate(how, precision, set);
  const name = opponentName(how, process.malloc);
  return { name, side: `torch:cpu:${precision}`, how, process, time, evaluate, graphs: () => graphs };
}

/** For each way to run PyTorch and each malloc: the process that is fastest, verified; and those that cannot be timed, with the reason.
 *  @throws {PainnlessError} WORKER_DIED if a process is gone */
export async function pickOpponents(
  processes: readonly BaselineProcess[],
  ways: readonly How[],
  precision: Precision,
  judged: readonly Answer[],
  inputs: Inputs,
): Promise<{ opponents: Opponent[]; absent: Absent[] }> {
  const opponents: Opponent[] = [];
  const absent: Absent[] = [];
  for (const how of ways)
    for (const malloc of new Set(processes.map((process) => process.malloc))) {
      const name = opponentName(how, malloc);
      try {
        const candidates = processes.filter((process) => process.malloc === malloc).map((p) => contestantOf(p, how, precision));
        const best = await fastest(candidates);
        opponents.push({ ...best, error: await verify(best, judged, inputs) });
      } catch (error) {
        // What PyTorch cannot do is a fact about PyTorch, and is written down; a process that died is not.
        if (!(error instanceof PainnlessError && (error.code === "WORKER_FAILED" || error.code === "NOT_FINITE"))) throw error;
        absent.push({ name, reason: error.message });
      }
    }
  return { opponents, absent };
}

async function fastest<T extends Contestant>(candidates: readonly T[]): Promise<T> {
  const timed: { candidate: T; median: number }[] = [];
  for (const candidate of candidates) {
    // The first call may compile; the process's own warm-up takes that out of the times.
    const first = await candidate.time(0, probes.few);
    const all = quantile(first, 0.5) > probes.slow ? first : await candidate.time(0, probes.many);
    timed.push({ candidate, median: quantile(all, 0.5) });
  }
  return timed.reduce((best, next) => (next.median < best.median ? next : best)).candidate;
}
