import { describe, expect, test } from "vitest";
import { type Judged, judge } from "../../src/dynamics/checks.ts";
import { driftOf } from "../../src/dynamics/drift.ts";
import { type Attribution, checkSchema, type Drift } from "../../src/dynamics/result.ts";
import { Random } from "../../src/system/random.ts";
import { autoregressive, syntheticRun } from "./processes.ts";

const some = driftOf(syntheticRun(autoregressive(0), new Random(1, "checks"), 8, 100, 0)) as Drift;
/** @param low, high percent of the kinetic energy per ns */
const driftWithin = (low: number | null, high: number | null): Drift => ({
  ...some,
  percentOfKineticPerNs: { value: low === null || high === null ? 0 : (low + high) / 2, low, high, unit: "%/ns" },
});

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
  ...{ side: "native:cpu:f64", ensemble: "nve", stop: null, drift: driftWithin(-1, 1), canonical: null },
  orderInDt: { ...estimate(2.01, 0.05), confidence: 0.95, method: "", sentence: "Two.", duration: 1, points: [] },
  reversal: { value: 1e-12, unit: "Å", side: "native:cpu:f64", steps: 1000, dt: 0.5, velocity: 0, points: [] },
  momentum: { linear: 1e-14, angular: 1e-13, centreOfMass: 1e-12, frames: 10 },
  attribution: tableOf(1, 2, 3),
  model: { energyUnit: "eV", unitsOrigin: "file" },
  equivariant: true,
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
});

test("checks without a measure are left out", () => {
  const nothing = { drift: null, orderInDt: null, reversal: null, momentum: null, attribution: null };
  expect(judge({ ...fine, ...nothing })).toMatchObject({ verdict: "pass", checks: [{ name: "guards" }], findings: [] });
});

describe.each<[string, Partial<Judged>, "pass" | "fail"]>([
  ["guards: stopped", { stop }, "fail"],
  ["drift: the interval reaches the bar from above", { drift: driftWithin(0.09, 5) }, "pass"],
  ["drift: all of the interval beyond the bar", { drift: driftWithin(0.11, 5) }, "fail"],
  ["drift: all of it below the bar's negative", { drift: driftWithin(-5, -0.11) }, "fail"],
  ["drift: too short for an interval", { drift: driftWithin(null, null) }, "pass"],
  ["order: 1.8 ± 0.05", { orderInDt: { ...order, ...estimate(1.8, 0.05) } }, "fail"],
  ["order: 1.8 ± 0.15", { orderInDt: { ...order, ...estimate(1.8, 0.15) } }, "pass"],
  ["order: 2.2 without an interval", { orderInDt: { ...order, value: 2.2, low: null, high: null } }, "fail"],
  ["order: none", { orderInDt: { ...order, value: null, low: null, high: null } }, "fail"],
  ["reversal: 2e-8 Å in float64", { reversal: { ...reversal, value: 2e-8 } }, "fail"],
  ["reversal: 2e-8 Å in float32", { reversal: { ...reversal, side: "native:cpu:f32", value: 2e-8 } }, "pass"],
  ["reversal: not a number", { reversal: { ...reversal, side: "native:cpu:f32", value: null } }, "fail"],
  ["momentum: lost", { momentum: { ...momentum, linear: 1e-8 } }, "fail"],
  ["momentum: lost by a worker's float32", { side: "torch:cpu:f32", momentum: { ...momentum, linear: 1e-8 } }, "pass"],
  ["momentum: angular momentum lost", { momentum: { ...momentum, angular: 1e-8 } }, "fail"],
  ["momentum: angular momentum lost in float32", { side: "native:cpu:f32", momentum: { ...momentum, angular: 1e-8 } }, "pass"],
  [
    "momentum: angular momentum lost by a model that is not equivariant",
    { equivariant: false, momentum: { ...momentum, angular: 0.1 } },
    "pass",
  ],
  ["momentum: atoms at rest", { momentum: { ...momentum, linear: null } }, "fail"],
  ["attribution: within the intervals", { attribution: tableOf(1, 6, 3) }, "pass"],
  ["attribution: beyond them", { attribution: tableOf(1, 11, 3) }, "fail"],
  ["canonical: likely", { ensemble: "langevin", canonical }, "pass"],
  ["canonical: unlikely", { ensemble: "langevin", canonical: { ...canonical, pValue: 1e-5 } }, "fail"],
])("%s", (name, change, verdict) => {
  test(verdict, () => {
    const judged = judge({ ...fine, ...change });
    const check = judged.checks.find((one) => one.name === name.split(":")[0]);
    expect(check?.verdict).toBe(verdict);
    expect(judged.verdict).toBe(verdict);
    expect(check?.sentence).toMatch(/\w/);
  });
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
