import { fileURLToPath } from "node:url";
import { afterAll, expect, vi } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { type CudaEngine, createCudaEngine } from "../../src/engine/cuda.ts";
import { createNativeEngine, type NativeEngine } from "../../src/engine/engine.ts";
import type { CudaPrecision, NativePrecision } from "../../src/engine/native.ts";
import { kernelCache, nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import type { Tuning } from "../../src/engine/tuning.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import { resolvePython } from "../../src/python/environment.ts";
import type { Potential } from "../../src/system/potential.ts";

/** `npm run test:gpu` runs these tests on the card; everywhere else the same kernels run on one that is emulated. */
export const onCard = process.env.PAINNLESS_TEST_GPU === "1";
/** The tool of compute-sanitizer that watches (scripts/sanitize.mjs), under which a card is as slow as an emulated one. */
const sanitizer = process.env.PAINNLESS_TEST_SANITIZER;
/** Are sizes and counts those that a card can take. */
export const atFullSize = onCard && sanitizer === undefined;

// The emulated card takes its time, and more of it where cores are shared.
vi.setConfig({ testTimeout: 120_000 });

/** The test build: it has the emulated card. */
export const addon = loadAddon("faulty");
export const cache = onCard ? kernelCache(process.env) : fileURLToPath(new URL("../../build/test-kernels", import.meta.url));

const opened: Potential[] = [];
const cards: CudaEngine[] = [];
/** Another engine answers where numbers go beyond fp16's range: a NaN that is a mistake must not pass for one of these. */
afterAll(async () => {
  const counts = await Promise.all(
    cards.map((engine) =>
      engine.activity().then(
        ({ beyondRange }) => beyondRange,
        () => 0, // closed by its test
      ),
    ),
  );
  await Promise.all(opened.map((engine) => engine.close()));
  expect(
    counts.reduce((sum, count) => sum + count, 0),
    "structures that another engine answered for",
  ).toBe(0);
});

const candidates = onCard ? await nvrtcCandidates(process.env, (await resolvePython()).sitePackages) : [];

interface CardOptions {
  readonly folder?: string;
  readonly poisoned?: boolean;
  readonly tuning?: Tuning;
  /** may its numbers go beyond what tensor cores take */
  readonly beyond?: boolean;
}

/** The CUDA engine, on a card or emulated, whose memory is NaN before each evaluation (not for initcheck, to which NaN is a value); closed when the tests of the file are done. */
export async function openCuda(
  model: ModelFile,
  precision: CudaPrecision,
  { folder = cache, beyond = false, ...options }: CardOptions = {},
): Promise<CudaEngine> {
  const engine = await createCudaEngine(model, {
    ...{ precision, nvrtc: candidates, cache: folder, addon, emulate: !onCard, poisoned: sanitizer !== "initcheck" },
    ...options,
    ...(sanitizer === "racecheck" ? { tuning: { ...options.tuning, residentAtoms: 0, spreadWaves: 0 } } : {}), // scripts/sanitize.mjs says why
  });
  opened.push(engine);
  if (!beyond) cards.push(engine);
  return engine;
}

/** The CPU engine, in float64 unless said: what the other is compared with. */
export function openCpu(model: ModelFile, precision: NativePrecision = "f64"): NativeEngine {
  const engine = createNativeEngine(model, { device: "cpu", precision, ...(onCard ? {} : { threads: 1 }), addon });
  opened.push(engine);
  return engine;
}
