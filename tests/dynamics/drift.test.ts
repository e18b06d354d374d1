import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { driftOf, driftSoFar, pieceSlopes, taperedSlope } from "../../src/dynamics/drift.ts";
import { EnergyTrace } from "../../src/dynamics/energy-trace.ts";
import { estimateOf } from "../../src/dynamics/estimate.ts";
import { driftSchema } from "../../src/dynamics/result.ts";
import { seriesOf } from "../../src/dynamics/series.ts";
import { Random } from "../../src/system/random.ts";
import { autoregressive, syntheticRun } from "./processes.ts";

const still = autoregressive(0);
const value = (x: number | null) => x ?? Number.NaN;

describe("estimates from pieces", () => {
  test.each<[string, number[], ReturnType<typeof estimateOf>]>([
    ["nothing of no pieces", [], { value: null, low: null, high: null }],
    ["nothing where one is not finite", [1, 2, Number.NaN], { value: null, low: null, high: null }],
    ["no bounds from one piece", [3], { value: 3, low: null, high: null }],
    ["no bounds where most pieces are equal: too little was seen", [0, 0, 0, 0, 0, 0, 0, 8], { value: 1, low: null, high: null }],
    ["no width where all are equal", [2, 2, 2, 2], { value: 2, low: 2, high: 2 }],
  ])("%s", (_, figures, expected) => expect(estimateOf(figures)).toEqual(expected));

  test("moves and scales with the figures", () => {
    const figures = fc.uniqueArray(fc.integer({ min: -99, max: 99 }), { minLength: 8, maxLength: 12 });
    fc.assert(
      fc.property(
        figures,
        fc.double({ min: -5, max: 5, noNaN: true }),
        fc.double({ min: 0.1, max: 10, noNaN: true }),
        (xs, shift, factor) => {
          const [plain, moved] = [estimateOf(xs), estimateOf(xs.map((x) => factor * x + shift))];
          for (const key of ["value", "low", "high"] as const) expect(value(moved[key])).toBeCloseTo(factor * value(plain[key]) + shift, 6);
        },
      ),
    );
  });
});

test("a line has its slope, whatever the weights and the length", () => {
  const finite = fc.double({ min: -1e3, max: 1e3, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 50 }), finite, finite, (length, slope, start) => {
      const times = Array.from({ length }, (_, k) => 100 + k);
      const values = times.map((time) => start + slope * time);
      expect(
        taperedSlope(
          times,
          values,
          times.map((time) => 1 + (time % 3)),
        ),
      ).toBeCloseTo(slope, 6);
    }),
  );
});

test("a fast oscillation leaks far less into a tapered slope than into a plain one", () => {
  const times = Array.from({ length: 2000 }, (_, k) => k);
  const leak = Array.from({ length: 20 }, (_, phase) =>
    Math.abs(
      taperedSlope(
        times,
        times.map((time) => Math.cos(0.5 * time + phase / 3)),
        times.map(() => 1),
      ),
    ),
  );
  // A plain least-squares slope leaks up to 6 / (omega T²) = 3e-6.
  expect(Math.max(...leak)).toBeLessThan(3e-8);
});

describe("a trace", () => {
  const long = syntheticRun(still, new Random(1, "long"), 2, 10_001, 2e4);

  test("keeps bins, not records, and loses none", () => {
    expect(long.length).toBeLessThanOrEqual(2048);
    const counts = Array.from({ length: long.length }, (_, k) => long.bin(k, 1).records);
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(10_001);
    expect(new Set(counts.slice(0, -1))).toEqual(new Set([8]));
  });

  test("is the same however the records arrive, but for the rounding of sums", () => {
    const pieces = new EnergyTrace(long.options);
    const random = new Random(1, "long");
    const noise = [still(random, 10_001), still(random, 10_001)];
    for (let from = 0; from < 10_001; from += 777) {
      const steps = Float64Array.from({ length: Math.min(777, 10_001 - from) }, (_, k) => from + k);
      const energy = (index: number) => {
        const step = from + Math.floor(index / 2);
        return 1e-3 * ((noise[index % 2]?.[step] as number) + 2e4 * 1e-6 * step);
      };
      const zeros = new Float64Array(2 * steps.length);
      pieces.add({
        steps,
        potential: zeros.map((_, index) => energy(index)),
        kinetic: zeros,
        heat: zeros,
        modified: zeros.map(() => Number.NaN),
      });
    }
    expect(pieces.bin(77, 1)).toEqual(long.bin(77, 1));
    expect(driftSoFar(pieces)).toEqual(driftSoFar(long));
    expect(pieces.moments(0).energyRms).toBe(long.moments(0).energyRms);
  });

  test("knows the fluctuation about the line", () => {
    expect(1e3 * long.moments(0).energyRms).toBeGreaterThan(0.97);
    expect(1e3 * long.moments(0).energyRms).toBeLessThan(1.03);
  });

  test("leaves equilibration out, and takes what a thermostat put in from the energy", () => {
    const trace = new EnergyTrace({ replicas: 1, timestep: 2, atoms: 1, freedoms: 3 });
    const steps = Float64Array.of(-2, -1, 0, 1, 2, 3, 4);
    const heat = Float64Array.of(-9, -5, 0, 1, 4, 2, 8);
    trace.add({ steps, potential: heat.map((q) => q - 3), kinetic: steps.map(() => 3), heat, modified: heat.map(() => Number.NaN) });
    expect(trace.length).toBe(5);
    expect(trace.bin(4, 0)).toMatchObject({ time: 8, energy: 0, kinetic: 3, potential: 5 });
  });

  test("takes the modified energy, where it is there, for the headline", () => {
    const trace = new EnergyTrace({ replicas: 8, timestep: 1, atoms: 2, freedoms: 6 });
    const random = new Random(3, "modified");
    const steps = Float64Array.from({ length: 500 }, (_, k) => k);
    const zeros = new Float64Array(4000);
    const line = zeros.map((_, index) => 1e-6 * Math.floor(index / 8));
    const potential = line.map((x) => x + 1e-3 * random.normal());
    const modified = line.map((x, index) => (index < 8 ? Number.NaN : x + 1e-5 * random.normal()));
    trace.add({ steps, potential, kinetic: zeros.map(() => 0.1), heat: zeros, modified });
    const drift = driftSchema.parse(driftOf(trace));
    expect(drift.of.modified).toEqual({ value: drift.value, low: drift.low, high: drift.high });
    expect(drift.method).toContain("modified energy");
    // 1e-6 eV/fs is 1e3 meV/ns, by two atoms.
    expect(value(drift.value) / 5e2).toBeCloseTo(1, 2);
    const width = (estimate: typeof drift.of.total) => value(estimate.high) - value(estimate.low);
    expect(width(drift.of.total)).toBeGreaterThan(20 * width(drift));
    expect(seriesOf(trace, [1, 2, 3, 4, 5, 6, 7, 8]).replicas[2]?.modified).toHaveLength(500);
  });
});

