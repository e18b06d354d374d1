import { expect } from "vitest";
import type { NativeTensors, TestAddon } from "../../src/engine/native.ts";
import type { Random } from "../../src/system/random.ts";
import { assertClose } from "../close.ts";
import { arrayOf, type Backend, probe, type Row } from "./rows.ts";

/** Relative to the largest value of an array, or to 1; reasons: docs/accuracy.md, layers. */
const tolerances = { f64: 1e-14, f32: 5e-6 } as const;
const tableTolerances = { W: 1e-8, d: 3e-7 } as const;

/** Fails unless both passes of a layer equal PyTorch's. */
export function checkRow(addon: TestAddon, backend: Backend, row: Row): void {
  const answer = probe(addon, backend, row);
  const table = row.layer === "table" && backend.precision === "f64" ? tableTolerances : null;
  checkArrays(answer.outputs, row.outputs, table?.W ?? tolerances[backend.precision]);
  checkArrays(answer.inputBars, row.inputBars, table?.d ?? tolerances[backend.precision]);
}

function checkArrays(actual: NativeTensors, expected: NativeTensors, tolerance: number): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    const found = arrayOf(actual, name);
    const scale = values.reduce((largest, x) => Math.max(largest, Math.abs(x)), 1);
    if (values.length === 0) expect(found.length, name).toBe(0);
    else assertClose(found, values, tolerance, scale);
  }
}

/** Fails unless the adjoint is the derivative of the forward pass along a random direction: fourth-order central differences. */
export function checkDerivative(addon: TestAddon, backend: Backend, row: Row, random: Random): void {
  const direction = randomDirection(row, random);
  const energy = (h: number): number => {
    const { outputs } = probe(addon, backend, row, moved(row, direction, h), {});
    return Object.entries(row.outputBars).reduce((sum, [name, bars]) => sum + dot(bars, arrayOf(outputs, name)), 0);
  };
  const h = 1e-3;
  const slope = (8 * (energy(h) - energy(-h)) - (energy(2 * h) - energy(-2 * h))) / (12 * h);
  const { inputBars } = probe(addon, backend, row);
  const terms = [...direction].map(([name, v]) =>
    // G holds a pair's derivative at both its edges.
    name === "vectors" ? dot(v, arrayOf(inputBars, "G")) / 2 : dot(v, arrayOf(inputBars, name)),
  );
  const expected = terms.reduce((sum, x) => sum + x, 0);
  assertClose([slope], [expected], 1e-9, Math.max(1, Math.abs(energy(0)), ...terms.map(Math.abs)));
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, k) => sum + x * (b[k] ?? Number.NaN), 0);

type Direction = ReadonlyMap<string, Float64Array>;

/** Of every input that has a bar; a pair moves as one. What has no derivative there stays: a distance where the second derivative of the
 *  cutoff jumps, and the student's vectors where their length has a kink. */
function randomDirection({ inputs, inputBars, config }: Row, random: Random): Direction {
  const direction = new Map<string, Float64Array>();
  for (const name of Object.keys(inputBars)) {
    if (name === "G") {
      const reverse = arrayOf(inputs, "reverse");
      const v = arrayOf(inputs, "vectors").map(() => random.normal());
      const opposite = v.map((_, k) => v[3 * (reverse[Math.floor(k / 3)] as number) + (k % 3)] as number);
      direction.set(
        "vectors",
        v.map((x, k) => x - (opposite[k] as number)),
      );
      continue;
    }
    const still = (x: number): boolean => (name === "d" && x > config.cutoff - 0.01) || (name === "v" && x === 0);
    direction.set(
      name,
      arrayOf(inputs, name).map((x) => (still(x) ? 0 : random.normal())),
    );
  }
  return direction;
}

/** The row's inputs moved by h. Where vectors move, distances change, and filters by their given derivative times that. */
function moved({ inputs }: Row, direction: Direction, h: number): NativeTensors {
  const changed: Record<string, Float64Array> = { ...inputs };
  for (const [name, v] of direction) changed[name] = arrayOf(inputs, name).map((x, k) => x + h * (v[k] as number));
  if (!direction.has("vectors")) return changed;
  const [before, after] = [lengths(arrayOf(inputs, "vectors")), lengths(arrayOf(changed, "vectors"))];
  const dW = arrayOf(inputs, "dW");
  const edgeOf = (k: number): number => Math.floor(k / (dW.length / before.length));
  const filters = arrayOf(inputs, "W").map((w, k) => {
    const e = edgeOf(k);
    return w + (dW[k] as number) * ((after[e] as number) - (before[e] as number));
  });
  return { ...changed, W: filters };
}

const lengths = (vectors: Float64Array): Float64Array =>
  Float64Array.from({ length: vectors.length / 3 }, (_, e) => Math.hypot(...vectors.subarray(3 * e, 3 * e + 3)));
