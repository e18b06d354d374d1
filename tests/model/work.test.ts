import { describe, expect, test } from "vitest";
import { type ModelConfig, modelConfigSchema } from "../../src/model/config.ts";
import { findingsOf } from "../../src/model/findings.ts";
import { expectedTensors } from "../../src/model/tensors.ts";
import { typicalNeighbors, workOf } from "../../src/model/work.ts";
import { expected } from "./golden.ts";

const base = (name: string): ModelConfig => modelConfigSchema.parse(expected.configs[name]);
/** SchNetPack's ethanol model, and the small student. */
const ethanol: ModelConfig = { ...base("painn"), n_features: 128, n_layers: 3, n_rbf: 20, max_z: 99, cutoff: 5, readout_widths: [64, 1] };
const student: ModelConfig = {
  ...base("student"),
  n_features: 64,
  n_layers: 2,
  n_rbf: 12,
  max_z: 100,
  cutoff: 5,
  readout_widths: [32, 16, 1],
};

const count = (config: ModelConfig) =>
  [...expectedTensors(config).shapes.values()].reduce((sum, shape) => sum + shape.reduce((product, n) => product * n, 1), 0);

describe("work", () => {
  test("of ethanol: 17.3 and 17.1 MFLOP", () => {
    const { forward, reverse } = workOf(ethanol, 9, 72);
    expect(forward).toBe(9 * 1_491_072 + 72 * 54_528);
    expect(forward / 1e6).toBeCloseTo(17.3, 1);
    expect(reverse).toBe(9 * 1_359_872 + 72 * 3 * (6 * 20 * 128 + 57 * 128));
    expect(reverse / 1e6).toBeCloseTo(17.1, 1);
  });

  test("of the larger student's filters: 103 kFLOP an edge and layer", () => {
    const larger = { ...student, n_features: 128, n_layers: 1, n_rbf: 20 };
    const filters = workOf(larger, 0, 1).forward - 14 * 128;
    expect(filters / 1e3).toBeCloseTo(103.4, 1);
  });

  test("counts every layer of the readout", () => {
    const head = (widths: number[]) => workOf({ ...ethanol, readout_widths: widths }, 1, 0).forward - 30 * 128 * 128 * 3;
    expect(head([1])).toBe(2 * 128);
    expect(head([64, 1])).toBe(128 * 128 + 128);
    expect(head([20, 12, 1])).toBe(2 * (128 * 20 + 20 * 12 + 12));
  });

  test("weights are as many as the formulas of the architectures say", () => {
    const radialValues = 2 * 20;
    expect(count(ethanol) - radialValues).toBe(589_057);
    expect(count(student) - 2 * 12).toBe(77_203);
  });

  test("neighbours: all others in a molecule, a sphere in a liquid", () => {
    expect(typicalNeighbors(ethanol, 1)).toBe(0);
    expect(typicalNeighbors(ethanol, 9)).toBe(8);
    expect(typicalNeighbors(ethanol, 100_000)).toBe(52);
  });
});

describe("findings", () => {
  test("a sound model has none", () => {
    expect(findingsOf({ ...ethanol, norm_eps: 1e-2 })).toEqual([]);
  });

  test("SchNetPack's usual epsilon bends sharply", () => {
    expect(findingsOf(ethanol)).toEqual([expect.stringMatching(/^bends sharply: .* epsilon of 1e-8/)]);
  });

  test("the student's defects, and a unit that was assumed", () => {
    const findings = findingsOf({ ...student, units_origin: "assumed" }).join("\n");
    expect(findings).toMatch(/not rotation equivariant/);
    expect(findings).toMatch(/jumps when a pair crosses 5 Å/);
    expect(findings).toMatch(/molecules only/);
    expect(findings).toMatch(/the energy unit, eV, was assumed/);
    expect(findingsOf({ ...student, equivariant: true })).toHaveLength(2);
  });
});
