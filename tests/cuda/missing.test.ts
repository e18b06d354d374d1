import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { createCudaEngine } from "../../src/engine/cuda.ts";
import { nativeConfig } from "../../src/engine/weights.ts";
import { randomModel } from "../engine/models.ts";
import { onCard } from "./open.ts";

// In a process of its own: an NVRTC that is loaded already would be found.

const addon = loadAddon();

test("no NVRTC: every place that was tried, and what installs it, on one line", async () => {
  const config = nativeConfig(randomModel("painn-schnetpack"));
  const card = { architecture: 90, sharedBytes: 1e5 };
  const refused = (places: readonly string[], message: RegExp) =>
    expect(addon.compileKernels([{ config, precision: "f32" }], card, places, [])).rejects.toMatchObject({
      ...{ code: "MISSING", message: expect.stringMatching(message) },
    });
  await refused(["/nowhere/libnvrtc.so.13", "/else"], /no NVRTC.*pip install nvidia-cuda-nvrtc-cu12.*; .*\/nowhere\/libnvrtc.*; .*\/else/);
  await refused(["/nowhere/libnvrtc.so.13"], /no NVRTC.*PAINNLESS_NVRTC names one.*unset it.*; .*\/nowhere\/libnvrtc/); // that one alone was named
});

test.skipIf(onCard)("no driver: what to install, and what to use instead", () => {
  expect(() => addon.cudaCards()).toThrow(
    expect.objectContaining({ code: "MISSING", message: expect.stringMatching(/driver.*native:cpu/) }),
  );
});

test.skipIf(onCard)(
  "entries of the kernels' cache that are cut off, or no files at all, are compiled anew",
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "painnless-cache-"));
    const model = randomModel("painn-schnetpack", { n_layers: 1 });
    const compilations = async () => {
      const engine = await createCudaEngine(model, {
        precision: "f64",
        nvrtc: [],
        cache: folder,
        addon: loadAddon("faulty"),
        emulate: true,
      });
      const { compilations } = await engine.activity();
      await engine.close();
      return compilations;
    };
    try {
      const all = await compilations();
      expect(await compilations()).toBe(0);
      const [first = "", second = ""] = (await readdir(folder)).filter((name) => name.endsWith(".kernels"));
      await truncate(join(folder, first), 100);
      await rm(join(folder, second));
      await mkdir(join(folder, second));
      expect(await compilations()).toBe(2);
      expect(await compilations()).toBe(1); // the folder is left as it is
      expect(all).toBeGreaterThan(2);
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test.each(["FOLDER", "FORMULAS", "OUTPUT"])(
  "packing the kernels without %s is refused, and does not look through the machine",
  async (missing) => {
    const all = { FOLDER: "kernels", FORMULAS: "formulas", OUTPUT: "texts.cpp" };
    const given = Object.entries(all).flatMap(([name, value]) => (name === missing ? [] : [`-D${name}=/nowhere/${value}`]));
    const script = fileURLToPath(new URL("../../native/cuda/embed.cmake", import.meta.url));
    await expect(promisify(execFile)("cmake", [...given, "-P", script], { timeout: 10_000 })).rejects.toMatchObject({
      killed: false,
      stderr: expect.stringContaining(`was not given ${missing}`),
    });
  },
);
