import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { LayerAnswer, LayerQuestion, NativeConfig, NativeTensors, TestAddon } from "../../src/engine/native.ts";
import { nativeConfig, nativeTensors } from "../../src/engine/weights.ts";
import { readModelFile } from "../../src/model/model-file.ts";

/** One row of tests/golden/layers: what PyTorch's autograd says of a layer. */
export interface Row {
  readonly name: string;
  readonly config: NativeConfig;
  readonly tensors: NativeTensors;
  readonly layer: LayerQuestion["layer"];
  readonly index: number;
  readonly inputs: NativeTensors;
  readonly outputs: NativeTensors;
  readonly outputBars: NativeTensors;
  readonly inputBars: NativeTensors;
}

interface Stored {
  readonly layer: LayerQuestion["layer"] | "embedding";
  readonly index: number;
  readonly case: string;
  readonly inputs: StoredArrays;
  readonly outputs: StoredArrays;
  readonly outputBars: StoredArrays;
  readonly inputBars: StoredArrays;
}
type StoredArrays = Readonly<Record<string, { data: number[] }>>;

const arrays = (group: StoredArrays): NativeTensors =>
  Object.fromEntries(Object.entries(group).map(([name, { data }]) => [name, Float64Array.from(data)]));

/** @throws unless it is there */
export const arrayOf = (group: NativeTensors, name: string): Float64Array => group[name] ?? expect.fail(`there is no array "${name}"`);

/** Without distances that the engine never asks a filter for: it has no pairs beyond the cutoff, and a table ends there. */
function withinCutoff(row: Row): Row {
  const d = arrayOf(row.inputs, "d");
  const inside = d.filter((x) => x <= row.config.cutoff).length / d.length;
  const cut = (group: NativeTensors): NativeTensors =>
    Object.fromEntries(Object.entries(group).map(([name, a]) => [name, a.slice(0, inside * a.length)]));
  const { inputs, outputs, outputBars, inputBars } = row;
  return { ...row, inputs: cut(inputs), outputs: cut(outputs), outputBars: cut(outputBars), inputBars: cut(inputBars) };
}

/** The rows of every layer; each filter row comes twice, computed directly and looked up in a table. */
export async function readRows(): Promise<Row[]> {
  const folder = new URL("../golden/layers/", import.meta.url);
  const files = ["painn", "bessel", "distiller"].map(async (name) => {
    const file = await readModelFile(fileURLToPath(new URL(`${name}.safetensors`, folder)));
    const model = { config: nativeConfig(file), tensors: nativeTensors(file) };
    const { rows } = JSON.parse(await readFile(new URL(`${name}.json`, folder), "utf8")) as { rows: Stored[] };
    return rows.flatMap(({ layer, index, case: what, inputs, outputs, outputBars, inputBars }): Row[] => {
      if (layer === "embedding") return []; // a look-up inside both networks, no layer of its own
      const rest = { inputs: arrays(inputs), outputs: arrays(outputs), outputBars: arrays(outputBars), inputBars: arrays(inputBars) };
      const row: Row = { name: `${name} ${layer} ${index}, ${what}`, layer, index, ...model, ...rest };
      return layer === "filter" ? [row, withinCutoff({ ...row, name: `${name} table ${index}, ${what}`, layer: "table" })] : [row];
    });
  });
  return (await Promise.all(files)).flat();
}

/** A CPU backend of the addon. */
export interface Backend {
  readonly set: "plain" | "avx2" | "avx512";
  readonly precision: "f64" | "f32";
}

/** The layer of a row on one backend, its inputs perhaps others than the row's. */
export function probe(addon: TestAddon, { set, precision }: Backend, row: Row, inputs = row.inputs, bars = row.outputBars): LayerAnswer {
  const question = { layer: row.layer, index: row.index, inputs, outputBars: bars };
  return addon.probe(set, precision, row.config, row.tensors, question);
}
