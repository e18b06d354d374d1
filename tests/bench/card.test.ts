import { fileURLToPath } from "node:url";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { BaselineProcess } from "../../src/bench/baseline.ts";
import { isOther, withCliffs } from "../../src/bench/card/cliffs.ts";
import { runDynamicsTrial } from "../../src/bench/card/dynamics.ts";
import { type Judgement, judgeByEngine, judgeByTorch } from "../../src/bench/card/judge.ts";
import { runNeighboursTrial } from "../../src/bench/card/neighbours.ts";
import { type CardRow, cardRows, makeSets } from "../../src/bench/card/rows.ts";
import { type CardTrialOptions, runNetworkTrial } from "../../src/bench/card/trial.ts";
import { floorOf, peakOf } from "../../src/bench/floors.ts";
import { type CardTrial, cardTrialSchema } from "../../src/bench/result.ts";
import { cardSummary } from "../../src/cli/bench-card-summary.ts";
import { openExact } from "../../src/cli/sides.ts";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { CudaCard } from "../../src/engine/native.ts";
import type { Tuning } from "../../src/engine/tuning.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import type { PythonEnvironment } from "../../src/python/environment.ts";
import type { Structure } from "../../src/system/structure.ts";
import { addon, openCpu, openCuda } from "../cuda/open.ts";
import { randomModel } from "../engine/models.ts";
import { resultOf } from "./card-result.ts";

const card: CudaCard = {
  ...{ name: "a card", architecture: 90, multiprocessors: 132, sharedBytes: 232_448, memoryBytes: 8e10, driver: "13.0" },
  ...{ clock: 1.98e9, bandwidth: 4e12, cacheBytes: 5e7 },
};
const python = { executable: fileURLToPath(new URL("fake-python.mjs", import.meta.url)) } as PythonEnvironment;
const row: CardRow = { ...(cardRows[0] as CardRow), atoms: 4 };
const small = randomModel("painn-schnetpack");

/** An engine whose forces are `force` everywhere; 1 ms warm, 2 ms cold, 0.5 ms of search. */
function fakeEngine(force: number, schedule: "layered" | "resident" = "layered"): CudaEngine {
  const engine: Partial<CudaEngine> = {
    ...{ name: "native:cuda:f32", domain: { elements: [1], maxAtoms: 9, periodic: true } },
    evaluate: async (batch) =>
      batch.map(({ numbers }) => ({
        ...{ energy: 0, netEnergy: 0, stress: null, energies: null, forces: new Float64Array(3 * numbers.length).fill(force) },
      })),
    time: async (_batch, _want, count) => new Float64Array(count).fill(1.2e-3),
    seconds: async (_batch, _want, _count, cold = false) => ({ network: cold ? 2e-3 : 1e-3, search: 5e-4 }),
    activity: async () => ({
      ...{ schedule, edges: 72, compilations: 0, captures: 2, allocations: 1, arenaBytes: 1e6, weightBytes: 1e6, beyondRange: 0 },
      tuning: { residentAtoms: 64, spreadWaves: 0, smallWaves: 1, earlyLaunches: 0, portionAtoms: 8192, chunkSteps: 128 },
    }),
  };
  return engine as CudaEngine;
}

const opened: BaselineProcess[] = [];
async function start(fault: string): Promise<BaselineProcess> {
  vi.stubEnv("FAKE", fault);
  const process = await BaselineProcess.start(python, "model", { threads: 1, malloc: "default", device: "cuda" });
  opened.push(process);
  return process;
}
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(opened.splice(0).map((process) => process.close()));
});

const quick = { card, openExact, precision: "f32", compile: true, seconds: 0, evaluations: null } as const;

async function race(fault: string, force = 0, edges = 72, schedule: "layered" | "resident" = "layered"): Promise<CardTrial> {
  const process = await start(fault);
  const sets = makeSets(row, 1, 3, null);
  await process.load(sets);
  const judgement = await judgeByTorch(process, sets, small, openExact);
  const options = { ...quick, model: small, engine: fakeEngine(force, schedule), process, theirEdges: [edges, edges, edges] };
  return cardTrialSchema.parse(await runNetworkTrial(row, sets, judgement, options));
}

