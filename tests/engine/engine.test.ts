import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterAll, describe, expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { createNativeEngine, type NativeEngineOptions } from "../../src/engine/engine.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Evaluation, Potential, Property } from "../../src/system/potential.ts";
import { Random } from "../../src/system/random.ts";
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
import { randomModel } from "./models.ts";

const opened: Potential[] = [];
afterAll(() => Promise.all(opened.map((potential) => potential.close())));

const painn = randomModel("painn-schnetpack");
const student = randomModel("painn-distiller");
const open = (options: Partial<NativeEngineOptions> = {}, model = painn) => {
  const engine = createNativeEngine(model, { device: "cpu", precision: "f64", threads: 1, ...options });
  opened.push(engine);
  return engine;
};
const everything: Property[] = ["energy", "forces", "stress", "energies"];
const one = async (potential: Potential, structure: Structure, want = everything): Promise<Evaluation> => {
  const [evaluation] = await potential.evaluate([structure], want);
  return evaluation as Evaluation;
};

/** A gas of random atoms, none too near another. */
function gas(atoms: number, seed: number): Structure {
  const random = new Random(seed, "gas");
  const size = Math.cbrt(atoms / 0.05);
  const positions: number[][] = [];
  while (positions.length < atoms) {
    const p = [0, 1, 2].map(() => size * random.uniform());
    if (positions.every((q) => Math.hypot(...q.map((x, c) => x - (p[c] as number))) > 0.9)) positions.push(p);
  }
  const numbers = positions.map(() => [1, 6, 7, 8][random.integer(4)] as number);
  const cell = Float64Array.from([size, 0, 0, 0.3 * size, size, 0, 0, 0.1 * size, size]);
  return { name: `gas of ${atoms}`, numbers, positions: Float64Array.from(positions.flat()), cell, pbc: [true, true, true] };
}

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

const at = (changes: Partial<Structure>): Structure => ({ ...water, name: "bad one", ...changes });
const moved = (k: number, x: number) => at({ positions: water.positions.with(k, x) });

describe("bad input is refused by name, and the next call answered", () => {
  test.each<[string, Structure, string, RegExp]>([
    ["no atoms", at({ numbers: [], positions: new Float64Array() }), "numbers", /0 atoms/],
    ["too few positions", at({ positions: water.positions.slice(0, 8) }), "positions", /8 numbers, expected 9/],
    ["NaN", moved(4, Number.NaN), "positions", /atom 1, y, is NaN/],
    ["infinity", moved(8, Number.POSITIVE_INFINITY), "positions", /atom 2, z, is Infinity/],
    ["an atom absurdly far away", moved(0, 1e7), "positions", /atom 0, x, is 10000000/],
    ["Z = 0", at({ numbers: [0, 1, 1] }), "numbers", /atom 0 has atomic number 0/],
    ["an unknown element", at({ numbers: [8, 1, 79] }), "numbers", /atom 2 has atomic number 79.*knows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10/],
    ["coincident atoms", at({ positions: Float64Array.of(0, 0, 0, 1, 0, 0, 1, 0, 0) }), "positions", /"bad one": atoms 1 and 2 coincide/],
    [
      "coincident through the boundary",
      { ...smallCrystal, name: "bad one", positions: Float64Array.of(0, 0, 0, 3, 0.1, 0) },
      "positions",
      /"bad one": atoms 0 and 1 coincide/,
    ],
    ["periodic without a cell", at({ pbc: [true, true, true] }), "cell", /no cell/],
    ["a singular cell", { ...cubic, name: "bad one", cell: Float64Array.of(9, 0, 0, 9, 0, 0, 0, 0, 9) }, "cell", /singular/],
    ["a cell with NaN", { ...cubic, name: "bad one", cell: cubic.cell.with(4, Number.NaN) }, "cell", /cell\[1\]\[1\] is NaN/],
    [
      "too many atoms",
      at({ numbers: Array<number>(1_000_001).fill(1), positions: new Float64Array(3_000_003) }),
      "numbers",
      /limit is 1000000/,
    ],
  ])("%s", async (_, structure, field, message) => {
    const engine = open();
    const refusal = { name: "PainnlessError", code: "BAD_STRUCTURE", field, message: expect.stringMatching(message) };
    await expect(engine.evaluate([water, structure, ethanol])).rejects.toMatchObject(refusal);
    expect((await one(engine, water)).energy).toBe((await one(open(), water)).energy);
  });

  test("a molecule's model refuses crystals", async () => {
    await expect(open({}, student).evaluate([cubic])).rejects.toMatchObject({ code: "BAD_STRUCTURE", field: "pbc" });
  });

  test("elements of the training set, where they are known", async () => {
    const engine = open({}, randomModel("painn-schnetpack", { elements: [1, 8] }));
    await expect(engine.evaluate([ethanol])).rejects.toThrow(/knows 1, 8$/);
    expect((await engine.evaluate([water])).length).toBe(1);
  });

  test("weights that overflow give NOT_FINITE, with the atom", async () => {
    const huge = randomModel("painn-schnetpack");
    huge.tensors.get("representation.embedding.weight")?.data.fill(1e300);
    await expect(open({}, huge).evaluate([water])).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringMatching(/structure "water": the energy of atom 0 is/),
    });
  });

  test.each<[string, Partial<NativeEngineOptions>, ErrorCode, string]>([
    ["no threads", { threads: 0 }, "USAGE", "threads"],
    ["half a thread", { threads: 1.5 }, "USAGE", "threads"],
    ["negative bytes", { activationBytes: -1 }, "USAGE", "activationBytes"],
    ["a device that is not there", { device: "cuda" }, "MISSING", "device"],
    ["an instruction set that does not exist", { instructionSet: "sse9" as "plain" }, "USAGE", "instructionSet"],
  ])("%s", (_, options, code, field) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code, field }));
  });
});

