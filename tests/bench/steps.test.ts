import { expect, test } from "vitest";
import { stepsFromPython } from "../../src/cli/bench-steps.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { ethanol } from "../systems.ts";

test("steps from Python: ASE's and those inside the engine, which are shorter", async () => {
  const engine = createNativeEngine(await readModelFile("models/ethanol.safetensors"), { device: "cpu", precision: "f32", threads: 1 });
  try {
    const { ase, inside } = await stepsFromPython(await resolvePython(), engine, ethanol, 2e-3);
    expect([ase.length, inside.length]).toEqual([7, 7]);
    expect(Math.min(...inside)).toBeGreaterThan(1e-5);
    expect(Math.min(...ase)).toBeGreaterThan(Math.min(...inside));
  } finally {
    await engine.close();
  }
});
