import { readFile, writeFile } from "node:fs/promises";
import { expect } from "vitest";
import { z } from "zod";
import { loadAddon } from "../../src/engine/addon.ts";
import { type Architecture, type Kernel, kernelSchema, resourcesIn, shared, spillingAllowed } from "./resources.ts";

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
type Parts = z.infer<typeof recordSchema>["parts"];

/** `PAINNLESS_RECORD_KERNELS=1` compiles what has changed and writes records anew. */
export const recording = process.env.PAINNLESS_RECORD_KERNELS === "1";

/** "float", "double", or "mixed": float whose numbers have one part in dense products. */
const realOf = (options: readonly string[]): string =>
  options.includes("-DTENSOR=1") ? "mixed" : (options.find((option) => option.startsWith("-Dreal="))?.slice(7) ?? "");

/** "NVRTC 13.2", without its path; null where these have none. */
export async function compilerAmong(nvrtc: readonly string[]): Promise<{ compiler: string | null; said: string }> {
  const said = await addon.compileKernels([], { architecture: 90, sharedBytes: shared[90] * 1024 }, nvrtc, []).then(
    ({ compiler }) => compiler,
    (cause: Error) => cause.message,
  );
  return { compiler: said.startsWith("NVRTC") ? said.replace(/,.*/, "") : null, said };
}

/** What a compiler made of kernels' texts, in a file: a text that stands there as it is need not be compiled again. */
export class KernelRecord {
  private readonly used: Parts = {};
  private readonly file: URL;
  private readonly nvrtc: readonly string[];
  private readonly compiler: string | null;
  private readonly noted: z.infer<typeof recordSchema>;

  private constructor(file: URL, nvrtc: readonly string[], compiler: string | null, noted: z.infer<typeof recordSchema>) {
    this.file = file;
    this.nvrtc = nvrtc;
    this.compiler = compiler;
    this.noted = noted;
  }

  static async open(name: string, nvrtc: readonly string[], compiler: string | null): Promise<KernelRecord> {
    const file = new URL(name, import.meta.url);
    return new KernelRecord(file, nvrtc, compiler, recordSchema.parse(JSON.parse(await readFile(file, "utf8"))));
  }

  /** Was it this compiler. */
  get isOwn(): boolean {
    return this.compiler === this.noted.compiler;
  }
  get keys(): readonly string[] {
    return Object.keys(this.noted.parts);
  }

  compile(architecture: Architecture, models: Parameters<typeof addon.compileKernels>[0], known: readonly string[] | "all") {
    return addon.compileKernels(models, { architecture, sharedBytes: shared[architecture] * 1024 }, this.nvrtc, known);
  }

  /** Holds kernels to their registers: those that are noted, those that are compiled now, which must be as noted; `unknown` are neither. */
  async check(architecture: Architecture, models: Parameters<typeof addon.compileKernels>[0], known: readonly string[] | "all") {
    const { parts } = await this.compile(architecture, models, known);
    const kernels: Kernel[] = [];
    let unknown = 0;
    for (const { source, options, key, log } of parts) {
      const noted = this.noted.parts[key]?.kernels;
      // What another compiler has noted is not this one's.
      const made = log !== null ? resourcesIn(log) : (this.used[key]?.kernels ?? (recording && !this.isOwn ? undefined : noted));
      if (log !== null && noted !== undefined && this.isOwn) expect(noted, `${source} of ${this.file.pathname}`).toEqual(made);
      if (made === undefined) {
        unknown++;
        continue;
      }
      const real = realOf(options);
      this.used[key] = { architecture, source, real, kernels: made };
      kernels.push(...made);
      for (const { name, spilled, registers } of made) {
        expect(registers, `${source}, ${name}`).toBeLessThanOrEqual(255);
        expect(spilled, `${source}, ${name}, ${real}: bytes of spilled registers`).toBeLessThanOrEqual(spillingAllowed(name, real));
      }
    }
    return { kernels, unknown };
  }

  /** What was used, in the place of what was noted. */
  async write(): Promise<void> {
    const rows = Object.entries(this.used).sort(
      ([, a], [, b]) => a.architecture - b.architecture || (a.source + a.real < b.source + b.real ? -1 : 1),
    );
    const lines = rows.map(([key, part]) => `  ${JSON.stringify(key)}: ${JSON.stringify(part)}`);
    await writeFile(this.file, `{\n "compiler": ${JSON.stringify(this.compiler)},\n "parts": {\n${lines.join(",\n")}\n }\n}\n`);
  }
}
