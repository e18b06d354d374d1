// A process that keeps the card busy until it is killed; says so when it has begun.
import { fileURLToPath } from "node:url";
import { createCudaEngine } from "../../dist/engine/cuda.js";
import { kernelCache, nvrtcCandidates } from "../../dist/engine/nvrtc.js";
import { readModelFile } from "../../dist/model/model-file.js";
import { resolvePython } from "../../dist/python/environment.js";

const model = await readModelFile(fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url)));
const nvrtc = await nvrtcCandidates(process.env, (await resolvePython()).sitePackages);
const engine = await createCudaEngine(model, { precision: "f32", nvrtc, cache: kernelCache(process.env) });
const numbers = Array.from({ length: 2000 }, (_, k) => (k % 3 === 0 ? 6 : 1));
const place = (/** @type {number} */ k) => [k % 13, Math.floor(k / 13) % 13, Math.floor(k / 169)];
const positions = Float64Array.from({ length: 6000 }, (_, q) => 2 * (place(Math.floor(q / 3))[q % 3] ?? 0));
for (let k = 0; ; k++) {
  await engine.evaluate([{ name: "lattice", numbers, positions, cell: null, pbc: [false, false, false] }]);
  if (k === 3) process.stdout.write("busy\n");
}
