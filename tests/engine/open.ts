import { afterAll } from "vitest";
import { createNativeEngine, type NativeEngine, type NativeEngineOptions } from "../../src/engine/engine.ts";
import type { Evaluation, Potential, Property } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "./models.ts";

export const painn = randomModel("painn-schnetpack");
export const student = randomModel("painn-distiller");

const opened: Potential[] = [];
afterAll(() => Promise.all(opened.map((potential) => potential.close())));

/** An engine of one thread in float64, unless the options say otherwise; closed when the tests of the file are done. */
export function open(options: Partial<NativeEngineOptions> = {}, model = painn): NativeEngine {
  const engine = createNativeEngine(model, { device: "cpu", precision: "f64", threads: 1, ...options });
  opened.push(engine);
  return engine;
}

export const everything: Property[] = ["energy", "forces", "stress", "energies"];

/** All numbers of an evaluation, to be compared bit for bit. */
export function bits(evaluation: Evaluation | undefined): number[] {
  const { energy, forces, stress, energies } = evaluation as Evaluation;
  return [energy, ...(forces ?? []), ...(stress ?? []), ...(energies ?? [])];
}

export async function one(potential: Potential, structure: Structure, want = everything): Promise<Evaluation> {
  const [evaluation] = await potential.evaluate([structure], want);
  return evaluation as Evaluation;
}
