import { describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import { loadAddon } from "../../src/engine/addon.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { knownPhilox } from "../system/philox.ts";
import { ethanol, water } from "../systems.ts";
import { chiSquared, distance, normal, onceInAMillion } from "./chances.ts";
import { free, grid, kT, massOf, momenta, unguarded, whole } from "./springs.ts";

/** The random numbers of the engine, and the velocities it draws from them. A right program would fail a statistical test once in a million
 *  seeds; the seeds are fixed. */

test.each(knownPhilox)("native philox4x32-10 of %j with key %j", (counter, key, expected) => {
  expect([...loadAddon("faulty").philox(Uint32Array.from(counter), Uint32Array.from(key))]).toEqual(expected);
});

describe("initial velocities", () => {
  const opened = (structure: Structure, replicas = 1) =>
    openSession(free, structure, { steps: 0, replicas, seed: 3, temperature: 300, ...unguarded });
  /** 2 K / kT of each replica */
  const kinetic = async (structure: Structure, replicas: number) =>
    [...(await whole(await opened(structure, replicas))).records.kinetic].map((k) => (2 * k) / kT);

  test.each([
    ["ethanol", ethanol, 21],
    ["two atoms", grid(2), 1],
    ["three on a line", { ...grid(3), positions: Float64Array.of(0, 0, 0, 1, 1, 2, 2, 2, 4) }, 4],
    ["a single atom", grid(1), 0],
    ["four in a crystal", grid(4, 6, [true, true, true]), 9],
    ["two, periodic along one axis", grid(2, 6, [false, true, false]), 3],
  ] as const)("%s: the kinetic energy is canonical over what is left without momentum", async (_, structure, freedoms) => {
    const session = await opened(structure);
    expect(session.freedoms).toBe(freedoms);
    const state = session.state();
    const { momentum, angular, scale, turning } = momenta(session.masses, state.positions, state.velocities);
    if (freedoms > 0) assertClose(momentum, [0, 0, 0], 1e-13, scale);
    if (freedoms > 0 && !structure.pbc.some(Boolean)) assertClose(angular, [0, 0, 0], 1e-12, turning);
    const sample = await kinetic(structure, 3000);
    if (freedoms === 0) expect(Math.max(...sample)).toBeLessThan(1e-25);
    else expect(distance(sample, (x) => chiSquared(freedoms, x))).toBeLessThan(onceInAMillion);
  });

  test("each atom of a crystal has the Maxwell-Boltzmann velocities of its mass", async () => {
    const structure = { ...grid(400, 6, [true, true, true]), numbers: Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : 8)) };
    const { velocities } = (await opened(structure, 4)).state();
    for (const [first, z] of [
      [0, 1],
      [1, 8],
    ] as const) {
      const sample = [...velocities].filter((_, k) => Math.floor(k / 3) % 2 === first);
      expect(
        distance(
          sample.map((v) => v * Math.sqrt(massOf(z) / kT)),
          normal,
        ),
      ).toBeLessThan(onceInAMillion);
    }
  });

  test("replicas of seed s are s, s + 1, ...; another temperature scales the same velocities", async () => {
    const start = async (seed: number, temperature = 300) =>
      (await openSession(free, water, { steps: 0, replicas: 2, seed, temperature })).state().velocities;
    const [first, second, hot] = [await start(7), await start(8), await start(7, 1200)];
    expect([...first.subarray(9)]).toEqual([...second.subarray(0, 9)]);
    expect([...(await start(7 + 2 ** 32))]).not.toEqual([...first]);
    expect([...first.subarray(0, 9)]).not.toEqual([...first.subarray(9)]);
    assertClose(
      hot,
      first.map((v) => 2 * v),
      1e-15,
    );
  });
});
