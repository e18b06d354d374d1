import { describe, expect, test } from "vitest";
import type { MdResult } from "../../src/dynamics/result.ts";
import { allowedDrift } from "../../src/report/dynamics/allowed.ts";
import { drawnAtom } from "../../src/report/dynamics/atoms.ts";
import { plotsOf, timeUnit } from "../../src/report/dynamics/curves.ts";
import { bondsBetween } from "../../src/report/dynamics/embedded.ts";
import { FrameSelection } from "../../src/report/dynamics/frames.ts";
import { embedFrames, formula } from "../../src/report/dynamics/molecule.ts";
import { nearest } from "../../src/report/dynamics/nearest.ts";
import { thinSeries } from "../../src/report/dynamics/thin.ts";
import { assertClose } from "../close.ts";
import { framesOf, passingRun } from "./passing-run.ts";
import { crystalRun } from "./runs.ts";

describe("traces in fewer bins", () => {
  const { series } = passingRun(1000, 2);
  const thin = thinSeries(series, 300);
  const replica = series.replicas[1] as (typeof series.replicas)[number];
  const thinned = thin.replicas[1] as typeof replica;

  test("are at most as many as asked for, in the order of time, over the whole run", () => {
    expect(thin.time.length).toBe(250);
    expect(thin.time[0]).toBeCloseTo(((0.5 + 1.5 + 2.5 + 3.5) / 4) * 0.1, 12);
    expect(thin.time).toEqual(thin.time.toSorted((a, b) => a - b));
  });

  test("keep every extreme and the mean", () => {
    const numbers = (values: readonly (number | null)[]) => values.map(Number);
    expect(Math.max(...numbers(thinned.energyHigh))).toBe(Math.max(...numbers(replica.energyHigh)));
    expect(Math.min(...numbers(thinned.energyLow))).toBe(Math.min(...numbers(replica.energyLow)));
    const four = numbers(replica.energy.slice(400, 404));
    expect(thinned.energy[100]).toBeCloseTo(four.reduce((a, b) => a + b) / 4, 12);
    expect(thinned.energyLow[100]).toBe(Math.min(...numbers(replica.energyLow.slice(400, 404))));
  });

  test("are as they were where they are few, and do not hide a value that is missing", () => {
    expect(thinSeries(series, 1000)).toBe(series);
    const holed = { ...series, replicas: [{ ...replica, energy: replica.energy.map((e, i) => (i === 5 ? null : e)) }] };
    expect(thinSeries(holed, 300).replicas[0]?.energy.slice(0, 3)).toEqual([expect.any(Number), null, expect.any(Number)]);
  });
});

describe("frames for a page", () => {
  const at = (time: number) => ({ time, positions: new Float64Array(6) });

  test.each([1, 2, 1199, 1200, 1201, 5000, 100_000])("of %i, few enough are kept, evenly, from the first on", (count) => {
    const selection = new FrameSelection(2);
    for (let i = 0; i < count; i++) selection.add(at(i));
    const times = selection.frames.map(({ time }) => time);
    const stride = (times[1] ?? 1) - (times[0] ?? 0);
    expect(times).toEqual(times.map((_, i) => i * stride));
    expect(times.length).toBeLessThanOrEqual(1200);
    expect(times.length).toBeGreaterThanOrEqual(Math.min(count, 600));
    expect(count - 1 - (times.at(-1) as number)).toBeLessThan(stride);
  });

  test("of a large structure are fewer, but never less than two", () => {
    for (const [atoms, most] of [
      [1000, 60],
      [1_000_000, 2],
    ] as const) {
      const selection = new FrameSelection(atoms);
      for (let i = 0; i < 500; i++) selection.add(at(i));
      expect(selection.frames.length).toBeLessThanOrEqual(most);
      expect(selection.frames.length).toBeGreaterThanOrEqual(most / 2);
    }
  });

  const unpacked = ({ positions, scale }: ReturnType<typeof embedFrames>) => {
    const bytes = Buffer.from(positions, "base64");
    return Float64Array.from({ length: bytes.length / 2 }, (_, i) => scale * bytes.readInt16LE(2 * i));
  };

  test("come out of the page within a thousandth of an Å", () => {
    const run = passingRun(1, 1);
    const shown = framesOf(run, 20);
    const embedded = embedFrames(shown, run);
    const positions = unpacked(embedded);
    expect(positions.length).toBe(20 * 27);
    const wanted = shown.frames.flatMap((frame) => [...frame.positions]);
    assertClose(positions, wanted, 1e-3);
    expect(embedded.times[19]).toBeCloseTo(100, 9);
    expect(embedded.edges).toEqual([]);
  });

  test("of a crystal lie in its cell, whole lattice vectors away from where they were", () => {
    const run = crystalRun();
    const [frame] = framesOf(run, 1).frames;
    if (frame === undefined) throw new Error("no frame");
    const far = { ...frame, positions: frame.positions.map((x, i) => x + (i % 3 === 0 ? 3 * 5.2 - 2 * 1.1 : i % 3 === 2 ? -2 * 5.4 : 0)) };
    const [near, moved] = [frame, far].map((f) => unpacked(embedFrames({ seed: 0, frames: [f] }, run))) as [Float64Array, Float64Array];
    expect(embedFrames({ seed: 0, frames: [frame] }, run).edges).toHaveLength(12);
    assertClose(moved, near, 1e-3);
    for (let i = 0; i < near.length; i += 3) {
      const [x = 0, y = 0, z = 0] = near.subarray(i, i + 3);
      // Rows of the cell: (5.2, 0, 0), (0, 5.2, 0), (1.1, 0, 5.4).
      for (const s of [(x - (1.1 * z) / 5.4) / 5.2, y / 5.2, z / 5.4]) expect(s >= -1e-3 && s <= 1 + 1e-3).toBe(true);
    }
  });
});

