import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { overlapOf, portionsSchema } from "../../src/bench/profile/portions.ts";
import { profileSchema, ranked } from "../../src/bench/profile/profile.ts";
import { type Evaluated, workOfLaunch } from "../../src/bench/profile/work.ts";
import { profileSummary } from "../../src/cli/profile-summary.ts";
import type { CudaCard, CudaPortion, CudaProfile } from "../../src/engine/native.ts";
import { workOf } from "../../src/model/work.ts";
import { addon, onCard, openCuda } from "../cuda/open.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { ethanol } from "../systems.ts";

const card: CudaCard = {
  ...{ name: "a card", architecture: 90, multiprocessors: 100, sharedBytes: 232_448, memoryBytes: 8e10, driver: "13.0" },
  ...{ clock: 1e9, bandwidth: 1e12, cacheBytes: 5e7 },
};
const shape = { n_features: 128, n_layers: 3, n_rbf: 20, readout_widths: [64, 1] };
const evaluated = { config: randomModel("painn-schnetpack", shape).config, atoms: 1000, structures: 1, edges: 40_000, real: 4 } as const;

const launch = (kernel: string, micros: readonly number[], search = false, blocks = 10): CudaProfile["launches"][number] => ({
  ...{ kernel, search, blocks, cluster: 0, threads: 128, sharedBytes: 0 },
  seconds: Float64Array.from(micros, (x) => 1e-6 * x),
});
const micros = (...values: number[]) => Float64Array.from(values, (x) => 1e-6 * x);
const profile: CudaProfile = {
  launches: [
    launch("place_atoms", [4, 5, 6], true),
    launch("painn_message", [101, 102, 103]),
    launch("painn_message", [51, 52, 53], false, 20),
    launch("unheard_of", [3, 4, 5]),
  ],
  ...{ nothing: micros(1, 2, 3), search: micros(4, 4, 4), network: micros(155, 160, 165), edges: 40_000, portions: [] },
};

describe("the figures of a profile", () => {
  const found = ranked(profile, evaluated, card);

  test("launches of a kernel together, the longest first, less what two events take", () => {
    expect(found.kernels.map(({ kernel, part, launches }) => [kernel, part, launches])).toEqual([
      ["painn_message", "network", 2],
      ["place_atoms", "search", 1],
      ["unheard_of", "network", 1],
    ]);
    expect(found.event).toBeCloseTo(2, 9);
    expect(found.kernels.map((kernel) => kernel.micros)).toEqual([150, 3, 2].map((x) => expect.closeTo(x, 9)));
    expect(found.kernels[0]).toMatchObject({ grid: { blocks: 20 }, p10: expect.closeTo(148.4, 9), p90: expect.closeTo(151.6, 9) });
  });

  test("what a step takes beyond its kernels is told, and shares are of the step", () => {
    expect(found.step).toEqual({ micros: expect.closeTo(164, 9), search: expect.closeTo(4, 9), network: expect.closeTo(160, 9) });
    expect([found.sum, found.gaps]).toEqual([expect.closeTo(155, 9), expect.closeTo(9, 9)]);
    expect(found.kernels[0]?.share).toBeCloseTo(150 / 164, 9);
  });

  test("a floor is the longer of bytes and operations, of all launches; none where nobody has counted", () => {
    const [message, place, unheard] = found.kernels;
    const work = workOfLaunch("painn_message", evaluated);
    const peak = 2 * 128 * 100 * 1e9;
    expect(message?.floor).toMatchObject({ bound: "operations", micros: expect.closeTo((2e6 * (work?.operations ?? 0)) / peak, 6) });
    expect(place?.floor).toMatchObject({ bound: "bytes", micros: expect.closeTo((1e6 * (place?.floor?.bytes ?? 0)) / 1e12, 9) });
    expect(unheard?.floor).toBeNull();
    const blind = ranked(profile, evaluated, { ...card, bandwidth: 0 });
    expect(blind.kernels.map(({ floor }) => floor)).toEqual(found.kernels.map(() => null));
  });

  test("nothing that is not a number has a figure", () => {
    expect(() => ranked({ ...profile, network: micros(Number.NaN) }, evaluated, card)).toThrow("finite");
    expect(() => ranked({ ...profile, nothing: micros() }, evaluated, card)).toThrow("finite");
  });
});