describe("a trial on a card", () => {
  test("gives their times over ours, warm, cold and with the search of each", async () => {
    const found = await race("");
    expect(found.medianMs).toBeCloseTo(1, 9);
    expect(found.against).toMatchObject({ "torch-eager": 5, "torch-graph": 5, "torch-compile": 2, "torch-compile/tf32": 2 });
    expect(found.against["torch-best"]).toBeCloseTo(2, 9);
    expect(found.further.cold?.["torch-compile"]).toBeCloseTo(1, 9);
    expect(found.figures["with search"]?.medianMs).toBeCloseTo(1.5, 9);
    expect(found.further["with search"]?.["torch-compile"]).toBeCloseTo(3 / 1.5, 9); // the fastest search of three
    expect(found.opponents.map(({ name, compilations }) => [name, compilations])).toEqual([
      ["torch-eager", 0],
      ["torch-eager/tf32", 0],
      ["torch-graph", 0],
      ["torch-graph/tf32", 0],
      ["torch-compile", 1],
      ["torch-compile/tf32", 1],
      ["schnetpack", 0],
    ]);
    expect(found.absent).toEqual([]);
    expect(found.perSecond.atoms).toBeCloseTo(4e3, 6);
    expect(found.floor?.ms).toBeCloseTo(1e3 * floorOf(small.config, 4, 72, card), 12);
  });

  test.each([
    ["no compiler", "no C++ compiler"],
    ["wrong", "torch-compile is not timed"],
    ["recompiles", "graphs, expected 1"],
  ])("opponent with fault %s: torch.compile is absent, with the reason; the others are timed", async (fault, reason) => {
    const found = await race(fault);
    expect(found.absent[0]).toMatchObject({ name: "torch-compile", reason: expect.stringContaining(reason) });
    expect(found.against["torch-best"]).toBeCloseTo(5, 9);
  });

  test("packages that are not installed are absent, with the reason; all others are timed", async () => {
    const found = await race("no packages");
    expect(found.absent).toEqual(
      ["schnetpack", "nvalchemi-eager", "nvalchemi-graph"].map((name) => ({
        name,
        reason: `the PyTorch baseline: ${name} is not installed in fake`,
      })),
    );
    expect(found.further["with search"]?.["torch-compile"]).toBeCloseTo(7 / 1.5, 9);
    const both = cardSummary(resultOf([found, { ...found, name: "again" }]));
    expect(both).toMatch(/20, again: no schnetpack: .*not installed/);
  });

  test("a schedule that finds its neighbours itself has no search apart, and its time is the whole", async () => {
    const found = await race("", 0, 72, "resident");
    expect(found.figures.search).toBeUndefined();
    expect(found.figures["with search"]?.medianMs).toBeCloseTo(1, 9);
    expect(found.further["with search"]?.["torch-compile"]).toBeCloseTo(3, 9);
  });

  test("our wrong answer, or other edges than PyTorch's, are never timed", async () => {
    await expect(race("", 1e-3)).rejects.toMatchObject({ code: "NOT_FINITE", message: expect.stringContaining("is not timed") });
    await expect(race("", Number.NaN)).rejects.toMatchObject({ code: "NOT_FINITE" });
    await expect(race("", 0, 71)).rejects.toMatchObject({ code: "NOT_FINITE", message: expect.stringContaining("71 edges") });
  });
});

