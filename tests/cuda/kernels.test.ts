import { readFile, writeFile } from "node:fs/promises";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { loadAddon } from "../../src/engine/addon.ts";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { resolvePython } from "../../src/python/environment.ts";
import {
  type Architecture,
  type Kernel,
  kernelSchema,
  modelsFor,
  resourcesIn,
  restFor,
  shared,
  spillingAllowed,
  tabulated,
} from "./resources.ts";

process.env.CUDA_CACHE_DISABLE = "1"; // what NVRTC has in its own cache comes without registers and spills
const addon = loadAddon();
const recordSchema = z.strictObject({
  compiler: z.string(),
  /** by the key of their code */
  parts: z.record(
    z.string(),
    z.strictObject({ architecture: z.int(), source: z.string(), real: z.string(), kernels: z.array(kernelSchema) }),
  ),
});

/** What NVRTC made of all texts: seven architectures take five minutes of a core. PaiNN in float32, and mixed, is what registers are counted out for: it is
 *  compiled for every architecture, unless its text stands here as it is. The rest has room (student) or may spill (float64): it is compiled for
 *  one of them, and stands here for the others. `PAINNLESS_RECORD_KERNELS=1` compiles what has changed and writes this anew. */
const recording = process.env.PAINNLESS_RECORD_KERNELS === "1";
const architectures = [75, 80, 86, 89, 90, 100, 120] as const;
const recordFile = new URL("kernels.json", import.meta.url);
const record = recordSchema.parse(JSON.parse(await readFile(recordFile, "utf8")));
const always: readonly number[] = [90];

const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
const nvrtc = await nvrtcCandidates(process.env, python?.sitePackages ?? null);
const compile = (architecture: Architecture, what: Parameters<typeof addon.compileKernels>[0], known: readonly string[] | "all" = []) =>
  addon.compileKernels(what, { architecture, sharedBytes: shared[architecture] * 1024 }, nvrtc, known);

const found = await compile(90, []).then(
  ({ compiler }) => compiler,
  (cause: Error) => cause.message,
);
const skipped = !found.startsWith("NVRTC");
/** "NVRTC 13.2", without its path. */
const compiler = found.replace(/,.*/, "");

/** "float", "double", or "mixed": float whose numbers have one part in dense products. */
const realOf = (options: readonly string[]): string =>
  options.includes("-DTENSOR=1") ? "mixed" : (options.find((option) => option.startsWith("-Dreal="))?.slice(7) ?? "");

/** The parts that the record has, or that are compiled now, and how many are neither. */
async function partsFor(architecture: Architecture, chosen: Parameters<typeof compile>[1], known: readonly string[] | "all") {
  const { parts } = await compile(architecture, chosen, known);
  const made: { key: string; source: string; real: string; kernels: Kernel[] }[] = [];
  let unknown = 0;
  for (const { source, options, key, log } of parts) {
    const noted = record.parts[key]?.kernels;
    const kernels = log === null ? noted : resourcesIn(log);
    // What is noted is what this compiler makes, where it was this one that made it.
    if (log !== null && noted !== undefined && compiler === record.compiler) expect(noted, `${source} of kernels.json`).toEqual(kernels);
    if (kernels === undefined) unknown++;
    else made.push({ key, source, real: realOf(options), kernels });
  }
  return { made, unknown };
}

describe.skipIf(skipped)("every kernel compiles", () => {
  const used: Record<string, (typeof record.parts)[string]> = {};

  /** Holds them to their registers. @returns how many there are */
  function check(architecture: Architecture, made: Awaited<ReturnType<typeof partsFor>>["made"]): number {
    for (const { key, source, real, kernels } of made) {
      used[key] = { architecture, source, real, kernels };
      for (const { name, spilled, registers } of kernels) {
        expect(registers, `${source}, ${name}`).toBeLessThanOrEqual(255);
        expect(spilled, `${source}, ${name}, ${real}: bytes of spilled registers`).toBeLessThanOrEqual(spillingAllowed(name, real));
      }
    }
    return made.reduce((sum, { kernels }) => sum + kernels.length, 0);
  }

  // Two at once: one alone leaves a core idle while its largest text compiles.
  test.concurrent.for(architectures)(
    "for sm_%s, without spills in float32 but for a few words",
    { timeout: 400_000 },
    async (architecture) => {
      const isWhole = always.includes(architecture) || recording;
      const isFresh = recording ? compiler !== record.compiler : always.includes(architecture);
      const { made } = await partsFor(architecture, modelsFor(architecture, isWhole), isFresh ? [] : Object.keys(record.parts));
      const resident = architecture === 90 || architecture === 100; // what has clusters, and memory for these weights
      const slices = architecture >= 80 ? 1 : 0; // five of PaiNN in float32, instead of four messages
      const mixed = architecture >= 80 ? (isWhole ? 12 : 6) : 0; // updates alone
      const spread = architecture >= 90 ? (isWhole ? 12 : 6) : 0; // float32 and mixed
      expect(check(architecture, made)).toBe((isWhole ? 64 : 21) + slices + mixed + spread + (resident ? 2 : 0));
    },
  );

  test.for(architectures)("the student's table, one to four features a lane, for sm_%s, without spills", async (architecture) => {
    const { parts } = await compile(architecture, tabulated, "all"); // their keys: the rest of these models is not compiled
    const others = parts.filter(({ source }) => source !== "distiller_table.cu").map(({ key }) => key);
    const logs = (await compile(architecture, tabulated, others)).parts.flatMap(({ log }) => log ?? []);
    const kernels = logs.flatMap(resourcesIn);
    expect(kernels).toHaveLength(4 * tabulated.length);
    for (const { name, spilled } of kernels) expect(spilled, `${name}: bytes of spilled registers`).toBe(0);
  });

  test.for(architectures.filter((architecture) => !always.includes(architecture)))(
    "in float64, and the student, for sm_%s, as kernels.json has it",
    async (architecture, { skip }) => {
      const { made, unknown } = await partsFor(architecture, restFor(architecture), "all");
      check(architecture, made);
      if (unknown > 0)
        skip(`skipped: ${unknown} texts have changed since kernels.json; PAINNLESS_RECORD_KERNELS=1 with this test writes it, in minutes`);
    },
  );

  afterAll(async () => {
    if (!recording) return;
    const rows = Object.entries(used).sort(
      ([, a], [, b]) => a.architecture - b.architecture || (a.source + a.real < b.source + b.real ? -1 : 1),
    );
    const lines = rows.map(([key, part]) => `  ${JSON.stringify(key)}: ${JSON.stringify(part)}`);
    await writeFile(recordFile, `{\n "compiler": ${JSON.stringify(compiler)},\n "parts": {\n${lines.join(",\n")}\n }\n}\n`);
  });
});

test.skipIf(skipped)("a card older than the compiler knows is refused by name", async () => {
  await expect(compile(61, modelsFor(61, false))).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/sm_61.*native:cpu/),
  });
});

test.runIf(skipped)("kernels are compiled where there is NVRTC", ({ skip }) => skip(`skipped: ${found}`));