describe("a set that goes in portions", () => {
  const span = (begin: number, end: number) => micros(begin + 5, end + 5);
  const portions: readonly CudaPortion[] = [
    {
      ...{ structures: 3, atoms: 60, written: span(0, 10), request: span(10, 12), kernels: span(12, 30) },
      ...{ answer: span(29, 33), read: span(33, 40) }, // an answer while kernels of both run
    },
    {
      ...{ structures: 2, atoms: 50, written: span(11, 20), request: span(20, 24), kernels: span(30, 50) },
      ...{ answer: span(50, 52), read: span(52, 60) },
    },
  ];

  test("what goes on while kernels run is hidden: of copies 8 of 12 µs, of the host 15 of 34", () => {
    const near = (value: number) => expect.closeTo(value, 9);
    expect(overlapOf(portions)).toMatchObject({
      ...{ micros: near(60), kernels: near(38) },
      ...{ copies: { micros: near(12), hidden: near(8 / 12) }, host: { micros: near(34), hidden: near(15 / 34) } },
      rows: [
        { structures: 3, atoms: 60, answer: [near(29), near(33)] },
        { structures: 2, atoms: 50, request: [near(20), near(24)] },
      ],
    });
  });

  test("none where it goes in one, and nothing that is not a number passes for a span", () => {
    expect(overlapOf([])).toBeNull();
    const [first] = portions as [CudaPortion];
    expect(portionsSchema.safeParse(overlapOf([first])).success).toBe(true);
    expect(portionsSchema.safeParse(overlapOf([{ ...first, read: micros() }])).success).toBe(false);
  });
});

/** Kernels of an evaluation, as C++ lists them. */
const list = readFileSync("native/cuda/kernels/list.h", "utf8");
const kernels = [...list.matchAll(/X\((\w+), (?!StepArguments)\w+\)/g)].map(([, name = ""]) => name);

describe("the least that a kernel must do", () => {
  test("every kernel has been counted", () => {
    expect(kernels.length).toBeGreaterThan(20);
    for (const name of kernels) {
      const work = workOfLaunch(name, evaluated);
      expect(work?.bytes, name).toBeGreaterThan(0);
      expect(work?.operations, name).toBeGreaterThanOrEqual(0);
    }
  });

  test.each([
    ["painn-schnetpack", "painn"],
    ["painn-distiller", "distiller"],
  ] as const)("the layered launches of %s together are the model's operations", (arch, prefix) => {
    const config = randomModel(arch, { ...shape, ...(arch === "painn-distiller" ? { readout_widths: [64, 32, 1] } : {}) }).config;
    const { atoms, edges } = evaluated;
    const of = (name: string) => workOfLaunch(`${prefix}_${name}`, { ...evaluated, config })?.operations ?? Number.NaN;
    const between = config.n_layers - 1;
    const messages = of("message_first") + of("message_adjoint_first") + between * (of("message") + of("message_adjoint"));
    const updates = of("update_last_large") + between * (of("update_small") + of("update_adjoint_small"));
    const total = (n: number, e: number) => {
      const { forward, reverse } = workOf(config, n, e);
      return forward + reverse;
    };
    // Layer 0 has no vectors and a context by element: less work than any other, by less than a layer's.
    expect(messages / total(0, edges)).toBeGreaterThan(0.75);
    expect(messages / total(0, edges)).toBeLessThanOrEqual(1);
    expect(updates / total(atoms, 0)).toBeGreaterThan(0.85);
    expect(updates / total(atoms, 0)).toBeLessThanOrEqual(1);
  });
});

