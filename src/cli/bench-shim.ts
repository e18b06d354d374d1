import {
  type CrowdResult,
  crowd,
  crowdResult,
  type EngineTimes,
  type ShimCase,
  ShimProcess,
  type ShimResult,
  type ShimRun,
  shimCases,
  shimResult,
} from "../bench/shim.ts";
import type { NativeEngine } from "../engine/engine.ts";
import { readModelFile } from "../model/model-file.ts";
import { type PythonEnvironment, requirePackage, resolvePython } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { Server } from "../wire/server.ts";
import { nativeEngine } from "./bench-run.ts";
import { serverAt, sidesOf } from "./sides.ts";
import { bold, green, red, table } from "./terminal.ts";

export interface ShimRequest {
  readonly model: string;
  /** "native:cpu:f32" */
  readonly side: string;
  readonly threads: number;
  readonly progress: (text: string) => void;
}

/** Every case of the suite, by a server in this process and a Python of its own; and many clients beside one. */
export async function runShim(request: ShimRequest): Promise<{ results: ShimResult[]; crowd: CrowdResult }> {
  const python = await resolvePython();
  for (const name of ["ase", "pyzmq", "msgspec"] as const) requirePackage(python, name, "painnless bench shim");
  const model = await readModelFile(request.model);
  const sides = sidesOf({ model, checkpoint: null, threads: request.threads });
  try {
    const engine = nativeEngine((await sides.open(request.side)).potential);
    const results: ShimResult[] = [];
    for (const shape of shimCases) {
      request.progress(`${shape.atoms} atoms, ${shape.turns} turns of ${shape.calls} calls`);
      results.push(await runCase(python, engine, shape));
    }
    request.progress(`${crowd.clients} clients, ${crowd.rounds} rounds of ${crowd.seconds} s`);
    return { results, crowd: await runCrowd(python, engine) };
  } finally {
    await sides.close();
  }
}

const serve = (potential: Potential) => Server.start(potential, { endpoint: null, model: null, cutoff: null, versions: {} });

async function runCrowd(python: PythonEnvironment, engine: NativeEngine): Promise<CrowdResult> {
  const server = await serve(engine);
  const clients: ShimProcess[] = [];
  try {
    const started = Array.from({ length: crowd.clients }, () => ShimProcess.start(python, server.endpoint, crowd));
    for (const start of await Promise.allSettled(started)) if (start.status === "fulfilled") clients.push(start.value);
    await Promise.all(started); // throws what one of them died of
    const together = () => Promise.all(clients.map((client) => client.rate(crowd.seconds)));
    await together(); // V8 compiles, the engine takes memory
    const rounds: { one: number; all: number[] }[] = [];
    for (let k = 0; k < crowd.rounds; k++) {
      const one = (await clients[0]?.rate(crowd.seconds)) ?? Number.NaN;
      rounds.push({ one, all: await together() });
    }
    return crowdResult(rounds);
  } finally {
    await Promise.all(clients.map((client) => client.close()));
    await server.close(0);
  }
}

async function runCase(python: PythonEnvironment, engine: NativeEngine, shape: ShimCase): Promise<ShimResult> {
  const calledSeconds: number[] = [];
  const timed: Potential = {
    ...engine,
    async evaluate(batch, want) {
      const start = performance.now();
      const evaluations = await engine.evaluate(batch, want);
      calledSeconds.push((performance.now() - start) / 1e3);
      return evaluations;
    },
  };
  const server = await serve(timed);
  try {
    const shim = await ShimProcess.start(python, server.endpoint, shape);
    try {
      const { calls, turns, warmTurns } = shape;
      const run: Run = { ase: [], client: [], pingAfter: [], ping: [] };
      const times: Times = { engine: [], door: [], called: [] };
      // The way and what lies within it in turns: a clock that changes, or a neighbour, falls on both alike, as their difference is the result.
      for (let k = 0; k < warmTurns + turns; k++) {
        const from = calledSeconds.length;
        const turn = await shim.turn(calls);
        const inside = await engineTimes(engine, shim.structure, calls);
        if (k < warmTurns) continue;
        for (const way of typedKeys(run)) run[way].push(...turn[way]);
        for (const way of typedKeys(inside)) times[way].push(...inside[way]);
        times.called.push(...calledSeconds.slice(from, from + calls)); // those through ASE came first
      }
      const client = await serverAt(server.endpoint);
      const statistics = await client.statistics();
      await client.close();
      return shimResult(shape, run, statistics, times);
    } finally {
      await shim.close();
    }
  } finally {
    await server.close(0);
  }
}

type Run = { -readonly [Way in keyof ShimRun]: number[] };
type Times = { -readonly [Way in keyof EngineTimes]: number[] };

const typedKeys = <T extends object>(object: T) => Object.keys(object) as (keyof T)[];

async function engineTimes(engine: NativeEngine, structure: Structure, calls: number): Promise<Pick<EngineTimes, "engine" | "door">> {
  const within = await engine.time([structure], ["forces"], calls + 1);
  const door: number[] = [];
  for (let k = 0; k < calls; k++) {
    const start = performance.now();
    await engine.evaluate([structure], ["forces"]);
    door.push((performance.now() - start) / 1e3);
  }
  return { engine: [...within].slice(1), door };
}

function crowdSummary({ clients, one, all, times, pass }: CrowdResult): string {
  const verdict = pass ? green(`${crowd.times} were wanted`) : red(`less than the ${crowd.times} that were wanted`);
  const rates = `${clients} clients of an ethanol: ${all.toFixed(0)} structures/s, one ${one.toFixed(0)}`;
  return `${rates}, ${bold(`${times.toFixed(2)} times`)}; ${verdict}\n`;
}

export function shimSummary(results: readonly ShimResult[], together: CrowdResult, side: string): string {
  const cases = results
    .map(({ atoms, callMs, overheadMs, besideMs, pass, rows }) => {
      const verdict = pass ? green("within what is allowed") : red("more than is allowed");
      const over = `over the engine: median ${overheadMs.median.toFixed(3)} ms, p99 ${overheadMs.p99.toFixed(3)} ms, ${verdict}`;
      const beside = `beside what the engine took for each: median ${besideMs.median.toFixed(3)} ms, p99 ${besideMs.p99.toFixed(3)} ms`;
      const heading = `${bold(`${atoms} atoms`)}, ${side}: a call takes ${callMs.median.toFixed(3)} ms, p99 ${callMs.p99.toFixed(3)} ms; ${over}`;
      return `${heading}\n${beside}\n${table(
        ["of which", "µs"],
        rows.map(({ what, micros }) => [what, micros.toFixed(0)]),
        [1],
      )}`;
    })
    .join("\n");
  return `${cases}\n${crowdSummary(together)}`;
}