describe("off the event loop", () => {
  test("later calls wait in order, and the loop turns meanwhile", async () => {
    const engine = open();
    const order: string[] = [];
    const large = engine.evaluate([gas(600, 2)]).then(() => order.push("large"));
    const small = engine.evaluate([water]).then(() => order.push("small"));
    await new Promise((resolve) => setImmediate(resolve)).then(() => order.push("loop"));
    await Promise.all([large, small]);
    expect(order).toEqual(["loop", "large", "small"]);
  });

  test("the caller may change his arrays at once", async () => {
    const engine = open();
    const expected = await one(engine, water);
    const mine = { ...water, positions: water.positions.slice() };
    const answer = engine.evaluate([mine], everything);
    mine.positions.fill(0);
    expect((await answer)[0]).toEqual(expected);
  });

  test("closed while busy: what runs is answered, what waits is refused, later calls too", async () => {
    const engine = open();
    let answered = false;
    const running = engine.evaluate([gas(400, 3)]).finally(() => {
      answered = true;
    });
    const waiting = engine.evaluate([water]);
    const refused = expect(waiting).rejects.toMatchObject({ name: "PainnlessError", code: "CANCELLED" });
    await engine.close();
    expect(answered).toBe(true);
    await refused;
    expect((await running)[0]?.forces?.length).toBe(1200);
    await expect(engine.evaluate([water])).rejects.toMatchObject({ code: "CANCELLED" });
    await engine.close();
  });

  test.runIf(process.platform === "linux")("a closed engine's threads are gone", async () => {
    const threads = () => readdirSync("/proc/self/task").length;
    const before = threads();
    const engines = Array.from({ length: 5 }, () => open({ threads: 4 }));
    await Promise.all(engines.map((engine) => engine.evaluate([water])));
    expect(threads()).toBeGreaterThanOrEqual(before + 15);
    await Promise.all(engines.map((engine) => engine.close()));
    expect(threads()).toBeLessThan(before + 5);
  });

  test("a thread of Node that ends in the middle of an evaluation takes nothing down", async () => {
    const addon = fileURLToPath(new URL("../../build/native/painnless.node", import.meta.url));
    const text = `
      const { workerData, parentPort } = require("node:worker_threads");
      const engine = require(workerData.addon).createCpuEngine(workerData.config, workerData.tensors, workerData.options);
      for (let k = 0; k < 20; k++) engine.evaluate(workerData.batch, { forces: true, stress: false }).catch(() => {});
      parentPort.postMessage("busy");`;
    const { nativeConfig, nativeTensors } = await import("../../src/engine/weights.ts");
    const { packBatch } = await import("../../src/engine/batch.ts");
    const options = { precision: "f64", threads: 2, instructionSet: null, activationBytes: 1e9 };
    const workerData = { addon, config: nativeConfig(painn), tensors: nativeTensors(painn), options, batch: packBatch([gas(300, 4)]) };
    const worker = new Worker(text, { eval: true, workerData });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    expect((await one(open(), water)).energy).toBe((await one(open(), water)).energy);
  });

  test("10,000 small evaluations leave memory flat", async () => {
    const engine = open({ precision: "f32" });
    const run = async (count: number) => {
      for (let k = 0; k < count; k++) await engine.evaluate([ethanol], everything);
      return process.memoryUsage().rss;
    };
    const before = await run(4000);
    const after = await run(6000);
    expect(after - before).toBeLessThan(32 * 2 ** 20);
  });
});

test("the engine's own stopwatch, and the ceiling of its arithmetic", async () => {
  const seconds = await open().time([water], ["forces"], 5);
  expect(seconds.length).toBe(5);
  expect(seconds.every((s) => s > 0 && s < 10)).toBe(true);
  const addon = loadAddon();
  for (const set of addon.instructionSets()) expect(addon.peak(set, "f64")).toBeGreaterThan(1e8);
  expect(addon.faults()).toEqual([]);
  expect(() => addon.plant("anything")).toThrow(/plants none/);
});
