import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { withBridge } from "../../src/python/bridge.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { startWorker } from "../../src/python/worker.ts";
import type { Structure } from "../../src/system/structure.ts";
import { energyUnitsInEv } from "../../src/system/units.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { assertClose } from "../close.ts";

/** Side "package": SchNetPack itself, in a Python of its own, which a machine that tests us has no reason to hold:
 *  `uv venv P && uv pip install --python P schnetpack==2.1.1 torch==2.4.1 pyzmq msgspec safetensors`, then PAINNLESS_TEST_PACKAGE_PYTHON=P/bin/python. */
const executable = process.env.PAINNLESS_TEST_PACKAGE_PYTHON;
const reason = executable ? "" : " (skipped: PAINNLESS_TEST_PACKAGE_PYTHON names no Python with SchNetPack)";

interface Golden {
  readonly structures: Record<string, { numbers: number[]; positions: number[][]; cell: number[][]; pbc: Structure["pbc"] }>;
  readonly models: Record<
    string,
    { schnetpack: string; results: Record<string, { energy: number; net_energy: number; forces: number[][] }> }
  >;
}
const golden = fileURLToPath(new URL("../golden/schnetpack/", import.meta.url));
const { structures, models } = JSON.parse(readFileSync(join(golden, "expected.json"), "utf8")) as Golden;
const unit = energyUnitsInEv["kcal/mol"];
const kinds = ["gaussian", "bessel", "shared_both", "atomrefs", "not_extensive", "readout_deep", "float64", "odd_sizes", "version_2_0"];

describe.skipIf(!executable)(`the checkpoint's own package${reason}`, () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "painnless-package-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(kinds)(
    "%s: gives what it gave when the file was made, and the engine agrees",
    async (name) => {
      const python = await resolvePython({ ...process.env, PAINNLESS_PYTHON: executable });
      const checkpoint = join(golden, `${name}.model`);
      const file = join(folder, `${name}.safetensors`);
      await withBridge(await resolvePython(), (bridge) => bridge.importCheckpoint(checkpoint, file, "kcal/mol"));
      const connect = RemotePotential.connect.bind(RemotePotential);
      const side = await startWorker({ python, serve: "package", model: checkpoint, energyUnit: "kcal/mol", threads: 1 }, connect);
      const engine = createNativeEngine(await readModelFile(file), { device: "cpu", precision: "f64", threads: 1 });
      try {
        expect(side.remote.welcome.versions).toMatchObject({ schnetpack: python.packages.schnetpack, precision: "f64" });
        const batch = Object.entries(structures).map(([key, { numbers, positions, cell, pbc }]): Structure => {
          const lattice = pbc.some(Boolean) ? Float64Array.from(cell.flat()) : null;
          return { name: key, numbers, positions: Float64Array.from(positions.flat()), cell: lattice, pbc };
        });
        const [original, ours] = [await side.evaluate(batch), await engine.evaluate(batch)];
        batch.forEach((structure, i) => {
          const expected = models[name]?.results[structure.name] ?? expect.fail(`no golden values of ${name} for ${structure.name}`);
          const forces = expected.forces.flat().map((f) => f * unit);
          assertClose(original[i]?.forces ?? [], forces, 1e-12);
          assertClose([original[i]?.netEnergy ?? Number.NaN], [expected.net_energy * unit], 1e-12);
          assertClose([original[i]?.energy ?? Number.NaN], [expected.energy * unit], 1e-15, Math.abs(expected.energy));
          assertClose(ours[i]?.forces ?? [], original[i]?.forces ?? [], 1e-10);
          assertClose([ours[i]?.netEnergy ?? Number.NaN], [original[i]?.netEnergy ?? Number.NaN], 1e-12, structure.numbers.length);
        });
      } finally {
        await Promise.all([side.close(), engine.close()]);
      }
    },
    120_000,
  );
});
