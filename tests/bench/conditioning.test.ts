import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Judgement, judgeByEngine } from "../../src/bench/card/judge.ts";
import { cardRow, makeSets } from "../../src/bench/card/rows.ts";
import { type Answer, type Contestant, type Inputs, verify } from "../../src/bench/trial.ts";
import { openExact } from "../../src/cli/sides.ts";
import { movementOf, type StructureMovement } from "../../src/crosscheck/conditioning.ts";
import { loadAddon } from "../../src/engine/addon.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import type { Potential } from "../../src/system/potential.ts";
import { randomModel } from "../engine/models.ts";
import { open } from "../engine/open.ts";

/** Forces of 2,100 eV/Å that are differences of much larger terms: float32 is further off than its usual bound, whoever computes it. */
const model: ModelFile = (() => {
  const random = randomModel("painn-schnetpack", { n_layers: 3 });
  const rounded = [...random.tensors].map(([name, tensor]) => [name, { ...tensor, data: Float32Array.from(tensor.data) }] as const);
  return { ...random, tensors: new Map(rounded) };
})();
const sets = makeSets(cardRow("20", 1), 2, 1, null);
const faulty = loadAddon("faulty");

let judgement: Judgement;
let largest: number;
beforeAll(async () => {
  judgement = await judgeByEngine(open({}, model), sets, model, 1, openExact);
  largest = Math.max(...(judgement.answers[0]?.forces ?? []).map(Math.abs));
});
afterAll(() => faulty.plant(null));

const contestant = (potential: Potential): Contestant => ({
  ...{ name: potential.name, side: potential.name, time: async () => [1] },
  evaluate: async (set) => judgement.of(await potential.evaluate(sets[set] ?? [], judgement.want), set),
});
/** The right answer, changed. */
const changed = (side: string, change: (force: number, k: number) => number): Contestant => ({
  ...{ name: side, side, time: async () => [1] },
  async evaluate() {
    const [{ energies, forces }] = judgement.answers as [Answer];
    return { energies, forces: forces.map(change) };
  },
});
const judge = (one: Contestant, inputs: Inputs = judgement.inputs) => verify(one, judgement.answers, inputs);
const movement = async () => (await judgement.inputs.movement(0))[0] as StructureMovement;
const refused = { code: "NOT_FINITE", message: expect.stringContaining("native:cpu:f64") };

describe("where a model extrapolates", () => {
  test.each(loadAddon().instructionSets())("float32 is accepted beyond its usual bound, on %s", async (instructionSet) => {
    const accuracy = await judge(contestant(open({ precision: "f32", instructionSet }, model)));
    expect(accuracy.forces).toBeGreaterThan(5e-6 * largest);
    expect(accuracy.tolerance).toBeGreaterThan(accuracy.forces);
    expect(accuracy.tolerance).toBeLessThan(1e-3 * largest);
  });

  test("faults are not", async () => {
    const engine = contestant(open({ precision: "f32", addon: faulty }, model));
    const right = await engine.evaluate(0);
    let planted = 0;
    for (const fault of faulty.faults()) {
      faulty.plant(fault);
      const wrong = await engine.evaluate(0);
      // Filters that are looked up know nothing of how their derivative is computed.
      if (wrong.forces.every((f, k) => f === right.forces[k])) continue;
      planted++;
      await expect(judge(engine), fault).rejects.toMatchObject(refused);
    }
    expect(planted).toBeGreaterThan(8);
  });

  test("nor is one component that is wrong, nor what is wrong everywhere by less, nor NaN", async () => {
    const { largest: moved, rms } = await movement();
    const at = (size: number) => changed("native:cuda:f32", (f, k) => (k === 7 ? f + size : f));
    await expect(judge(at(5.9 * moved))).resolves.toMatchObject({ tolerance: 6 * moved });
    await expect(judge(at(6.1 * moved))).rejects.toMatchObject(refused);
    const everywhere = changed("native:cuda:f32", (f, k) => f + 6.1 * rms * (k % 2 === 0 ? 1 : -1));
    expect(6.1 * rms).toBeLessThan(6 * moved);
    await expect(judge(everywhere)).rejects.toMatchObject(refused);
    await expect(judge(at(Number.NaN))).rejects.toMatchObject(refused);
  });

  test("float64 and mixed precision keep their bounds, and nobody asks how far forces move", async () => {
    const movement = () => Promise.reject(new Error("is not asked"));
    const by = (side: string, part: number) =>
      judge(
        changed(side, (f, k) => (k === 7 ? f + part * largest : f)),
        { ...judgement.inputs, movement },
      );
    await expect(by("native:cuda:f64", 1e-12)).rejects.toMatchObject(refused);
    await expect(by("native:cuda:mixed", 1.1e-2)).rejects.toMatchObject(refused);
    await expect(by("native:cuda:f32", 4e-6)).resolves.toMatchObject({ tolerance: 5e-6 * largest });
  });

  test("a judge that is wrong, forces that are NaN, or that no weight decides, allow nothing", async () => {
    const off = changed("native:cuda:f32", (f) => 1.01 * f);
    await expect(judge(off)).rejects.toMatchObject(refused);
    for (const size of [Number.NaN, Number.POSITIVE_INFINITY, 1]) {
      const movement = async () => [{ components: 60, rms: size * largest, largest: size * largest }];
      await expect(judge(off, { ...judgement.inputs, movement })).rejects.toMatchObject(refused);
    }
  });

  test("of a judge elsewhere it is our own forces that move", async () => {
    const right = await movement();
    const shifted = movementOf(model, openExact, [20], async (potential, set) => {
      const answer = judgement.of(await potential.evaluate(sets[set] ?? [], judgement.want), set);
      return { ...answer, forces: answer.forces.map((f) => f + 1e4) };
    });
    expect(((await shifted(0))[0]?.largest ?? 0) / right.largest).toBeCloseTo(1, 5);
  });

  test("structures of a set move as they do alone", async () => {
    const [two, one] = [makeSets(cardRow("20", 2), 3, 1, null), makeSets(cardRow("20", 1), 4, 1, null)];
    const batch = [...(two[0] ?? []), ...(one[0] ?? [])];
    const of = async (structures: typeof batch) =>
      (await judgeByEngine(open({}, model), [structures], model, 1, openExact)).inputs.movement(0);
    expect(await of(batch)).toEqual((await Promise.all(batch.map((structure) => of([structure])))).flat());
  });
});
