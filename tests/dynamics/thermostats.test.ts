import { describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { ethanol } from "../systems.ts";
import { chiSquared, distance, fiveSigma, normal, onceInAMillion } from "./chances.ts";
import { free, grid, kT, massOf, momenta, springs, unguarded, whole } from "./springs.ts";

/** A right program would fail a statistical test here once in a million seeds; the seeds are fixed. */

describe("Langevin dynamics", () => {
  test("at 0 K a free velocity decays as exp(-friction t), and the position goes as BAOAB goes on paper", async () => {
    const [v, friction, timestep, steps] = [0.01, 0.02, 2, 50];
    const { frames } = await whole(
      await openSession(
        free,
        grid(1),
        { steps, timestep, temperature: 0, ensemble: "langevin", friction, frameEvery: 1 },
        { velocities: Float64Array.of(v, 0, 0) },
      ),
    );
    const kept = Math.exp(-friction * timestep);
    const at = (n: number) => v * kept ** n;
    assertClose(
      frames.map(({ velocities }) => velocities[0] as number),
      frames.map(({ step }) => at(step)),
      1e-16,
    );
    // x moves by dt / 2 with the velocity before the friction and by dt / 2 with that after it
    const way = (n: number) => (timestep / 2) * Array.from({ length: n }, (_, k) => at(k) + at(k + 1)).reduce((sum, x) => sum + x, 0);
    assertClose(
      frames.map(({ positions }) => positions[0] as number),
      frames.map(({ step }) => way(step)),
      1e-14,
    );
  });

  test("noise of atoms, steps and replicas is independent and of the right width", async () => {
    // From rest with all of the velocity renewed at each step, velocities are noise and nothing else.
    const request = { steps: 40, timestep: 10, ensemble: "langevin", friction: 100, replicas: 20, frameEvery: 1, ...unguarded } as const;
    const { frames } = await whole(await openSession(free, grid(30), request));
    const noise = frames.slice(1).map(({ velocities }) => velocities.map((v) => v * Math.sqrt(massOf(6) / kT)));
    const all = noise.flatMap((step) => [...step]);
    expect(all.length).toBe(40 * 20 * 90);
    expect(distance(all, normal)).toBeLessThan(onceInAMillion);
    const correlation = (lag: number) => {
      let sum = 0;
      for (let k = 0; k + lag < all.length; k++) sum += (all[k] as number) * (all[k + lag] as number);
      return sum / Math.sqrt(all.length - lag);
    };
    // next coordinate, other axis, next atom, next replica, next step
    for (const lag of [1, 2, 3, 90, 1800]) expect(Math.abs(correlation(lag)), `lag ${lag}`).toBeLessThan(fiveSigma);
    expect(new Set(all).size).toBe(all.length);
  });

  test("oscillators, even at a large step: positions canonical, velocities less by (omega dt / 2)^2 as on paper", async () => {
    const [k, timestep] = [30, 6];
    const structure = grid(30);
    const square = (k / massOf(6)) * timestep ** 2;
    expect(square).toBeGreaterThan(0.8);
    const request = { steps: 800, timestep, ensemble: "langevin", friction: 0.05, replicas: 20, frameEvery: 20, ...unguarded } as const;
    const session = await openSession(springs(k, structure.positions), structure, request);
    expect(session.freedoms).toBe(90);
    const { frames, records } = await whole(session);
    const late = frames.filter(({ step }) => step >= 200);
    const stretch = late.flatMap(({ positions }) =>
      [...positions].map((x, i) => (x - (structure.positions[i % 90] as number)) * Math.sqrt(k / kT)),
    );
    expect(stretch.length).toBe(31 * 20 * 90);
    expect(distance(stretch, normal)).toBeLessThan(onceInAMillion);
    const speed = late.flatMap(({ velocities }) => [...velocities].map((v) => v * Math.sqrt(massOf(6) / kT / (1 - square / 4))));
    expect(distance(speed, normal)).toBeLessThan(onceInAMillion);
    // The kinetic energy of a whole replica, with its 90 degrees of freedom.
    const kinetic = [...records.kinetic].filter((_, i) => Math.floor(i / 20) % 20 === 0).slice(200);
    expect(
      distance(
        kinetic.map((energy) => (2 * energy) / kT / (1 - square / 4)),
        (x) => chiSquared(90, x),
      ),
    ).toBeLessThan(onceInAMillion);
  });

  test("what the noise puts in is accounted for: energy less heat fluctuates as dt^2", async () => {
    const structure = grid(10);
    const spread = async (timestep: number) => {
      const request = { steps: 400 / timestep, timestep, ensemble: "langevin", friction: 0.01, ...unguarded } as const;
      const { records } = await whole(await openSession(springs(30, structure.positions), structure, request));
      const conserved = records.potential.map((p, i) => p + (records.kinetic[i] as number) - (records.heat[i] as number));
      const mean = conserved.reduce((sum, x) => sum + x, 0) / conserved.length;
      expect(Math.max(...records.heat) - Math.min(...records.heat)).toBeGreaterThan(kT);
      return Math.sqrt(conserved.reduce((sum, x) => sum + (x - mean) ** 2, 0) / conserved.length);
    };
    const [coarse, fine] = [await spread(1), await spread(0.25)];
    expect(coarse).toBeLessThan(0.2 * kT);
    expect(fine).toBeLessThan(coarse / 6);
  });
});

describe("stochastic velocity rescaling", () => {
  test.each([
    ["two atoms, 1 degree of freedom", grid(2), 1],
    ["three atoms, 3 degrees", { ...grid(3), positions: Float64Array.of(0, 0, 0, 4, 0, 0, 0, 4, 0) }, 3],
    ["seven atoms in a crystal, 18 degrees", grid(7, 6, [true, true, true]), 18],
  ] as const)(
    "%s: the kinetic energy becomes canonical, and comes to it at the pace of the relaxation time",
    async (_, structure, freedoms) => {
      const [replicas, relaxation] = [2000, 50];
      const open = async (times: number) => {
        const session = await openSession(free, structure, {
          ...{ steps: 12, timestep: relaxation / 2, ensemble: "csvr", relaxation, replicas, seed: 5 },
          ...unguarded,
        });
        expect(session.freedoms).toBe(freedoms);
        const state = session.state();
        await session.close();
        // all replicas alike, and hotter than they should be
        const one = state.velocities.subarray(0, 3 * structure.numbers.length);
        const factor = Math.sqrt((times * freedoms * kT) / 2 / kineticOf(structure, one));
        const velocities = state.velocities.map((_v, k) => factor * (one[k % one.length] as number));
        return openSession(free, structure, session.options, { state: { ...state, velocities } });
      };
      const { records } = await whole(await open(4));
      const at = (step: number) => [...records.kinetic.subarray((step - 1) * replicas, step * replicas)].map((k) => (2 * k) / kT);
      expect(records.steps[0]).toBe(1);
      expect(distance(at(12), (x) => chiSquared(freedoms, x / (1 + 3 * Math.exp(-6))))).toBeLessThan(onceInAMillion);
      for (const step of [1, 2, 4]) {
        const values = at(step);
        const mean = values.reduce((sum, x) => sum + x, 0) / replicas;
        const kept = Math.exp(-step / 2);
        // Bussi and Parrinello (2008): the variance of a deviate that relaxes from a fixed value, in units of (kT / 2)^2
        const variance = 2 * freedoms * (1 - kept) * (1 - kept + 2 * 4 * kept);
        expect(Math.abs(mean - freedoms * (1 + 3 * kept)) / Math.sqrt(variance / replicas), `mean at step ${step}`).toBeLessThan(fiveSigma);
      }
      expect(
        records.heat.subarray(11 * replicas).every((heat, r) => Math.abs(heat - ((at(12)[r] as number) - 4 * freedoms) * (kT / 2)) < 1e-12),
      ).toBe(true);
    },
  );

  test("where the relaxation is over within a step, each step draws a kinetic energy of its own", async () => {
    const triangle = { ...grid(3), positions: Float64Array.of(0, 0, 0, 4, 0, 0, 0, 4, 0) };
    const request = { steps: 40, timestep: 1, ensemble: "csvr", relaxation: 0.02, replicas: 2500, ...unguarded } as const;
    const { records } = await whole(await openSession(free, triangle, request), 10);
    const sample = [...records.kinetic.subarray(2500)].map((k) => (2 * k) / kT);
    expect(sample.length).toBe(100_000);
    expect(distance(sample, (x) => chiSquared(3, x))).toBeLessThan(onceInAMillion);
  });

  test("it changes lengths of velocities only: no momentum comes, and energy less heat is that of NVE", async () => {
    const session = await openSession(springs(0, ethanol.positions), ethanol, {
      steps: 200,
      ensemble: "csvr",
      relaxation: 20,
      ...unguarded,
    });
    const before = session.state().velocities;
    const { records } = await session.advance(200);
    const { velocities, positions } = session.state();
    const { momentum, scale } = momenta(session.masses, positions, velocities);
    assertClose(momentum, [0, 0, 0], 1e-13, scale);
    const factor = (velocities[0] as number) / (before[0] as number);
    assertClose(
      velocities,
      before.map((v) => v * factor),
      1e-13,
    );
    const conserved = records.kinetic.map((k, i) => k - (records.heat[i] as number));
    assertClose(
      conserved,
      conserved.map(() => conserved[0] as number),
      1e-13,
    );
  });
});

/** eV, of one replica */
const kineticOf = ({ numbers }: Structure, velocities: Float64Array) =>
  numbers.reduce((sum, z, i) => sum + (massOf(z) / 2) * velocities.subarray(3 * i, 3 * i + 3).reduce((square, v) => square + v * v, 0), 0);

test("equilibration ends in a run without momentum, heat counted from 0, the steps before it negative", async () => {
  const structure = grid(6);
  const session = await openSession(springs(3, structure.positions), structure, {
    ...{ steps: 20, equilibration: 50, equilibrationEnsemble: "langevin", frameEvery: 10, recordEvery: 10 },
    ...unguarded,
  });
  expect(session.step).toBe(-50);
  const before = await session.advance(49);
  expect(before.step).toBe(-1);
  expect([...before.records.steps]).toEqual([-50, -40, -30, -20, -10]);
  expect(before.frames).toEqual([]);
  const { masses } = session;
  const thermal = session.state();
  expect(Math.hypot(...momenta(masses, thermal.positions, thermal.velocities).momentum)).toBeGreaterThan(0.01);
  await session.advance(1);
  const { step, positions, velocities, heat } = session.state();
  expect([step, heat[0]]).toEqual([0, 0]);
  const { momentum, angular, scale, turning } = momenta(masses, positions, velocities);
  assertClose(momentum, [0, 0, 0], 1e-13, scale);
  assertClose(angular, [0, 0, 0], 1e-12, turning);
  const rest = await session.advance(1000);
  expect(rest.step).toBe(20);
  expect([...rest.records.steps]).toEqual([10, 20]);
  expect([...rest.records.heat]).toEqual([0, 0]);
  await session.close();
});
