import { expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { modelsFor, resourcesIn, shared, spillingAllowed } from "./resources.ts";

process.env.CUDA_CACHE_DISABLE = "1"; // what NVRTC has in its own cache comes without registers and spills

// In a file, and so a process, of its own: an NVRTC that is loaded already comes before all others.
test("every kernel compiles for sm_70, which CUDA 12 is the last to know, without spills in float32", { timeout: 400_000 }, async ({
  skip,
}) => {
  const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
  const older = (await nvrtcCandidates(process.env, python?.sitePackages ?? null)).filter((path) => path.endsWith("/libnvrtc.so.12"));
  if (older.length === 0) skip("skipped: no NVRTC of CUDA 12; pip install nvidia-cuda-nvrtc-cu12");
  const made = await loadAddon().compileKernels(modelsFor(70, true), { architecture: 70, sharedBytes: shared[70] * 1024 }, older, []);
  expect(made.compiler).toContain("NVRTC 12");
  let count = 0;
  for (const { source, options, log } of made.parts)
    for (const { name, spilled, registers } of resourcesIn(log ?? "")) {
      expect(registers, `${source}, ${name}`).toBeLessThanOrEqual(255);
      const real = options.includes("-Dreal=double") ? "double" : "float";
      expect(spilled, `${source}, ${name}, ${real}: bytes of spilled registers`).toBeLessThanOrEqual(spillingAllowed(name, real));
      count++;
    }
  expect(count).toBe(64);
});
