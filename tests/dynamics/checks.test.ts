import { describe, expect, test } from "vitest";
import { type Judged, judge } from "../../src/dynamics/checks.ts";
import { driftBar, driftOf } from "../../src/dynamics/drift.ts";
import { scaled } from "../../src/dynamics/estimate.ts";
import { type Attribution, type Check, checkSchema, type Drift } from "../../src/dynamics/result.ts";
import { sharpBends } from "../../src/model/findings.ts";
import { Random } from "../../src/system/random.ts";
import { randomModel } from "../engine/models.ts";
import { autoregressive, syntheticRun } from "./processes.ts";

const some = driftOf(syntheticRun(autoregressive(0), new Random(1, "checks"), 8, 100, 0)) as Drift;
/** @param low, high percent of the kinetic energy per ns */
const driftWithin = (low: number | null, high: number | null): Drift => {
  const percent = { value: low === null || high === null ? 0 : (low + high) / 2, low, high };
  return { ...some, ...scaled(percent, meVOfPercent), percentOfKineticPerNs: { ...percent, unit: "%/ns" } };
};
const meVOfPercent = 0.4;

/** @param ratio of the change to the deviation of the kinetic energy; @param change meV/atom */
const changed = (ratio: number, change: number): Drift => ({ ...driftWithin(-9, 12), ratio, value: change, duration: 1000 });

const barInMeV = meVOfPercent * driftBar;
const estimate = (value: number, half: number) => ({ value, low: value - half, high: value + half });
const tableOf = (whole: number, sum: number, half: number): Attribution => ({
  ...{ confidence: 0.95, unit: "meV/atom/ns", parts: [], runs: [], crossings: null, sentence: "Nobody is to blame." },
  ...{
    whole: estimate(whole, half),
    sum: estimate(sum, half),
    closes: Math.abs(whole - sum) <= 2 * half,
    rest: estimate(whole - sum, half),
  },
});

const fine: Judged = {
  ...{ side: "native:cpu:f64", ensemble: "nve", stop: null, drift: driftWithin(-0.05, 0.05), canonical: null },
  orderInDt: { ...estimate(2.01, 0.05), confidence: 0.95, method: "", sentence: "Two.", duration: 1, points: [] },
  reversal: { value: 1e-12, unit: "Å", side: "native:cpu:f64", steps: 1000, dt: 0.5, velocity: 0, points: [] },
  momentum: { linear: 1e-14, angular: 1e-13, centreOfMass: 1e-12, frames: 10 },
  attribution: tableOf(10, 9, 3),
  model: { energyUnit: "eV", unitsOrigin: "file" },
  equivariant: true,
  bends: null,
  failures: [],
};
const reversal = fine.reversal as NonNullable<Judged["reversal"]>;
const order = fine.orderInDt as NonNullable<Judged["orderInDt"]>;
const momentum = fine.momentum as NonNullable<Judged["momentum"]>;
const stop = {
  ...{ reason: "force", step: 7, replica: 0, atom: 2, other: null, value: 900, limit: 200, position: null },
  message: "step 7 cannot be made",
} as const satisfies Judged["stop"];
const canonical = { temperature: estimate(300, 4), target: 300, freedoms: 21, distance: 0.01, independent: 500, pValue: 0.4 };

test("a fine run passes every check it has", () => {
  const { verdict, checks, findings } = judge(fine);
  expect(verdict).toBe("pass");
  expect(checks.map(({ name }) => name)).toEqual(["guards", "drift", "order", "reversal", "momentum", "attribution"]);
  for (const check of checks) expect(checkSchema.parse(check).verdict).toBe("pass");
  expect(findings).toEqual(["Nobody is to blame."]);
  expect(judge(fine).undecided).toEqual([]);
});

test("a model that bends sharply is found out at constant energy, where its energy is watched", () => {
  const bendsOf = (norm_eps: number) => sharpBends(randomModel("painn-schnetpack", { norm_eps }).config);
  const bends = bendsOf(1e-8);
  expect(judge({ ...fine, bends }).findings).toEqual([
    "Nobody is to blame.",
    expect.stringMatching(/^The model bends sharply: .* 1e-8, .*\.$/),
  ]);
  expect(judge({ ...fine, bends, ensemble: "langevin" }).findings).toEqual(["Nobody is to blame."]);
  expect(bendsOf(1e-3)).not.toBeNull();
  expect(bendsOf(1e-2)).toBeNull();
});

