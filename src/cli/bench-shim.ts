import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type EngineTimes, type ShimCase, type ShimResult, shimCases, shimResult, shimRunSchema } from "../bench/shim.ts";
import type { NativeEngine } from "../engine/engine.ts";
import { readModelFile } from "../model/model-file.ts";
import { childVariables, type PythonEnvironment, requirePackage, resolvePython } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { Server } from "../wire/server.ts";
import { nativeEngine } from "./bench-run.ts";
import { serverAt, sidesOf } from "./sides.ts";
import { bold, green, red, table } from "./terminal.ts";

const call = promisify(execFile);

export interface ShimRequest {
  readonly model: string;
  /** "native:cpu:f32" */
  readonly side: string;
  readonly threads: number;
  readonly progress: (text: string) => void;
}

/** Every case of the suite, by a server in this process and a Python of its own. */
export async function runShim(request: ShimRequest): Promise<ShimResult[]> {
  const python = await resolvePython();
  for (const name of ["ase", "pyzmq", "msgspec"] as const) requirePackage(python, name, "painnless bench shim");
  const model = await readModelFile(request.model);
  const sides = sidesOf({ model, checkpoint: null, threads: request.threads });
  try {
    const engine = nativeEngine((await sides.open(request.side)).potential);
    const results: ShimResult[] = [];
    for (const shape of shimCases) {
      request.progress(`${shape.atoms} atoms, ${shape.calls} calls`);
      results.push(await runCase(python, engine, shape));
    }
    return results;
  } finally {
    await sides.close();
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
  const server = await Server.start(timed, { endpoint: null, model: null, cutoff: null, versions: {} });
  try {
    const { atoms, spacing, calls } = shape;
    const options = { endpoint: server.endpoint, atoms, spacing, calls };
    const argv = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const { stdout } = await call(python.executable, ["-m", "painnless.worker.shim", ...argv], {
      env: childVariables(),
      maxBuffer: 1 << 28,
    });
    const run = shimRunSchema.parse(JSON.parse(stdout));
    const client = await serverAt(server.endpoint);
    const statistics = await client.statistics();
    await client.close();
    const { numbers, positions } = run;
    const structure: Structure = {
      name: "lattice",
      numbers,
      positions: Float64Array.from(positions),
      cell: null,
      pbc: [false, false, false],
    };
    const called = calledSeconds.filter((_, k) => k % 2 === 0).slice(-calls); // every other one came through ASE
    return shimResult(shape, run, statistics, { ...(await engineTimes(engine, structure, calls)), called });
  } finally {
    await server.close(0);
  }
}

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

export function shimSummary(results: readonly ShimResult[], side: string): string {
  return results
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
}
