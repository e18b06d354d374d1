import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "./run.ts";

/** Something to move that costs next to nothing: three atoms in a box, and the smallest golden model with a readout so weak that its random
 *  weights do not tear them apart. @returns paths of the model and of the structure */
export async function tinySystem(folder: string): Promise<{ model: string; structure: string }> {
  const bytes = await readFile(join(root, "tests/golden/model-file/painn.safetensors"));
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  const [from, to] = header["output_modules.0.outnet.1.weight"].data_offsets;
  for (let at = 8 + length + from; at < 8 + length + to; at += 4) bytes.writeFloatLE(bytes.readFloatLE(at) * 1e-5, at);
  const [model, structure] = [join(folder, "tiny.safetensors"), join(folder, "box.xyz")];
  await writeFile(model, bytes);
  await writeFile(structure, '3\nLattice="5 0 0 0 5 0 0 0 5" pbc="T T T"\nH 0 0 0\nH 1.2 0 0.1\nHe 0.3 2 1\n');
  return { model, structure };
}