describe("what a drift says", () => {
  test.each([
    ["rises", 1e5, /^The energy rises by 1e\+?5 meV\/atom\/ns \(95 %: /],
    ["falls", -1e5, /^The energy falls by 1e\+?5 meV\/atom\/ns \(95 %: −/],
  ])("%s", (_, slope, words) => expect(drifting(slope, still, 40).sentence).toMatch(words));

  test("too short to tell", () => {
    const { sentence, resolved } = drifting(0, still, 40);
    expect(resolved).toBe(false);
    expect(sentence).toMatch(
      /^Too short to tell the drift from zero: after 1 ps of 4 replicas it lies within −.* to tell 0.1 % of the kinetic energy per ns from zero takes up to .* times as many steps, .* [pn]s\.$/,
    );
  });

  test("no drift", () =>
    expect(drifting(0, still, 1e9).sentence).toMatch(/^No drift is seen: .* less than 0.1 % of the kinetic energy per ns\.$/));
  test("nothing to say", () =>
    expect(drifting(0, still, 40, 5).sentence).toBe("0.004 ps of 4 replicas are too short to say anything of a drift."));
  test("null of one record", () => expect(driftOf(syntheticRun(still, new Random(1, "one"), 1, 1, 0))).toBeNull());
  test("units agree", () => {
    const drift = drifting(1e5, still, 40);
    expect(value(drift.perPs.value)).toBeCloseTo(value(drift.value) / 1e3, 9);
    expect(value(drift.percentOfKineticPerNs.low)).toBeCloseTo((100 * value(drift.low)) / 40, -2);
    expect(drift.duration).toBeCloseTo(0.999, 9);
    expect(drift.history.at(-1)).toMatchObject({ value: drift.value, low: drift.low, high: drift.high });
  });
});

/** 4 replicas of one atom. @param slope meV/ns; @param kinetic meV */
function drifting(slope: number, noise: typeof still, kinetic: number, length = 1000) {
  const random = new Random(5, "drifting");
  const series = Array.from({ length: 4 }, () => noise(random, length));
  const trace = new EnergyTrace({ replicas: 4, timestep: 1, atoms: 1, freedoms: 3 });
  const zeros = new Float64Array(4 * length);
  const energy = zeros.map((_, k) => 1e-3 * ((series[k % 4]?.[Math.floor(k / 4)] as number) + slope * 1e-6 * Math.floor(k / 4)));
  const kineticEnergy = zeros.map((_, k) => 1e-3 * kinetic * (1 + 0.1 * Math.sin(k)));
  const steps = Float64Array.from({ length }, (_, k) => k);
  trace.add({
    steps,
    potential: energy.map((e, k) => e - (kineticEnergy[k] as number)),
    kinetic: kineticEnergy,
    heat: zeros,
    modified: zeros.map(() => Number.NaN),
  });
  return driftSchema.parse(JSON.parse(JSON.stringify(driftOf(trace))));
}

test("pieces: eight at least, whole replicas where they are enough, none of too few records", () => {
  const count = (replicas: number, length: number) =>
    pieceSlopes(syntheticRun(still, new Random(1, "count"), replicas, length, 0), "energy").length;
  expect([1, 2, 3, 5, 8, 11].map((replicas) => count(replicas, 100))).toEqual([8, 8, 9, 10, 8, 11]);
  expect([count(1, 31), count(1, 32), count(8, 3), count(8, 4)]).toEqual([0, 8, 0, 8]);
});