describe("on an emulated card", { timeout: 120_000 }, () => {
  const model = randomModel("painn-schnetpack");
  const resultOf = (found: CudaProfile, side: string, evaluated: Pick<Evaluated, "structures" | "atoms" | "real">) =>
    profileSchema.parse({
      ...{ format: "painnless.profile/1", side, card: card.name, commit: null, command: "", started: "2026-11-29T00:00:00Z" },
      ...{ machine: { platform: "linux", arch: "x64", cpu: "a CPU", cores: 2, versions: {} }, found: {} },
      ...{
        tuning: { residentAtoms: 64, spreadWaves: 0, smallWaves: 1, earlyLaunches: 0, portionAtoms: 8192, chunkSteps: 128 },
        model: { name: "m", sha256: "ab" },
        schedule: "resident",
        structures: evaluated.structures,
      },
      ...{ atoms: evaluated.atoms, edges: found.edges, ...ranked(found, { ...evaluated, config: model.config, edges: found.edges }, card) },
    });

  test("the launches of both parts, in order, as often as asked; and the answer is what it was", async () => {
    const engine = await openCuda(model, "f64");
    const box = gas(70, 3);
    const [before] = await engine.evaluate([box]);
    const found = await engine.profile([box], ["energy", "forces"], 2);
    expect(found.launches.map(({ kernel }) => kernel.replace(/_(small|large|few)$/, ""))).toEqual([
      ...["place_atoms", "scan_slots", "fill_slots", "find_neighbors", "scan_neighbors", "finish_edges"],
      ...["painn_message_first", "painn_update", "painn_message", "painn_update_last", "painn_message_adjoint", "painn_update_adjoint"],
      ...["painn_message_adjoint_first", "sum_forces", "sum_structures"],
    ]);
    expect(found.launches.filter(({ search }) => search)).toHaveLength(6);
    for (const { seconds, kernel } of found.launches) {
      expect(seconds, kernel).toHaveLength(2);
      expect(Math.min(...seconds), kernel).toBeGreaterThan(0);
    }
    expect(found.edges).toBe((await engine.activity()).edges);
    const [after] = await engine.evaluate([box]);
    expect(after).toEqual(before);
    if (onCard) return;
    addon.emulatedCard({});
    await engine.evaluate([box]);
    expect(addon.emulatedCard({})).toMatchObject({ replays: 2 });
  });

  test("portions beside the kernels, in the result and printed", async () => {
    const engine = await openCuda(model, "f64", { tuning: { portionAtoms: 10 } });
    const batch = [ethanol, ethanol, ethanol];
    const found = await engine.profile(batch, ["energy", "forces"], 1);
    const result = resultOf(found, engine.name, { structures: 3, atoms: 27, real: 8 });
    expect(result.portions?.rows.map(({ atoms }) => atoms)).toEqual([18, 9]);
    const text = profileSummary(result, { model: "m", sources: ["a.xyz"] });
    expect(text).toMatch(/takes this set in portions/);
    expect(text).toMatch(/ 1 +2 +18 +0–\d+ +\d+–\d+ +\d+–\d+ +\d+–\d+ +\d+–\d+\n +2 +1 +9 /);
    expect(text).toMatch(/copies .* % of it while kernels ran; the host .* % of it while kernels ran/);
  });

  test("one launch where the resident schedule finds its neighbours itself; said with its share and the tools that go further", async () => {
    const engine = await openCuda(model, "f32");
    const found = await engine.profile([ethanol], ["energy", "forces"], 1);
    expect(found.launches.map(({ kernel, search }) => [kernel, search])).toEqual([["painn_resident", false]]);
    expect(found.search).toHaveLength(0);
    const result = resultOf(found, engine.name, { structures: 1, atoms: 9, real: 4 });
    const text = profileSummary(result, { model: "a model.safetensors", sources: ["name:CH3CH2OH"] });
    expect(text).toMatch(/painn_resident .* bytes /);
    expect(text).toMatch(/search within/);
    expect(text).toMatch(/nsys profile .*'a model.safetensors' name:CH3CH2OH --side native:cuda:f32/);
    expect(text).toMatch(/ncu .*--kernel-name painn_resident /);
  });
});