test("checks without a measure are left out", () => {
  const nothing = { drift: null, orderInDt: null, reversal: null, momentum: null, attribution: null };
  expect(judge({ ...fine, ...nothing })).toMatchObject({ verdict: "pass", checks: [{ name: "guards" }], findings: [] });
});

describe.each<[string, Partial<Judged>, Check["verdict"]]>([
  ["guards: stopped", { stop }, "fail"],
  ["drift: all of the interval within the bar", { drift: driftWithin(-0.1, 0.1) }, "pass"],
  ["drift: a hundred times as wide as the bar", { drift: driftWithin(-9, 12) }, "undecided"],
  ["drift: the interval reaches the bar from above", { drift: driftWithin(0.09, 5) }, "undecided"],
  ["drift: it reaches beyond the bar from zero", { drift: driftWithin(-0.01, 0.11) }, "undecided"],
  ["drift: all of the interval beyond the bar", { drift: driftWithin(0.11, 5) }, "fail"],
  ["drift: all of it below the bar's negative", { drift: driftWithin(-5, -0.11) }, "fail"],
  ["drift: wide, of an energy that changed by what the kinetic energy fluctuates", { drift: changed(1.01, 0.11) }, "fail"],
  ["drift: wide, of an energy that fell by so much", { drift: changed(1.01, -0.11) }, "fail"],
  ["drift: wide, of an energy that changed by less", { drift: changed(0.99, 0.11) }, "undecided"],
  ["drift: wide, of the rounding of atoms at rest", { drift: changed(1e6, 0.09) }, "undecided"],
  ["drift: too short for an interval", { drift: driftWithin(null, null) }, "undecided"],
  ["order: 1.8 ± 0.05", { orderInDt: { ...order, ...estimate(1.8, 0.05) } }, "fail"],
  ["order: 1.8 ± 0.15", { orderInDt: { ...order, ...estimate(1.8, 0.15) } }, "undecided"],
  ["order: 2.0 ± 0.15", { orderInDt: { ...order, ...estimate(2, 0.15) } }, "undecided"],
  ["order: 1.95 ± 0.04", { orderInDt: { ...order, ...estimate(1.95, 0.04) } }, "pass"],
  ["order: 2.2 without an interval", { orderInDt: { ...order, value: 2.2, low: null, high: null } }, "undecided"],
  ["order: none", { orderInDt: { ...order, value: null, low: null, high: null } }, "undecided"],
  ["reversal: 2e-8 Å in float64", { reversal: { ...reversal, value: 2e-8 } }, "fail"],
  ["reversal: 2e-8 Å in float32", { reversal: { ...reversal, side: "native:cpu:f32", value: 2e-8 } }, "pass"],
  ["reversal: not a number", { reversal: { ...reversal, side: "native:cpu:f32", value: null } }, "fail"],
  ["momentum: lost", { momentum: { ...momentum, linear: 1e-8 } }, "fail"],
  ["momentum: lost by a worker's float32", { side: "torch:cpu:f32", momentum: { ...momentum, linear: 1e-8 } }, "pass"],
  ["momentum: angular momentum lost", { momentum: { ...momentum, angular: 1e-8 } }, "fail"],
  ["momentum: angular momentum lost in mixed precision", { side: "native:cuda:mixed", momentum: { ...momentum, angular: 0.1 } }, "pass"],
  ["momentum: momentum lost in mixed precision", { side: "native:cuda:mixed", momentum: { ...momentum, linear: 1e-8 } }, "fail"],
  ["momentum: angular momentum lost in float32", { side: "native:cpu:f32", momentum: { ...momentum, angular: 1e-8 } }, "pass"],
  [
    "momentum: angular momentum lost by a model that is not equivariant",
    { equivariant: false, momentum: { ...momentum, angular: 0.1 } },
    "pass",
  ],
  ["momentum: atoms at rest", { momentum: { ...momentum, linear: null } }, "fail"],
  ["attribution: within the intervals, where a sum of nothing would not be", { attribution: tableOf(10, 6, 3) }, "pass"],
  ["attribution: within intervals wide enough for anything", { attribution: tableOf(10, 6, 4) }, "undecided"],
  ["attribution: a drift that is not seen, within wide intervals", { attribution: tableOf(1, 2, 3) }, "undecided"],
  ["attribution: within intervals narrower than what is allowed", { attribution: tableOf(0, barInMeV / 8, barInMeV / 4) }, "pass"],
  ["attribution: no drift of the run to measure it by", { drift: null, attribution: tableOf(0, 0.01, 0.01) }, "undecided"],
  ["attribution: without intervals", { attribution: { ...tableOf(10, 6, 3), sum: { value: 6, low: null, high: null } } }, "undecided"],
  ["attribution: beyond them", { attribution: tableOf(1, 11, 3) }, "fail"],
  ["canonical: likely", { ensemble: "langevin", canonical }, "pass"],
  ["canonical: unlikely", { ensemble: "langevin", canonical: { ...canonical, pValue: 1e-5 } }, "fail"],
])("%s", (name, change, verdict) => {
  test(verdict, () => {
    const judged = judge({ ...fine, ...change });
    const check = judged.checks.find((one) => one.name === name.split(":")[0]);
    expect(check?.verdict).toBe(verdict);
    expect(judged.verdict).toBe(verdict === "fail" ? "fail" : "pass");
    expect(judged.undecided.some((words) => words.startsWith(`${check?.name} undecided: `))).toBe(verdict === "undecided");
    expect(check?.sentence).toMatch(/\w/);
    expect(checkSchema.safeParse(check).success).toBe(true);
  });
});

