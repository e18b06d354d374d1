import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { finiteDifferencePotential } from "../../src/crosscheck/fd.ts";
import { loadAddon } from "../../src/engine/addon.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { withBridge } from "../../src/python/bridge.ts";
import { type PythonEnvironment, resolvePython } from "../../src/python/environment.ts";
import { startWorker } from "../../src/python/worker.ts";
import type { Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { ethanol, smallCrystal } from "../systems.ts";
import { check } from "./run.ts";

/** The test build of the engine plants one fault at a time in the C++ of forward or adjoint; PyTorch in a worker is the reference. */
const addon = loadAddon("faulty");

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Subject {
  readonly architecture: string;
  readonly structures: readonly Structure[];
}
const painn: Subject = { architecture: "painn-schnetpack", structures: [ethanol, smallCrystal] };
const student: Subject = { architecture: "painn-distiller", structures: [ethanol] };
const subjects = [painn, student];

const sides = new Map<Subject, { reference: Potential; engine: Potential }>();
let folder = "";

/** Asks each question once: no fault is planted in it, and what it has to say of a structure takes most of this file's time. */
function remembered(potential: Potential): Potential {
  const answers = new Map<string, ReturnType<Potential["evaluate"]>>();
  const { name, provides, domain } = potential;
  const evaluate: Potential["evaluate"] = (batch, want) => {
    const question = JSON.stringify([batch, want]);
    const answer = answers.get(question) ?? potential.evaluate(batch, want);
    answers.set(question, answer);
    return answer;
  };
  return { name, provides, domain, evaluate, close: () => potential.close() };
}

async function open(subject: Subject, python: PythonEnvironment, model: string): Promise<void> {
  const connect = RemotePotential.connect.bind(RemotePotential);
  const reference = await startWorker({ python, serve: "torch", model, device: "cpu", precision: "f64", threads: 1 }, connect);
  const engine = createNativeEngine(await readModelFile(model), { device: "cpu", precision: "f64", threads: 1, addon });
  sides.set(subject, { reference: remembered(reference), engine });
}

beforeAll(async () => {
  const python = await resolvePython();
  folder = await mkdtemp(join(tmpdir(), "painnless-faults-"));
  const studentFile = join(folder, "student.safetensors");
  await withBridge(python, (bridge) => bridge.importCheckpoint(join(root, "tests/golden/distiller/student.onnx"), studentFile, null));
  await Promise.all([open(painn, python, join(root, "models/ethanol.safetensors")), open(student, python, studentFile)]);
}, 120_000);
afterEach(() => addon.plant(null));
afterAll(async () => {
  for (const { reference, engine } of sides.values()) await Promise.all([reference.close(), engine.close()]);
  await rm(folder, { recursive: true, force: true });
});

/** Crosscheck of the engine as it now is; laws of the least cost that still cover forces, images and symmetry. */
async function checkEngine(subject: Subject) {
  const { reference, engine } = sides.get(subject) ?? expect.fail(`no sides for ${subject.architecture}`);
  const { result } = await check([engine, finiteDifferencePotential(engine)], reference, {
    structures: subject.structures,
    samples: 1,
    boxes: false,
    laws: ["rotation", "permutation", "net-force", "net-torque", "finite-difference", "small-cell"],
  });
  return result;
}

test("the build can plant faults, and the product cannot", () => {
  expect(addon.faults().length).toBeGreaterThanOrEqual(12);
  expect(loadAddon("product")).not.toHaveProperty("plant");
});

test.each(subjects)("without a fault $architecture passes", async (subject) => {
  const result = await checkEngine(subject);
  expect(result.comparisons.flatMap(({ reasons }) => reasons)).toEqual([]);
  expect(result.verdict).toBe("pass");
});

describe.each(addon.faults())("%s", (fault) => {
  test("is found, and is the engine's", async () => {
    addon.plant(fault);
    // A fault may live in the layers of one architecture only; there, comparison and a law must both find it.
    const first = await checkEngine(painn);
    const { verdict, comparisons, laws } = first.verdict === "fail" ? first : await checkEngine(student);
    expect(verdict).toBe("fail");
    expect(comparisons.find(({ side, reference }) => side === "native:cpu:f64" && reference === "torch:cpu:f64")?.verdict).toBe("fail");
    expect(laws.filter(({ attribution }) => attribution === "engine").map(({ name }) => name)).not.toEqual([]);
  }, 120_000);
});
