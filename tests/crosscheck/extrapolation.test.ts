import { expect, test } from "vitest";
import { openExact } from "../../src/cli/sides.ts";
import { movementsOf } from "../../src/crosscheck/conditioning.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { ethanol, water } from "../systems.ts";
import { mapped, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

/** eV/Å, ten times float32's usual bound for forces of this size. */
const away = 1e-4;
/** Ethanol's forces off by `largest` in one component, or by that everywhere. */
const off = (name: string, largest: number, everywhere = false) =>
  pairPotential(name, undefined, (e, { numbers }) =>
    numbers.length !== ethanol.numbers.length
      ? e
      : { ...e, forces: mapped(e.forces, (f, k) => (k === 5 || everywhere ? f + largest * (k % 2 === 0 ? 1 : -1) : f)) },
  );
const run = (side: ReturnType<typeof off>, moved: { largest: number; rms: number } | null) => {
  const asked: string[][] = [];
  const movements = async (inexact: readonly Structure[]) => {
    asked.push(inexact.map(({ name }) => name));
    return inexact.map(() => moved ?? { largest: 0, rms: 0 });
  };
  const options = { samples: 0, boxes: false, structures: [ethanol, water], laws: [], movements: moved === null ? null : movements };
  return check([side], pairPotential("torch:cpu:f64"), options).then(({ result }) => ({ result, asked }));
};

test("where rounding the weights moves the model's own forces as far, float32 passes and the model gets a finding", async () => {
  const { result, asked } = await run(off("native:cuda:f32", away), { largest: away / 5, rms: away / 5 });
  expect(result.comparisons[0]?.reasons).toEqual([]);
  expect(result.comparisons[0]?.forces).toMatchObject({ tolerance: 6 * (away / 5) });
  expect(result.findings).toEqual([expect.stringMatching(/^ethanol: the model extrapolates; .* may be off by 0\.000120 instead of/)]);
  expect(asked).toEqual([["ethanol"]]);
});

test.each([
  ["further than six movements", off("native:cuda:f32", away), { largest: away / 7, rms: away / 5 }, /forces differ by 1\.00e-4 eV/],
  ["too far on the whole", off("native:cuda:f32", away, true), { largest: away / 5, rms: away / 7 }, /\(rms\), tolerance 8\.57e-5/],
  ["no movement is known", off("native:cuda:f32", away), null, /tolerance [\d.]+e-5/],
  ["movements are not numbers", off("native:cuda:f32", away), { largest: Number.NaN, rms: Number.NaN }, /tolerance 1\.00e-5/],
  ["what moves further is a kink", off("native:cuda:f32", 1), { largest: 10, rms: 10 }, /forces differ by 1\.00e\+0/],
  ["forces are not numbers", off("native:cuda:f32", Number.NaN), { largest: 10, rms: 10 }, /forces differ by NaN/],
])("fails: %s", async (_, side, moved, reason) => {
  const { result } = await run(side, moved);
  expect(result.verdict).toBe("fail");
  expect(result.comparisons[0]?.reasons.join()).toMatch(reason);
});

test.each(["native:cuda:f64", "native:cpu:f64"])("%s is allowed nothing, and nobody asks", async (name) => {
  const { result, asked } = await run(off(name, away), { largest: 1, rms: 1 });
  expect(result).toMatchObject({ verdict: "fail", findings: [] });
  expect(asked).toEqual([]);
});

test("movements are those of each structure by itself", async () => {
  const model = randomModel("painn-schnetpack", {});
  const both = await movementsOf(model, openExact, [ethanol, water]);
  const alone = await Promise.all([ethanol, water].map((structure) => movementsOf(model, openExact, [structure])));
  expect(both).toEqual(alone.flat());
  for (const { largest, rms } of both) expect(rms > 0 && largest > rms).toBe(true);
});
