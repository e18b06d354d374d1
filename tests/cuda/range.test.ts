import { expect, test } from "vitest";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, water } from "../systems.ts";
import { openCpu, openCuda } from "./open.ts";

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** Atoms so near each other that the model's numbers go beyond 65,504. */
const squeezed = (structure: Structure, by: number): Structure => ({
  ...structure,
  name: `${structure.name}, squeezed`,
  cell: null,
  pbc: [false, false, false],
  positions: structure.positions.map((x) => by * x),
});

test.each(["f32", "mixed"] as const)(
  "%s: numbers beyond fp16's range are computed without tensor cores, in float32; structures beside them keep their bits",
  { timeout: 300_000 },
  async (precision) => {
    const model = randomModel("painn-schnetpack", { n_layers: 2 });
    const far = [squeezed(gas(40, 2), 0.3), squeezed(gas(66, 2), 0.3)];
    const engine = await openCuda(model, precision, { beyond: true });
    const alone = [];
    for (const one of [ethanol, water, ...far]) alone.push(...(await engine.evaluate([one], everything)));
    expect((await engine.activity()).beyondRange).toBe(2);
    const [a, b, c, d] = alone;
    expect((await engine.evaluate([far[0], ethanol, far[1], water] as Structure[], everything)).map(bits)).toEqual(
      [c, a, d, b].map((one) => bits(one)),
    );
    expect((await engine.activity()).beyondRange).toBe(4);
    const expected = await openCpu(model).evaluate(far, everything);
    for (const [n, one] of [c, d].entries()) {
      const forces = expected[n]?.forces ?? [];
      expect(largest(forces)).toBeGreaterThan(1e4);
      assertClose(one?.forces ?? [], forces, 2e-5, largest(forces));
    }
  },
);

test("weights beyond fp16's range are refused, by name and with what takes them", async () => {
  const model = randomModel("painn-schnetpack");
  const tensors = new Map(model.tensors);
  const [name, tensor] = [...tensors].find(([name]) => name.endsWith("mu_channel_mix.weight")) ?? [];
  if (!name || !tensor) throw new Error("the model has no such weights");
  tensors.set(name, { ...tensor, data: tensor.data.map((x, n) => (n === 3 ? 7e4 : x)) });
  const heavy = { ...model, tensors };
  await expect(openCuda(heavy, "f32")).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/weight of 70000.*use native:cuda:f64/),
  });
  await expect((await openCuda(heavy, "f64")).evaluate([water], ["energy"])).resolves.toHaveLength(1);
});