describe("rows on an emulated card", { timeout: 120_000 }, () => {
  const options = (engine: CudaEngine, model: ModelFile): CardTrialOptions => ({
    ...{ ...quick, model, engine, process: null, theirEdges: [], evaluations: 1 },
  });
  /** Blocks that wait for each other take the emulated card long. */
  const openLayered = async (tuning: Tuning = {}, model = small) => {
    addon.emulatedCard({ clusters: 0 });
    const engine = await openCuda(model, "f32", { tuning });
    addon.emulatedCard({ clusters: 7 });
    return engine;
  };
  /** Who times a search computes the network too. */
  const shallow = randomModel("painn-schnetpack", { n_layers: 1 });
  const exact = openCpu(small);
  afterAll(() => exact.close());

  test("ours alone, verified", async () => {
    const engine = await openLayered();
    const sets = makeSets(row, 1, 2, null);
    const judgement = await judgeByEngine(exact, sets, small, 1, openExact);
    const found = cardTrialSchema.parse(await runNetworkTrial(row, sets, judgement, options(engine, small)));
    expect(found).toMatchObject({ schedule: "layered", judge: "native:cpu:f64", against: {}, made: { whileTimed: 0 } });
    expect(found.edges).toBe(12);
    expect(found.figures.search?.medianMs).toBeGreaterThan(0);
    expect(found.error?.forces).toBeGreaterThan(0);
  });

  test("a set that goes in portions: its memory and its graphs are there before it is timed", async () => {
    const two: CardRow = { ...row, structures: 2 };
    const sets = makeSets(two, 1, 2, null);
    const judgement = await judgeByEngine(exact, sets, small, 1, openExact);
    const found = await runNetworkTrial(two, sets, judgement, options(await openLayered({ portionAtoms: 4 }), small));
    expect(found.made).toMatchObject({ whileTimed: 0 });
    expect(found.edges).toBe(24);
  });

  test("neighbours: the processor's list, or no figure", async () => {
    const many: CardRow = { ...row, atoms: 40, measures: "neighbours" };
    const sets = makeSets(many, 1, 2, null);
    const engine = await openLayered({}, shallow);
    const found = cardTrialSchema.parse(await runNeighboursTrial(many, sets, options(engine, shallow), addon));
    expect(found).toMatchObject({ schedule: "layered", error: null, floor: null });
    expect(found.perSecond.edges).toBeGreaterThan(0);
    const shorter = { ...shallow, config: { ...shallow.config, cutoff: 4.5 } };
    await expect(runNeighboursTrial(many, sets, options(engine, shorter), addon)).rejects.toMatchObject({ code: "NOT_FINITE" });
  });

  test("neighbours in a periodic box: searches whose edges are ours are timed, others are not", async () => {
    const many: CardRow = { ...row, atoms: 40, measures: "neighbours", arrangement: "box" };
    const sets = makeSets(many, 1, 1, null);
    const engine = await openLayered({}, shallow);
    const run = async (fault: string, edges: number) => {
      vi.stubEnv("EDGES", String(edges));
      const process = await start(fault);
      const theirEdges = await process.load(sets);
      return cardTrialSchema.parse(
        await runNeighboursTrial(many, sets, { ...options(engine, shallow), process, theirEdges: theirEdges.map(() => edges) }, addon),
      );
    };
    const [{ positions, cell, pbc }] = sets[0] as [Structure];
    const edges = addon.neighbors(positions, cell as Float64Array, Uint8Array.from(pbc, Number), 5, false).receivers.length;
    const right = await run("", edges);
    expect(right.opponents.map(({ name }) => name)).toEqual(["torch-search", "nvalchemi-eager", "nvalchemi-graph"]);
    expect(right.against["nvalchemi-graph"]).toBeCloseTo(1 / right.medianMs, 6);
    const wrong = await run("search", edges);
    expect(wrong.opponents.map(({ name }) => name)).toEqual(["torch-search"]);
    expect(wrong.absent).toEqual([
      { name: "nvalchemi-eager", reason: `nvalchemi-eager is not timed: it finds ${edges - 1} edges, expected ${edges} to ${edges}` },
      { name: "nvalchemi-graph", reason: "the PyTorch baseline: nvalchemi-graph is not installed in fake" },
    ]);
    expect(cardSummary(resultOf([wrong]))).toMatch(/20: no nvalchemi-graph: .* is not installed in fake/);
  });

  test("dynamics: the exact engine's steps, or no figure", async () => {
    const moving: CardRow = { ...row, measures: "dynamics" };
    const sets = makeSets(moving, 1, 2, null);
    const engine = await openLayered();
    const found = cardTrialSchema.parse(await runDynamicsTrial(moving, sets, exact, options(engine, small)));
    expect(found.perSecond["atom-steps"]).toBeCloseTo(4 * (found.perSecond.steps ?? 0), 6);
    expect(Object.keys(found.figures)).toEqual([
      "evaluation on the card",
      "forces asked for at each step",
      "neighbours kept, skin of 0.5 Å",
    ]);
    const other = openCpu(randomModel("painn-schnetpack", { cutoff: 4 }));
    await expect(runDynamicsTrial(moving, sets, other, options(engine, small))).rejects.toMatchObject({ code: "NOT_FINITE" });
    expect(cardSummary(resultOf([found]))).toMatch(/20 .* steps\/s.*no 1000000 f32: the GPU has too little memory/s);
  });

  test("dynamics of a model far from its training: as far off as float32 explains, and no further", async () => {
    const wild = randomModel("painn-schnetpack", { n_layers: 3 });
    const gas: CardRow = { ...row, atoms: 20, measures: "dynamics" };
    const sets = makeSets(gas, 2, 1, null);
    const exact = openCpu(wild);
    addon.emulatedCard({ clusters: 0 });
    const engine = await openCuda(wild, "f32");
    const found = await runDynamicsTrial(gas, sets, exact, options(engine, wild));
    expect(found.judge).toMatch(/farthest atom is \d\.\de-[56] Å after/); // 1e-6 is what is usual
    addon.emulatedCard({ planted: 12 });
    await expect(runDynamicsTrial(gas, sets, exact, options(engine, wild))).rejects.toMatchObject({ code: "NOT_FINITE" });
    addon.emulatedCard({ planted: 0, clusters: 7 });
    const double = { ...engine, name: "native:cuda:f64" };
    await expect(runDynamicsTrial(gas, sets, exact, options(double, wild))).rejects.toMatchObject({
      message: expect.stringContaining("allowed is 0.000001"),
    });
  });
});

