import { describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, methanol, singleAtom } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

/** The student's filters in float32: from a table, where one follows them. */
const student = (changes: Parameters<typeof randomModel>[1] = {}) => randomModel("painn-distiller", changes);

const dimer = (distance: number): Structure => ({
  ...{ name: `dimer, ${distance} Å`, numbers: [8, 1], cell: null, pbc: [false, false, false] },
  positions: Float64Array.of(0, 0, 0, 0, 0, distance),
});
const random = new Random(3, "table");
const displaced = [ethanol, ethanol, methanol].map((structure) => ({
  ...structure,
  positions: structure.positions.map((x) => x + 0.1 * random.normal()),
}));
/** The table's end, the last distance before it, a knot of any table, and beside it; more neighbours than a warp has lanes. */
const distances = [5, 5 - 1e-9, 2.5, 2.5 - 1e-9, 0.3].map(dimer);
const loose = gas(50, 3);
const crowd: Structure = { ...loose, positions: loose.positions.map((x) => 0.8 * x), cell: null, pbc: [false, false, false] };
const batch = [...displaced, ...distances, singleAtom, crowd];

test("a crowd is one", () => {
  const at = (k: number) => crowd.positions.subarray(3 * k, 3 * k + 3);
  const near = (k: number) => crowd.numbers.filter((_, j) => Math.hypot(...at(k).map((x, c) => x - (at(j)[c] as number))) < 5).length - 1;
  expect(Math.max(...crowd.numbers.map((_, k) => near(k)))).toBeGreaterThan(32);
});

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const forcesOf = (found: readonly Evaluation[]) => found.flatMap(({ forces }) => [...(forces ?? [])]);
const rms = (found: readonly Evaluation[], expected: readonly Evaluation[]) => {
  const theirs = forcesOf(expected);
  return Math.sqrt(forcesOf(found).reduce((sum, x, k) => sum + (x - (theirs[k] ?? Number.NaN)) ** 2, 0) / theirs.length);
};
const messages = async (engine: CudaEngine) => {
  const { launches } = await engine.profile([methanol], ["energy", "forces"], 1);
  return launches.map(({ kernel }) => kernel).filter((name) => /_(message|table)/.test(name));
};

/** docs/accuracy.md, forces: 1e-5 eV/Å, or 5e-6 of a structure's largest force. */
function expectFloat32(found: readonly Evaluation[], expected: readonly Evaluation[]): void {
  for (const [s, { energy, forces }] of expected.entries()) {
    const own = found[s] as Evaluation;
    const scale = Math.max(2, largest(forces ?? []), Math.abs(energy));
    assertClose(own.forces ?? [], forces ?? [], 5e-6, scale);
    assertClose([own.energy], [energy], 5e-6 * (forces?.length ?? 0), scale);
  }
}

describe.each([
  ["32 features", {}],
  ["36, padded, one layer", { n_features: 36, n_layers: 1 }],
  ["64, three layers", { n_features: 64, n_layers: 3 }],
  ["96", { n_features: 96 }],
  ["128, Bessel functions", { n_features: 128, n_rbf: 20, rbf: "bessel", rbf_gamma_convention: null }],
  ["160: five chunks of 32", { n_features: 160, n_layers: 1 }],
] as const)("%s", (_, changes) => {
  const model = student(changes);

  test("forces are the CPU's in float64, within what float32 may lose, and as near as the CPU's float32", async () => {
    const engine = await openCuda(model, "f32");
    expect(engine.plan(9, 36)).toMatchObject({ filters: "tabulated", knots: openCpu(model, "f32").plan(9, 36).knots });
    const launched = await messages(engine);
    expect(launched).toHaveLength(2 * model.config.n_layers);
    for (const kernel of launched) expect(kernel).toMatch(/^distiller_table/);
    const expected = await openCpu(model).evaluate(batch, everything);
    const found = await engine.evaluate(batch, everything);
    expectFloat32(found, expected);
    const alike = await openCpu(model, "f32").evaluate(batch, everything);
    expect(rms(found, expected)).toBeLessThan(1.5 * rms(alike, expected));
  });
});

test("the bits of a structure do not depend on the batch, nor energies on what else is asked", async () => {
  const engine = await openCuda(student({ n_features: 64 }), "f32");
  const all = await engine.evaluate(batch, everything);
  for (const [s, structure] of batch.entries()) expect((await engine.evaluate([structure], everything)).map(bits)).toEqual([bits(all[s])]);
  expect((await engine.evaluate(batch, ["energy"])).map(({ energy }) => energy)).toEqual(all.map(({ energy }) => energy));
});

/** Radial functions so narrow that 1,024 intervals do not follow them. */
const narrow = (): ModelFile => {
  const model = student();
  const tensors = [...model.tensors].map(
    ([name, tensor]) => [name, /widths/.test(name) ? { ...tensor, data: tensor.data.map(() => 0.01) } : tensor] as const,
  );
  return { ...model, tensors: new Map(tensors) };
};
test("filters that no table follows are computed, as the CPU does", async () => {
  const model = narrow();
  const engine = await openCuda(model, "f32");
  expect(openCpu(model, "f32").plan(9, 36).filters).toBe("direct");
  expect(engine.plan(9, 36)).toMatchObject({ filters: "direct", knots: 0 });
  for (const kernel of await messages(engine)) expect(kernel).toMatch(/^distiller_message/);
  expectFloat32(await engine.evaluate(displaced, everything), await openCpu(model).evaluate(displaced, everything));
});

test.each([
  ["f32", "painn-distiller", "tabulated"],
  ["mixed", "painn-distiller", "tabulated"],
  ["f64", "painn-distiller", "direct"],
  ["f32", "painn-schnetpack", "direct"],
] as const satisfies readonly (readonly [CudaPrecision, string, string])[])("%s, %s: %s", async (precision, arch, filters) => {
  expect((await openCuda(randomModel(arch), precision)).plan(9, 36).filters).toBe(filters);
});

test.skipIf(onCard)("a fault planted in the kernels, a place counted from the interval's other end, is found", async () => {
  const model = student();
  const [engine, expected] = [await openCuda(model, "f32"), await openCpu(model).evaluate(displaced, everything)];
  addon.emulatedCard({ planted: 38 });
  const wrong = await engine.evaluate(displaced, everything);
  addon.emulatedCard({ planted: 0 });
  expect(() => expectFloat32(wrong, expected)).toThrow(/off by/);
  expectFloat32(await engine.evaluate(displaced, everything), expected);
});
