import { expect, test } from "vitest";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { compilerAmong, KernelRecord, recording } from "./record.ts";
import { modelsFor } from "./resources.ts";

// In a file, and so a process, of its own: an NVRTC that is loaded already comes before all others.
test("every kernel compiles for sm_70, which CUDA 12 is the last to know, without spills in float32, or stands in volta.json", {
  timeout: 400_000,
}, async ({ skip }) => {
  const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
  const older = (await nvrtcCandidates(process.env, python?.sitePackages ?? null)).filter((path) => path.endsWith("/libnvrtc.so.12"));
  if (older.length === 0) skip("skipped: no NVRTC of CUDA 12; pip install nvidia-cuda-nvrtc-cu12");
  const { compiler } = await compilerAmong(older);
  expect(compiler).toContain("NVRTC 12");
  const record = await KernelRecord.open("volta.json", older, compiler);
  const models = modelsFor(70, true);
  const again = (await record.compile(70, models, "all")).parts.filter(({ source }) => source === "results.cu").map(({ key }) => key);
  const known = record.isOwn ? record.keys.filter((key) => !again.includes(key)) : [];
  const { kernels } = await record.check(70, models, known);
  expect(kernels).toHaveLength(69);
  if (recording) await record.write();
});
