import { describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import type { DynamicsState, EnergyRecords } from "../../src/dynamics/session.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { assertClose } from "../close.ts";
import { ethanol } from "../systems.ts";
import { grid, massOf, momenta, potentialOf, springs, unguarded, whole } from "./springs.ts";

const carbon = massOf(6);

describe("a harmonic oscillator", () => {
  const [k, amplitude, dt, steps] = [30, 0.1, 1, 2000];
  const structure = grid(1);
  const omega = Math.sqrt(k / carbon);
  /** Velocity Verlet turns by this angle a step, on an ellipse whose axes are in this ratio times omega. */
  const angle = Math.acos(1 - (omega * dt) ** 2 / 2);
  const flat = Math.sqrt(1 - (omega * dt) ** 2 / 4);
  const run = async (timestep = dt) => {
    const start = { ...structure, positions: Float64Array.of(amplitude, 0, 0) };
    const potential = springs(k, structure.positions);
    const request = { steps: Math.round((steps * dt) / timestep), timestep, temperature: 0, frameEvery: 1 };
    return whole(await openSession(potential, start, request));
  };

  test("goes as velocity Verlet goes on paper", async () => {
    const { frames } = await run();
    expect(omega * dt).toBeGreaterThan(0.15);
    expect(frames.length).toBe(steps + 1);
    const expected = frames.map(({ step }) => amplitude * Math.cos(step * angle));
    assertClose(
      frames.map(({ positions }) => positions[0] as number),
      expected,
      1e-11,
    );
    const velocities = frames.map(({ step }) => -amplitude * omega * flat * Math.sin(step * angle));
    assertClose(
      frames.map((frame) => frame.velocities[0] as number),
      velocities,
      1e-11,
    );
  });

  test("its energies are those of its positions and velocities, and the modified energy is constant to order dt^4", async () => {
    const spread = (values: readonly number[]) => Math.max(...values) - Math.min(...values);
    const [coarse, fine] = [await run(dt), await run(dt / 2)].map(({ records, frames }) => {
      assertClose(
        records.potential,
        frames.map(({ positions }) => (k * (positions[0] as number) ** 2) / 2),
        1e-14,
      );
      assertClose(
        records.kinetic,
        frames.map(({ velocities }) => (carbon * (velocities[0] as number) ** 2) / 2),
        1e-14,
      );
      expect(records.modified[0]).toBeNaN();
      return {
        total: spread(frames.map((_, i) => (records.potential[i] as number) + (records.kinetic[i] as number))),
        modified: spread([...records.modified.subarray(1)]),
      };
    }) as [Record<"total" | "modified", number>, Record<"total" | "modified", number>];
    expect(Math.log2(coarse.total / fine.total)).toBeCloseTo(2, 1);
    expect(Math.log2(coarse.modified / fine.modified)).toBeCloseTo(4, 1);
    expect(coarse.modified).toBeLessThan(coarse.total / 20);
  });

  test("comes as close to the true motion as dt^2", async () => {
    const error = async (timestep: number) => {
      const { frames } = await run(timestep);
      const early = frames.filter(({ time }) => time <= 200);
      return Math.max(...early.map(({ time, positions }) => Math.abs((positions[0] as number) - amplitude * Math.cos(omega * time))));
    };
    const [coarse, fine] = [await error(1), await error(0.5)];
    expect(coarse).toBeLessThan(0.05);
    expect(Math.log2(coarse / fine)).toBeGreaterThan(1.9);
    expect(Math.log2(coarse / fine)).toBeLessThan(2.1);
  });

  test("masses count: two elements on equal springs swing as the roots of their masses", async () => {
    const pair = { ...grid(2), numbers: [1, 8] };
    const start = { ...pair, positions: pair.positions.map((x, i) => x + (i % 3 === 0 ? amplitude : 0)) };
    const { frames } = await whole(
      await openSession(springs(k, pair.positions), start, { steps: 400, timestep: 0.1, temperature: 0, frameEvery: 400 }),
    );
    const at = [1, 8].map((z) => amplitude * Math.cos(400 * Math.acos(1 - (k * 0.1 ** 2) / (2 * massOf(z)))));
    const end = frames.at(-1)?.positions as Float64Array;
    assertClose([(end[0] as number) - (pair.positions[0] as number), (end[3] as number) - (pair.positions[3] as number)], at, 1e-11);
  });
});

test("a constant force gives the parabola exactly", async () => {
  const force = Float64Array.of(0.3, -0.2, 0.1);
  const falling = potentialOf((x) => ({ energy: -x.reduce((sum, xi, i) => sum + xi * (force[i] as number), 0), forces: force.slice() }));
  const velocities = Float64Array.of(0.01, 0.02, -0.03);
  const { frames } = await whole(
    await openSession(falling, grid(1), { steps: 100, timestep: 0.5, frameEvery: 100, ...unguarded }, { velocities }),
  );
  const t = 50;
  assertClose(
    frames.at(-1)?.positions as Float64Array,
    velocities.map((v, i) => v * t + ((force[i] as number) / carbon / 2) * t * t),
    1e-12,
  );
  assertClose(
    frames.at(-1)?.velocities as Float64Array,
    velocities.map((v, i) => v + ((force[i] as number) / carbon) * t),
    1e-14,
  );
});

describe("the shipped model, float64", async () => {
  const model = await readModelFile("models/ethanol.safetensors");
  const engine = createNativeEngine(model, { device: "cpu", precision: "f64", threads: 1 });
  const warm = await openSession(engine, ethanol, { steps: 0, equilibration: 400, seed: 11 });
  await warm.advance(400);
  const start: DynamicsState = warm.state();
  const from = (steps: number, timestep: number, state: DynamicsState = start) =>
    openSession(engine, ethanol, { steps, timestep, seed: 11, frameEvery: steps }, { state: { ...state, step: 0 } });
  /** of the total and of the modified energy about their means, over records `every` apart, eV */
  const rms = ({ potential, kinetic, modified }: EnergyRecords, every: number) => {
    const deviation = (values: number[]) => {
      const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
      return Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    };
    const picked = (column: (i: number) => number) =>
      Array.from({ length: potential.length }, (_, i) => column(i)).filter((_, i) => i % every === every - 1);
    return {
      total: deviation(picked((i) => (potential[i] as number) + (kinetic[i] as number))),
      modified: deviation(picked((i) => modified[i] as number)),
    };
  };

  test("the energy fluctuates as dt^2, the modified energy as dt^4", async () => {
    // Below 0.25 fs the modified energy shows where the model bends: jumps of 1e-6 eV, of whatever timestep.
    const runs = await Promise.all([0.25, 0.5, 1].map(async (dt) => rms((await whole(await from(30 / dt, dt))).records, 1 / dt)));
    const order = (of: "total" | "modified") => Math.log2((runs[2]?.[of] as number) / (runs[0]?.[of] as number)) / 2;
    expect(order("total")).toBeGreaterThan(1.9);
    expect(order("total")).toBeLessThan(2.1);
    expect(order("modified")).toBeGreaterThan(3.5);
    expect(order("modified")).toBeLessThan(4.5);
  });

  test("300 steps, velocities negated, 300 steps: back to 1e-10 Å", async () => {
    const there = await from(300, 0.5);
    await there.advance(300);
    const turned = there.state();
    const back = await from(300, 0.5, { ...turned, velocities: turned.velocities.map((v) => -v) });
    await back.advance(300);
    const { positions, velocities } = back.state();
    expect(Math.max(...turned.positions.map((x, i) => Math.abs(x - (start.positions[i] as number))))).toBeGreaterThan(0.1);
    assertClose(positions, start.positions, 1e-10);
    assertClose(
      velocities,
      start.velocities.map((v) => -v),
      1e-11,
    );
  });

  test("momentum and angular momentum stay zero", async () => {
    const session = await from(500, 0.5);
    await session.advance(500);
    const { positions, velocities } = session.state();
    const { momentum, angular, scale, turning } = momenta(session.masses, positions, velocities);
    assertClose(momentum, [0, 0, 0], 1e-12, scale);
    assertClose(angular, [0, 0, 0], 1e-10, turning);
  });
});
