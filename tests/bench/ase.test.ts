import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { aseResultSchema, runAseRow, Script } from "../../src/bench/ase.ts";
import { aseSummary } from "../../src/cli/bench-ase.ts";
import type { PythonEnvironment } from "../../src/python/environment.ts";
import type { Structure } from "../../src/system/structure.ts";

const python = { executable: fileURLToPath(new URL("fake-script.mjs", import.meta.url)) } as PythonEnvironment;
const structure: Structure = { name: "two", numbers: [1, 1], positions: new Float64Array(6), cell: null, pbc: [false, false, false] };
const judged = [0, 1].map((set) => ({ energies: [-1], forces: Float64Array.of(set, 0, 0, -set, 0, 0) }));
const given = { model: "m", energyUnit: null, device: "cpu", precision: "f32" } as const;

const opened: Script[] = [];
async function start(calculator: "reference" | "painnless", fault = ""): Promise<Script> {
  vi.stubEnv("FAKE", fault);
  const script = await Script.start(python, { ...given, calculator }, [structure, structure], () => performance.now() / 1e3);
  opened.push(script);
  return script;
}
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(opened.splice(0).map((script) => script.close()));
});

const sides = { before: "torch:cpu:f32", after: "native:cpu:f32" };
const schedule = { seconds: 0, minimumRounds: 3, turn: 0.01, sets: 2, evaluations: 4, now: () => 0 };
const inputs = {
  ...{ judge: "native:cpu:f64", sets: 2, atoms: [2], cutoff: 5 },
  movement: async () => [{ components: 6, rms: 0, largest: 0 }],
};
const race = async (fault = "") => runAseRow(await start("reference"), await start("painnless", fault), sides, judged, inputs, schedule);

describe("a script before and after its calculator is swapped", () => {
  test("gives the times of a step, by ASE and inside the engine, and their ratios", async () => {
    const row = await race();
    expect(row).toMatchObject({ atoms: 2, before: { calculator: "reference" }, after: { calculator: "painnless" } });
    expect(row.before.step.medianMs).toBeCloseTo(8, 9);
    expect(row.after.step.medianMs).toBeCloseTo(2, 9);
    expect(row.inside.medianMs).toBeCloseTo(0.5, 9);
    expect(row.ratio.value).toBeCloseTo(4, 9);
    expect(row.insideRatio.value).toBeCloseTo(16, 9);
    expect(row.after.startSeconds).toBeGreaterThan(0);
    const result = aseResultSchema.parse({
      ...{ format: "painnless.ase/1", side: "native:cpu:f32", card: "a CPU", commit: null, command: "", started: "", rows: [row] },
      ...{ machine: { platform: "linux", arch: "x64", cpu: "a CPU", cores: 2, versions: {} }, load: { before: 0, after: 0 } },
      ...{ model: { name: "m", sha256: "ab" }, insteadOfSchnetpack: "schnetpack is not installed" },
    });
    expect(aseSummary(result)).toMatch(/own calculator was not timed: schnetpack is not installed.*8\.00 .*2\.00 .*4\.0x/s);
  });

  test.each([
    ["wrong", "NOT_FINITE", "painnless, after is not timed"],
    ["NaN", "BAD_MESSAGE", "answered"],
  ])("is not timed where its forces are %s", async (fault, code, message) => {
    await expect(race(fault)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  test("says why a calculator could not be made", async () => {
    await expect(start("painnless", "no model")).rejects.toMatchObject({
      code: "WORKER_FAILED",
      message: expect.stringContaining("no model"),
    });
  });
});