test.each<[number | null, number | null, string]>([
  [-9, 12, "too short a run, up to 11000 times as many steps decide"], // (10.5 / 0.1)²
  [0.06, 0.25, "too short a run, up to 3 times as many steps decide"], // 0.155 ± 0.095 has to become 0.155 ± 0.055
  [-0.04, 0.12, "too short a run, up to 2 times as many steps decide"], // 0.04 ± 0.08 has to become 0.04 ± 0.06
  [null, null, "too short a run"],
])("a drift within %d to %d %%/ns is decided by a run so much longer", (low, high, words) => {
  const { undecided, checks } = judge({ ...fine, drift: driftWithin(low, high), attribution: null });
  expect(undecided).toEqual([`drift undecided: ${words}`]);
  expect(checks.filter(({ longer }) => longer !== null)).toHaveLength(low === null ? 0 : 1);
});

test("what fails and what is undecided are both said", () => {
  const { verdict, undecided } = judge({ ...fine, stop, drift: driftWithin(-9, 12), orderInDt: { ...order, ...estimate(2, 0.19) } });
  expect(verdict).toBe("fail");
  expect(undecided).toEqual([
    "drift undecided: too short a run, up to 11000 times as many steps decide",
    "order undecided: too small a budget, up to 4 times as much decides",
  ]);
});

test("a thermostat is no fault of drift or momentum", () => {
  const names = judge({ ...fine, ensemble: "langevin", drift: driftWithin(5, 6), momentum: { ...momentum, linear: 1 } }).checks.map(
    ({ name }) => name,
  );
  expect(names).not.toContain("drift");
  expect(names).not.toContain("momentum");
});

test("findings: what turns, what was assumed, what could not be measured", () => {
  const { findings } = judge({
    ...fine,
    equivariant: false,
    momentum: { ...momentum, angular: 0.1 },
    model: { energyUnit: "kcal/mol", unitsOrigin: "assumed" },
    failures: ["the order could not be measured"],
  });
  expect(findings).toEqual([
    "Nobody is to blame.",
    "Angular momentum changes: the energy of the model depends on orientation.",
    "The energy unit kcal/mol was assumed when the model was imported.",
    "the order could not be measured",
  ]);
});
