import { expect, test } from "vitest";
import type { Potential } from "../../src/system/potential.ts";
import { ethanol, water } from "../systems.ts";
import { mapped, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

const options = { samples: 1, boxes: false, structures: [ethanol, water], laws: ["repetition"] as const };

/** A force that jumps where the first atom of ethanol is, as at the kink of a length; there, this side takes `at` for its sign. */
const kinked = (name: string, at: number, error = 0): Potential =>
  pairPotential(name, undefined, (e, { positions, numbers }) => {
    if (numbers.length !== ethanol.numbers.length) return e;
    const beyond = (positions[0] as number) - (ethanol.positions[0] as number);
    return { ...e, forces: mapped(e.forces, (f, k) => (k === 0 ? f + 0.3 * (Math.sign(beyond) || at) + error : f)) };
  });

test("where the reference's own forces jump nobody is at fault: the structure is left out, the model gets a finding", async () => {
  const { result } = await check([kinked("native:cpu:f64", 1)], kinked("torch:cpu:f64", -1), options);
  expect(result.comparisons[0]?.reasons).toEqual([]);
  expect(result.verdict).toBe("pass");
  expect(result.comparisons[0]?.perStructure.map(({ structure }) => structure)).toEqual([
    "water",
    "ethanol displaced 1",
    "water displaced 1",
  ]);
  expect(result.findings).toEqual([expect.stringMatching(/^ethanol: the model's own forces jump by 0\.[36]/)]);
  expect(result.laws.map(({ structure }) => structure)).toEqual(["ethanol displaced 1", "water"]);
});

test("a jump of the side alone, and an error beside a jump, are the engine's", async () => {
  const alone = await check([kinked("native:cpu:f64", 1)], pairPotential("torch:cpu:f64"), options);
  expect(alone.result.verdict).toBe("fail");
  expect(alone.result.findings).toEqual([]);
  const beside = await check([kinked("native:cpu:f64", 1, 1e-3)], kinked("torch:cpu:f64", -1), options);
  expect(beside.result.verdict).toBe("fail");
  expect(beside.result.comparisons[0]?.reasons.join()).toMatch(/ethanol displaced 1: forces differ/);
});

test("without a displaced copy no law is tried there; where nothing is left to compare that is said, and no verdict given", async () => {
  const sides = [[kinked("native:cpu:f64", 1)], kinked("torch:cpu:f64", -1)] as const;
  const { result } = await check(...sides, { ...options, samples: 0 });
  expect(result.skipped.filter(({ side }) => side !== null)).toEqual([
    { law: "repetition", side: "native:cpu:f64", reason: expect.stringContaining("ethanol: the model's own") },
  ]);
  expect(result).toMatchObject({ verdict: "pass", findings: [expect.stringContaining("forces jump")] });
  await expect(check(...sides, { ...options, samples: 0, structures: [ethanol] })).rejects.toMatchObject({
    ...{ code: "BAD_STRUCTURE", message: expect.stringMatching(/forces jump at ethanol: .* displaced copies of these \(--samples\)/) },
  });
});