test("bonds join what covalent radii let touch, each pair once", () => {
  const run = passingRun(1, 1);
  const atoms = run.structure.numbers.map(drawnAtom);
  const bonds = bondsBetween(atoms, framesOf(run, 1).frames[0]?.positions ?? []);
  expect(bonds).toEqual([
    [0, 1],
    [0, 4],
    [0, 5],
    [0, 6],
    [1, 2],
    [1, 7],
    [1, 8],
    [2, 3],
  ]);
});

test.each([
  [[6, 6, 8, 1, 1, 1, 1, 1, 1], "C2H6O"],
  [[11, 17], "ClNa"],
  [[8, 1, 1], "H2O"],
  [[17, 6, 1, 17, 17], "CHCl3"],
])("the formula of %j is %s", (numbers, text) => {
  expect(formula(numbers)).toBe(text);
});

test.each([
  [0, 0],
  [1.4, 1],
  [1.6, 2],
  [99, 3],
  [-5, 0],
])("nearest to %d of 0, 1, 2, 3 is number %i", (target, index) => {
  expect(nearest([0, 1, 2, 3], target)).toBe(index);
  expect(nearest([7], target)).toBe(0);
});

test("the allowed drift, stated in percent of the kinetic energy, is shown in the unit of the drift", () => {
  const run = passingRun(1, 1);
  expect(allowedDrift(run)).toBeCloseTo((0.1 * 0.0064) / 0.0192, 6);
  expect(allowedDrift({ ...run, checks: [] })).toBeNull();
  expect(allowedDrift({ ...run, drift: null })).toBeNull();
});

describe("plots of a run", () => {
  test("the replica whose atoms are shown is drawn over the others, its modified energy on top", () => {
    const [energy, temperature, drift] = plotsOf(passingRun(50, 3), 20261125);
    expect(energy?.curves.map(({ name, role }) => `${name} ${role}`)).toEqual([
      "seed 20261124 other",
      "seed 20261126 other",
      "seed 20261125 first",
      "modified energy modified",
    ]);
    expect(temperature?.curves.at(-1)?.name).toBe("seed 20261125");
    expect(drift?.x).toHaveLength(60);
  });

  test("the axis of the drift leaves out what its first steps say, and holds zero and the end", () => {
    const run = passingRun(50, 1);
    const history = [{ time: 1, value: 1e6, low: -1e9, high: 1e9 }, ...(run.drift?.history ?? [])];
    const result = { ...run, drift: { ...run.drift, history } } as MdResult;
    const [low = 0, high = 0] = plotsOf(result, null)[2]?.range ?? [];
    expect(low).toBeLessThan(-0.0022);
    expect(high).toBeGreaterThan(0.0064);
    expect(high).toBeLessThan(1);
  });

  test("what was not measured is left out", () => {
    const run = passingRun(1, 1);
    const nothing = {
      ...run.series,
      replicas: run.series.replicas.map((r) => ({ ...r, energy: [null], modified: null, temperature: [null] })),
    };
    expect(plotsOf({ ...run, series: nothing, drift: null }, null)).toEqual([]);
  });

  test.each([
    [100, 0.5, "fs"],
    [2000, 0.5, "ps"],
    [4_000_000, 0.5, "ns"],
  ])("%i steps of %d fs are counted in %s", (steps, dt, unit) => {
    expect(timeUnit({ ...passingRun(1, 1), steps, dt }).name).toBe(unit);
  });
});
