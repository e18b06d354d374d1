import { expect, test } from "vitest";
import { readEvaluations } from "../../src/engine/evaluation.ts";
import type { NativeEvaluation } from "../../src/engine/native.ts";
import type { Property } from "../../src/system/potential.ts";
import { cubic, water } from "../systems.ts";
import { randomModel } from "./models.ts";

const { config } = randomModel("painn-schnetpack");
const batch = [water, cubic];
const atoms = water.numbers.length + cubic.numbers.length;

function answer(changes: Partial<NativeEvaluation>): NativeEvaluation {
  const array = (length: number) => Float64Array.from({ length }, (_, k) => k);
  const arrays = { netEnergy: array(2), forces: array(3 * atoms), stress: array(12), energies: array(atoms), edges: new Int32Array(2) };
  return { ...arrays, finite: true, ...changes };
}

const read = (changes: Partial<NativeEvaluation>, want: Property[] = ["energy", "forces", "stress"]) =>
  readEvaluations(batch, answer(changes), want, config);

test.each<[keyof NativeEvaluation, number, RegExp]>([
  ["energies", 4, /structure "cubic": the energy of atom 1 is NaN/],
  ["netEnergy", 0, /structure "water": the energy is NaN/],
  ["forces", 3 * 3 + 5, /structure "cubic": the force on atom 1 along z is NaN/],
  ["stress", 6 + 3, /structure "cubic": the stress yz is NaN/],
])("of an answer that is not finite, the %s that is at fault", (name, at, says) => {
  const values = (answer({})[name] as Float64Array).with(at, Number.NaN);
  expect(() => read({ [name]: values, finite: false })).toThrow(says);
});

test("what was not asked for, or is none, may be anything", () => {
  const nothing = new Float64Array(12).fill(Number.NaN);
  expect(read({ stress: nothing, finite: false }, ["energy", "forces"]).map(({ stress }) => stress)).toEqual([null, null]);
  const ofCrystal = nothing.with(0, 0).map((x, k) => (k < 6 ? x : k));
  expect(read({ stress: ofCrystal, finite: false }).map(({ stress }) => stress)).toEqual([null, ofCrystal.slice(6)]);
});

test.each(["energies", "netEnergy", "forces", "stress"] as const)("an answer with too few %s is an error, not one of zeros", (name) => {
  const short = (answer({})[name] as Float64Array).slice(0, -1);
  for (const finite of [true, false])
    expect(() => read({ [name]: short, finite })).toThrow(/the engine gave \d+ values, expected \d+ or more/);
});
