import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { gatedSide, keepProof, proofIn, requireProof, type Subject } from "../../src/cli/proof.ts";
import type { CrosscheckResult } from "../../src/crosscheck/result.ts";
import type { Potential } from "../../src/system/potential.ts";
import { pairPotential } from "../crosscheck/pair-potential.ts";
import { check } from "../crosscheck/run.ts";
import { singleAtom } from "../systems.ts";

const subject: Subject = { model: "0", engine: "1.0.0 (build abc)", card: "NVIDIA H100 (sm_90)", driver: "13.0" };
/** The same whose forces are wrong by so many eV/Å. */
const off = (by: number): Potential => ({
  ...pairPotential(gatedSide),
  evaluate: async (...asked) =>
    (await pairPotential(gatedSide).evaluate(...asked)).map((e) => ({ ...e, forces: e.forces?.map((f) => f + by) ?? null })),
});
const resultOf = async (side: Potential, reference = "torch:cpu:f64", options: Parameters<typeof check>[2] = {}) =>
  (await check([side], pairPotential(reference), { laws: [], ...options })).result;

let folder: string;
let variables: NodeJS.ProcessEnv;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-proof-"));
  variables = { XDG_CACHE_HOME: folder };
});
afterEach(() => rm(folder, { recursive: true }));
const refusal = {
  code: "UNSUPPORTED",
  field: "side",
  message: expect.stringMatching(
    /only where a crosscheck has passed; none has with m\.st .*run painnless crosscheck m\.st .*--sides native:cuda:mixed/,
  ),
};

describe("the side that gives up digits", () => {
  test("is refused, with the command that lets it run, until a crosscheck has passed; that of this model, engine and card alone opens it", async () => {
    await expect(requireProof(variables, subject, "m.st")).rejects.toMatchObject(refusal);
    const notice = await keepProof(variables, await resultOf(off(1e-4)), subject);
    expect(notice).toMatch(/within its limits/);
    expect((await requireProof(variables, subject, "m.st")).forces).toBeCloseTo(1e-4, 9);
    for (const other of [{ model: "1" }, { engine: "1.0.0 (build abd)" }, { card: "NVIDIA A100 (sm_80)" }, { driver: "13.1" }])
      await expect(requireProof(variables, { ...subject, ...other }, "m.st")).rejects.toMatchObject(refusal);
  });

  test("is refused again after a crosscheck that failed", async () => {
    await keepProof(variables, await resultOf(off(1e-4)), subject);
    expect(await keepProof(variables, await resultOf(off(0.1)), subject)).toMatch(/not within its limits/);
    await expect(requireProof(variables, subject, "m.st")).rejects.toMatchObject(refusal);
  });

  test("is refused where what was noted is damaged, or was noted of another", async () => {
    await keepProof(variables, await resultOf(off(1e-4)), subject);
    const proofs = join(folder, "painnless", "proofs");
    const proof = await requireProof(variables, subject, "m.st");
    const files = await readdir(proofs);
    expect(files).toHaveLength(1); // nothing half written beside it
    const whole = JSON.stringify(proof);
    for (const text of [
      "",
      "{}",
      whole.slice(0, -1),
      whole.replace("painnless.proof/1", "painnless.proof/2"),
      whole.replace("H100", "H200"),
    ]) {
      await writeFile(join(proofs, files[0] ?? ""), text);
      await expect(requireProof(variables, subject, "m.st")).rejects.toMatchObject(refusal);
    }
    await writeFile(join(proofs, files[0] ?? ""), whole);
    expect(await requireProof(variables, subject, "m.st")).toEqual(proof);
  });
});

test("a cache that cannot be written is told, by what was to be noted there", async () => {
  await writeFile(join(folder, "painnless"), "");
  const error = (message: RegExp) => ({ code: "NOT_FOUND", message: expect.stringMatching(message) });
  await expect(keepProof(variables, await resultOf(off(1e-4)), subject)).rejects.toMatchObject(error(/cannot note .* within its limits/));
  await expect(requireProof(variables, subject, "m.st")).rejects.toMatchObject(refusal);
  await rm(join(folder, "painnless"));
  await keepProof(variables, await resultOf(off(1e-4)), subject);
  const proofs = join(folder, "painnless", "proofs");
  const [name = ""] = await readdir(proofs);
  await rm(join(proofs, name));
  await mkdir(join(proofs, name));
  await expect(keepProof(variables, await resultOf(off(0.1)), subject)).rejects.toMatchObject(error(/cannot take back .* remove/));
});

const broken = (result: CrosscheckResult): CrosscheckResult => ({
  ...result,
  sides: result.sides.map((side) =>
    side.name === gatedSide ? { ...side, error: { code: "INTERNAL", message: "", structure: null } } : side,
  ),
});

test.each<[string, () => Promise<CrosscheckResult>, unknown]>([
  [
    "forces within the limit",
    () => resultOf(off(1e-3)),
    expect.objectContaining({ reference: "torch:cpu:f64", structures: expect.any(Number) }),
  ],
  ["forces beyond it", () => resultOf(off(0.1)), "failed"],
  ["forces that are no numbers", () => resultOf(off(Number.NaN)), "failed"],
  ["a side that threw", async () => broken(await resultOf(off(0))), "failed"],
  ["a float32 reference", () => resultOf(off(0), "torch:cpu:f32"), null],
  ["another side", () => resultOf(pairPotential("native:cuda:f32")), null],
  ["too few atoms", () => resultOf(off(0), "torch:cpu:f64", { structures: [singleAtom], samples: 0, boxes: false }), null],
  ["another model", async () => ({ ...(await resultOf(off(0))), model: { ...(await resultOf(off(0))).model, sha256: "1" } }), null],
])("a crosscheck with %s", async (_, result, expected) => {
  expect(proofIn(await result(), subject)).toEqual(expected);
});
