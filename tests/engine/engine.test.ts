import { describe, expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import {
  closeDimer,
  cubic,
  ethanol,
  farDimer,
  methanol,
  noEdges,
  selfImages,
  singleAtom,
  smallCrystal,
  triclinic,
  water,
} from "../systems.ts";
import { gas } from "./gas.ts";
import { randomModel } from "./models.ts";
import { everything, one, open, painn, student } from "./open.ts";

const molecules = [ethanol, water, methanol, singleAtom, farDimer, closeDimer, noEdges];
const crystals = [cubic, triclinic, smallCrystal, selfImages, gas(150, 1)];

describe("what an evaluation holds", () => {
  test("forces are minus the derivative of the energy, the energies of the atoms add up to it", async () => {
    for (const model of [painn, student]) {
      const engine = open({}, model);
      const structure = ethanol;
      const { energy, forces, energies, stress } = await one(engine, structure);
      expect(stress).toBeNull();
      assertClose([energies?.reduce((sum, e) => sum + e, 0) ?? Number.NaN], [energy], 1e-12, Math.abs(energy));
      const h = 1e-4;
      const moved = structure.positions.length;
      const shifted = Array.from({ length: 2 * moved }, (_, k) => ({
        ...structure,
        positions: structure.positions.map((x, q) => (q === k >> 1 ? x + (k % 2 ? -h : h) : x)),
      }));
      const energiesOf = await engine.evaluate(shifted, ["energy"]);
      const slopes = Array.from(
        { length: moved },
        (_, q) => ((energiesOf[2 * q + 1]?.energy ?? Number.NaN) - (energiesOf[2 * q]?.energy ?? 0)) / (2 * h),
      );
      assertClose(forces ?? [], slopes, 1e-6, Math.max(...slopes.map(Math.abs)));
    }
  });

  test("only what was asked for; stress only where there is a volume", async () => {
    const engine = open();
    expect(await one(engine, cubic, ["energy"])).toMatchObject({ forces: null, stress: null, energies: null });
    const plain = (await engine.evaluate([cubic]))[0];
    expect(plain?.forces?.length).toBe(3 * cubic.numbers.length);
    expect(plain).toMatchObject({ stress: null, energies: null });
    expect((await one(engine, triclinic)).stress?.length).toBe(6);
    expect((await one(engine, { ...triclinic, pbc: [false, false, false] })).stress).toBeNull();
    const wire = { ...triclinic, cell: Float64Array.from([6, 0, 0, 0, 0, 0, 0, 0, 0]), pbc: [true, false, false] as Structure["pbc"] };
    expect((await one(engine, wire)).stress).toBeNull();
    expect(await engine.evaluate([])).toEqual([]);
  });

  test("an atom alone, a dimer beyond the cutoff and a molecule without edges feel no force, and differ from one another", async () => {
    for (const model of [painn, student]) {
      const answers = await open({}, model).evaluate([singleAtom, farDimer, noEdges]);
      for (const { energy, forces } of answers) {
        expect(Number.isFinite(energy)).toBe(true);
        expect(forces?.every((f) => f === 0)).toBe(true);
      }
      expect(new Set(answers.map(({ energy }) => energy)).size).toBe(3);
    }
  });

  test.each(
    loadAddon()
      .instructionSets()
      .flatMap((set) => [[set, "f64"] as const, [set, "f32"] as const]),
  )("norm_eps of 0, %s %s: vectors that vanish have no length and no gradient, and nothing is NaN", async (instructionSet, precision) => {
    const engine = open({ instructionSet, precision }, randomModel("painn-schnetpack", { norm_eps: 0, n_layers: 1 }));
    const positions = Float64Array.of(0, 0, 0, 0, 0, 1.25, 0, 0, -1.25, 0, 9, 0);
    const carbonDioxide: Structure = { ...water, name: "CO2, and an atom far away", numbers: [6, 8, 8, 8], positions };
    const answers = await engine.evaluate([singleAtom, carbonDioxide, ...molecules, ...crystals], everything);
    for (const { energy, forces, stress } of answers)
      expect([energy, ...(forces ?? []), ...(stress ?? [])].every(Number.isFinite)).toBe(true);
    const [carbon, oxygen, other] = [0, 1, 2].map((i) => answers[1]?.forces?.subarray(3 * i, 3 * i + 3));
    expect(carbon).toEqual(new Float64Array(3));
    expect(Math.abs(oxygen?.[2] ?? 0)).toBeGreaterThan(0.01);
    expect(oxygen?.[2]).toBe(-(other?.[2] ?? Number.NaN));
  });

  test.each<[string, Partial<ModelConfig>, number, number[]]>([
    ["offset of each atom", { energy_offset: "-10.5" }, 3 * -10.5, [-10.5, -10.5, -10.5]],
    ["offset once, spread evenly", { energy_offset: "-10.5", energy_offset_per_atom: false }, -10.5, [-3.5, -3.5, -3.5]],
    [
      "atom references and offset in kcal/mol",
      {
        energy_offset: "2",
        energy_unit: "kcal/mol",
        energy_unit_in_ev: 0.04336410390059322,
        atom_refs: Array.from({ length: 11 }, (_, z) => 100 * z),
      },
      0.04336410390059322 * (6 + 800 + 100 + 100),
      [802, 102, 102].map((x) => 0.04336410390059322 * x),
    ],
  ])("%s", async (_, changes, total, shares) => {
    const unit = changes.energy_unit_in_ev ?? 1;
    const bare = await one(open(), water);
    const full = await one(open({}, randomModel("painn-schnetpack", changes)), water);
    assertClose([full.netEnergy], [unit * bare.netEnergy], 1e-14, Math.abs(bare.netEnergy));
    expect(full.energy).toBe(full.netEnergy + total);
    assertClose(
      full.energies ?? [],
      shares.map((c, i) => c + unit * (bare.energies?.[i] ?? Number.NaN)),
      1e-13,
      Math.abs(total),
    );
  });
});

describe("bitwise", () => {
  const batch = [...molecules, ...crystals];
  test.each([
    ["f64", undefined],
    ["f32", undefined],
    ["f32", "plain"],
  ] as const)("%s %s: any number of threads, any batch mates, every time", async (precision, instructionSet) => {
    const set = instructionSet === undefined ? {} : { instructionSet };
    const engines = [1, 2, 3, 4].map((threads) => open({ precision, threads, ...set }));
    const first = await (engines[0] as Potential).evaluate(batch, everything);
    for (const engine of engines) {
      expect(await engine.evaluate(batch, everything), engine.name).toEqual(first);
      expect((await engine.evaluate([...batch].reverse(), everything)).reverse()).toEqual(first);
      for (const [s, structure] of batch.entries()) expect(await one(engine, structure), structure.name).toEqual(first[s]);
    }
  });

  test("activations kept or made again give the same bits", async () => {
    const [kept, again] = [open(), open({ activationBytes: 0 })];
    expect(kept.plan(150, 2000).activations).toBe("kept");
    expect(again.plan(150, 2000).activations).toBe("recomputed");
    expect(await again.evaluate(batch, everything)).toEqual(await kept.evaluate(batch, everything));
  });
});

test("the engine's own stopwatch, and the ceiling of its arithmetic", async () => {
  const seconds = await open().time([water], ["forces"], 5);
  expect(seconds.length).toBe(5);
  expect(seconds.every((s) => s > 0 && s < 10)).toBe(true);
  const addon = loadAddon();
  for (const set of addon.instructionSets()) expect(addon.peak(set, "f64")).toBeGreaterThan(1e8);
});

test("the product has none of the functions of the test build", () => {
  const [product, faulty] = [Object.keys(loadAddon()), Object.keys(loadAddon("faulty"))];
  const onlyForTests = ["createHollowEngine", "emulatedCard", "faults", "hollowNotes", "isWholeAnswer", "philox", "plant", "probe"];
  expect(faulty.filter((name) => !product.includes(name)).sort()).toEqual(onlyForTests);
  expect(product.filter((name) => !faulty.includes(name))).toEqual([]);
});
