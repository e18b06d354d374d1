#!/usr/bin/env node
/** Times the CUDA engine beside PyTorch on one card, same weights, same inputs, verified first:
 *
 *      node benchmarks/gpu.mjs MODEL.safetensors OUT.json [--cases 20,100,1000] [--no-compile]
 *
 *  Needs `dist` and a painnless model file. `network` is energy and forces with neighbours given, as PyTorch has them; `search` is the
 *  neighbour search; `whole` is from positions on the host to forces on the host. Milliseconds, medians over rounds. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { quantile } from "../dist/bench/statistics.js";
import { createCudaEngine } from "../dist/engine/cuda.js";
import { cudaCards } from "../dist/engine/device.js";
import { kernelCache, nvrtcCandidates } from "../dist/engine/nvrtc.js";
import { readModelFile } from "../dist/model/model-file.js";
import { childVariables, resolvePython } from "../dist/python/environment.js";
import { Random } from "../dist/system/random.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { cases: { type: "string" }, "no-compile": { type: "boolean", default: false } },
});
const [path = "", out = ""] = positionals;
const cases = [
  { name: "20", atoms: 20, structures: 1, rounds: 200 },
  { name: "100", atoms: 100, structures: 1, rounds: 200 },
  { name: "1000", atoms: 1000, structures: 1, rounds: 100 },
  { name: "10000", atoms: 10_000, structures: 1, rounds: 20 },
  { name: "1024x20", atoms: 20, structures: 1024, rounds: 20 },
  { name: "32768", atoms: 32_768, structures: 1, rounds: 10, alone: true },
  { name: "100000", atoms: 100_000, structures: 1, rounds: 5, alone: true },
  { name: "1000000", atoms: 1_000_000, structures: 1, rounds: 3, alone: true },
].filter(({ name }) => values.cases === undefined || values.cases.split(",").includes(name));

const model = await readModelFile(path);
const python = await resolvePython();
const nvrtc = await nvrtcCandidates(process.env, python.sitePackages);
const folder = mkdtempSync(join(tmpdir(), "painnless-gpu-"));
const elements = [1, 6, 7, 8].filter((z) => model.config.elements?.includes(z) ?? true);
const median = (/** @type {number[]} */ times) => quantile(times, 0.5);

/** Atoms near the points of a cubic lattice, 0.1 an Å³. @param {number} atoms @param {Random} random */
function box(atoms, random) {
  const side = Math.ceil(Math.cbrt(atoms) - 1e-9);
  const step = Math.cbrt(atoms * 10) / side;
  const place = (/** @type {number} */ k) => [k % side, Math.floor(k / side) % side, Math.floor(k / side ** 2)];
  const positions = Float64Array.from({ length: 3 * atoms }, (_, q) => step * (place(Math.floor(q / 3))[q % 3] ?? 0) + 0.2 * random.normal());
  const numbers = Array.from({ length: atoms }, () => elements[random.integer(elements.length)] ?? 6);
  return { name: `${atoms}`, numbers, positions, cell: null, pbc: /** @type {[boolean, boolean, boolean]} */ ([false, false, false]) };
}

const rows = [];
try {
  for (const { name, atoms, structures, rounds, alone = false } of cases) {
    const random = new Random(7, name);
    const batch = Array.from({ length: structures }, () => box(atoms, random));
    /** @type {Record<string, object>} */
    const ours = {};
    for (const precision of alone ? /** @type {const} */ (["f32"]) : /** @type {const} */ (["f32", "f64"])) {
      const start = performance.now();
      const engine = await createCudaEngine(model, { precision, nvrtc, cache: kernelCache(process.env) });
      const loaded = performance.now() - start;
      const evaluations = await engine.evaluate(batch, ["energy", "forces"]);
      const forces = Float64Array.from(evaluations.flatMap(({ forces }) => Array.from(forces ?? [])));
      writeFileSync(join(folder, `${name}.${precision}.forces`), forces);
      const card = [];
      for (let k = 0; k < 5; k++) card.push(await engine.seconds(batch, ["energy", "forces"], rounds));
      const whole = await engine.time(batch, ["energy", "forces"], rounds);
      const activity = await engine.activity();
      ours[precision] = {
        network: 1e3 * median(card.map(({ network }) => network)),
        search: 1e3 * median(card.map(({ search }) => search)),
        whole: 1e3 * median([...whole]),
        loaded,
        arenaMB: activity.arenaBytes / 1e6,
        captures: activity.captures,
      };
      await engine.close();
      process.stderr.write(`${name} ${precision} ${JSON.stringify(ours[precision])}\n`);
    }
    writeFileSync(join(folder, `${name}.positions`), Float64Array.from(batch.flatMap(({ positions }) => Array.from(positions))));
    writeFileSync(join(folder, `${name}.numbers`), Int32Array.from(batch.flatMap(({ numbers }) => numbers)));
    rows.push({ name, atoms, structures, alone, ours, torch: null });
  }
  const compared = rows.filter(({ alone }) => !alone).map(({ name, structures }) => `${name}:${structures}`);
  if (compared.length > 0) {
    const script = fileURLToPath(new URL("torch_gpu.py", import.meta.url));
    const flags = values["no-compile"] ? ["--no-compile"] : [];
    const { stdout, status } = spawnSync(python.executable, [script, path, folder, compared.join(","), ...flags], {
      env: childVariables(),
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
      maxBuffer: 1 << 26,
    });
    for (const line of stdout.split("\n").filter(Boolean)) {
      const { name, ...torch } = JSON.parse(line);
      Object.assign(rows.find((row) => row.name === name) ?? {}, { torch });
    }
    if (status !== 0) process.stderr.write(`torch_gpu.py ended with status ${status}\n`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const [card] = cudaCards();
const result = { card, model: model.sha256, command: `node benchmarks/gpu.mjs ${process.argv.slice(2).join(" ")}`, python: python.packages.torch, rows };
writeFileSync(out, `${JSON.stringify(result, null, 1)}\n`);