test("of a large structure some atoms are judged, by what lies around them", async () => {
  const model = randomModel("painn-schnetpack", { n_layers: 1, cutoff: 3 });
  const exact = openCpu(model);
  const sets = makeSets({ ...row, atoms: 41_000 }, 3, 1, null);
  const judgement: Judgement = await judgeByEngine(exact, sets, model, 3, openExact);
  const [whole] = sets[0] ?? [];
  if (whole === undefined) throw new Error("no structure");
  const right = judgement.of(await exact.evaluate([whole], judgement.want), 0);
  expect(judgement.inputs.atoms).toEqual([1, 1, 1]);
  expect(Math.max(...right.forces.map(Math.abs))).toBeGreaterThan(1e-3);
  for (const [k, force] of right.forces.entries()) expect(judgement.answers[0]?.forces[k]).toBeCloseTo(force, 10);
  for (const [k, energy] of right.energies.entries()) expect(judgement.answers[0]?.energies[k]).toBeCloseTo(energy, 10);
  const off = { ...(whole as object), positions: whole.positions.map((x) => 1.001 * x) } as typeof whole;
  const wrong = judgement.of(await exact.evaluate([off], judgement.want), 0);
  expect(Math.max(...wrong.forces.map((f, k) => Math.abs(f - (right.forces[k] as number))))).toBeGreaterThan(1e-5);
});

test("rows of other models and arrangements are held to the level of the main one", () => {
  const one = (name: string, times: number, precision: "f32" | "f64" = "f32") =>
    ({
      name,
      precision,
      floor: { ms: 1, times },
      ...{ measures: "network", schedule: "", edges: 1, medianMs: 1, p10Ms: 1, p90Ms: 1 },
      absent: [],
      figures: {},
      perSecond: {},
      against: {},
      opponents: [],
    }) as unknown as CardTrial;
  const others = new Set(cardRows.filter(isOther).map(({ name }) => name));
  expect([...others]).toEqual(["F64", "F256", "8A", "water", "student"]);
  const trials = [
    one("1000", 4),
    one("10000", 3),
    one("F64", 5),
    one("student", 8),
    one("student", 8, "f64"),
    { ...one("8A", 1), floor: null },
  ];
  const found = withCliffs(trials, others);
  expect(found.map(({ floor }) => floor?.scaled)).toEqual([undefined, undefined, 1.25, 2, undefined, undefined]);
  expect(withCliffs(trials.slice(1), others)).toEqual(trials.slice(1));
  expect(cardSummary(resultOf(found))).toMatch(/F64: 1.25 of what .* floors\n.*student: 2.00 of what .*, more than 1.5/s);
});

test("the float32 rate of an H200 is that of its datasheet", () => {
  expect(peakOf(card)).toBeCloseTo(66.9e12, -11);
});
