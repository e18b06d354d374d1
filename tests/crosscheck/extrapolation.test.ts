import { expect, test } from "vitest";
import { cardRow, makeSets } from "../../src/bench/card/rows.ts";
import { openExact } from "../../src/cli/sides.ts";
import { movementsOf } from "../../src/crosscheck/conditioning.ts";
import { loadAddon } from "../../src/engine/addon.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { open } from "../engine/open.ts";
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
  const options = { samples: 0, boxes: false, structures: [ethanol, water], laws: [], ...(moved === null ? {} : { movements }) };
  return check([side], pairPotential("torch:cpu:f64"), options).then(({ result }) => ({ result, asked }));
};

test("where rounding the weights moves the model's own forces as far, float32 passes and the model gets a finding", async () => {
  const { result, asked } = await run(off("native:cuda:f32", away), { largest: away / 5, rms: away / 5 });
  expect(result.comparisons[0]?.reasons).toEqual([]);
  expect(result.comparisons[0]?.forces).toMatchObject({ tolerance: 6 * (away / 5) });
  expect(result.findings).toEqual([
    expect.stringMatching(
      /^ethanol: the model extrapolates; .* so native:cuda:f32 is allowed 0\.000120 eV.* from torch:cpu:f64 instead of 0\.0000100, and is 0\.000100 away$/,
    ),
  ]);
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

test("what is nobody's rounding is not asked about, and not called the model's", async () => {
  const wrong = [
    off("native:cuda:f32", 1),
    pairPotential("native:cuda:f32", undefined, (e) => ({ ...e, netEnergy: e.netEnergy + 1, energy: e.energy + 1, forces: null })),
    { ...pairPotential("native:cuda:f32"), evaluate: () => Promise.reject(new Error("no")) },
  ];
  for (const side of wrong) {
    const { result, asked } = await run(side, { largest: 1e-5, rms: 1e-5 });
    expect(result).toMatchObject({ verdict: "fail", findings: [] });
    expect(asked).toEqual([]);
  }
});

test("a model that cannot be asked leaves the usual bounds, and the rest of what was found", async () => {
  const { result } = await check([off("native:cuda:f32", away)], pairPotential("torch:cpu:f64"), {
    ...{ samples: 0, boxes: false, structures: [ethanol], laws: [], movements: () => Promise.reject(new Error("no memory")) },
  });
  expect(result).toMatchObject({ verdict: "fail", findings: ["how exact float32 can be on 1 structures could not be asked: no memory"] });
});

test("faults of an engine fail on a structure that it passes by the model's movement", async () => {
  const model = randomModel("painn-schnetpack", { n_layers: 3 });
  const rounded = {
    ...model,
    tensors: new Map([...model.tensors].map(([name, t]) => [name, { ...t, data: Float64Array.from(Float32Array.from(t.data)) }])),
  };
  const [lattice] = makeSets(cardRow("20", 1), 2, 1, null).flat() as [Structure];
  const addon = loadAddon("faulty");
  const engine = open({ precision: "f32", addon }, rounded);
  const options = {
    samples: 0,
    boxes: false,
    structures: [lattice],
    laws: [],
    movements: (inexact: readonly Structure[]) => movementsOf(rounded, openExact, inexact),
  };
  const verdict = () => check([engine], open({}, rounded), options).then(({ result }) => result);
  try {
    expect(await verdict()).toMatchObject({ verdict: "pass", findings: [expect.stringContaining("the model extrapolates")] });
    const [right] = await engine.evaluate([lattice], ["energy", "forces"]);
    let planted = 0;
    for (const fault of addon.faults()) {
      addon.plant(fault);
      const [wrong] = await engine.evaluate([lattice], ["energy", "forces"]);
      if (wrong?.forces?.every((f, k) => f === right?.forces?.[k])) continue;
      planted++;
      expect(await verdict(), fault).toMatchObject({ verdict: "fail" });
    }
    expect(planted).toBeGreaterThan(8);
  } finally {
    addon.plant(null);
  }
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
