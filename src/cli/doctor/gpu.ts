import { access, constants, readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { loadAddon } from "../../engine/addon.ts";
import { cudaCards } from "../../engine/device.ts";
import type { CudaCard } from "../../engine/native.ts";
import { kernelCache, nvrtcCandidates } from "../../engine/nvrtc.ts";
import { nativeConfig } from "../../engine/weights.ts";
import { PainnlessError } from "../../errors.ts";
import { readModelFile } from "../../model/model-file.ts";
import type { PythonEnvironment } from "../../python/environment.ts";
import { ask, type Finding } from "./finding.ts";

/** GPU, its driver, and whether the kernels compile. No command needs them: without a GPU everything runs on the CPU.
 *  @param model the kernels of this one are compiled */
export async function probeGpu(python: PythonEnvironment | null, model: string): Promise<Finding[]> {
  const [seen, driver, cache] = await Promise.all([findCards(), findDriver(), findCache(kernelCache(process.env))]);
  const cards = attempt(cudaCards);
  const kernels = Array.isArray(cards) && cards[0] !== undefined ? await compileFor(cards[0], python, model) : null;
  const row = (name: string, found: string | null, remedy: string): Finding => ({
    ...{ group: "gpu", name, found, needed: false },
    remedy: found === null ? remedy : null,
  });
  const engine = typeof cards === "string" ? null : cards.map(describe).join("; ");
  return [
    row("GPU", seen, "none is fine: everything runs on the CPU"),
    row("driver", driver, "only with an NVIDIA GPU: install its driver"),
    row("CUDA engine", engine, typeof cards === "string" ? cards : ""),
    row("kernel cache", cache.found, cache.remedy),
    row("kernels", kernels?.found ?? null, kernels?.remedy ?? "compiled where there is a GPU"),
  ];
}

const describe = ({ name, architecture, multiprocessors, memoryBytes, driver }: CudaCard): string =>
  `${name}: sm_${architecture}, ${multiprocessors} multiprocessors, ${(memoryBytes / 1e9).toFixed(1)} GB, driver of CUDA ${driver}`;

/** The value, or what the error says that tells what is missing. */
function attempt<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof PainnlessError && error.code === "MISSING") return error.message;
    throw error;
  }
}

async function compileFor(card: CudaCard, python: PythonEnvironment | null, model: string) {
  const candidates = await nvrtcCandidates(process.env, python?.sitePackages ?? null);
  const config = nativeConfig(await readModelFile(model));
  try {
    const start = performance.now();
    const { compiler, parts } = await loadAddon().compileKernels([{ config, precision: "f32" }], card, candidates, []);
    return { found: `${parts.length} files in ${((performance.now() - start) / 1e3).toFixed(1)} s by ${compiler}`, remedy: null };
  } catch (error) {
    return { found: null, remedy: error instanceof Error ? error.message : String(error) };
  }
}

/** Where compiled kernels are kept, if that can be written to. */
async function findCache(folder: string): Promise<{ found: string | null; remedy: string }> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      if (!(await stat(path)).isDirectory()) throw Object.assign(new Error(), { code: "ENOTDIR" });
      await access(path, constants.W_OK);
      return { found: folder, remedy: "" };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT" && path !== dirname(path)) continue; // it will be made
      return {
        found: null,
        remedy: `${folder} cannot be written (${code} at ${path}), so kernels are compiled at every start; PAINNLESS_KERNEL_CACHE names another folder`,
      };
    }
  }
}

async function findCards(): Promise<string | null> {
  const asked = await ask("nvidia-smi", ["--query-gpu=name,compute_cap,memory.total", "--format=csv,noheader"]);
  if (asked) return asked.split("\n").join("; ");
  const folder = "/proc/driver/nvidia/gpus";
  const cards = await Promise.all((await namesIn(folder)).map((card) => readFile(join(folder, card, "information"), "utf8")));
  return cards.map((text) => /^Model:\s*(.*)$/m.exec(text)?.[1] ?? "unknown model").join("; ") || null;
}

async function findDriver(): Promise<string | null> {
  const asked = await ask("nvidia-smi", ["--query-gpu=driver_version", "--format=csv,noheader"]);
  if (asked) return asked.split("\n")[0] ?? null;
  if (!(await namesIn("/proc/driver/nvidia")).includes("version")) return null;
  return /Kernel Module\s+(?:for \S+\s+)?([\d.]+)/.exec(await readFile("/proc/driver/nvidia/version", "utf8"))?.[1] ?? null;
}

/** Names in a folder; none where it is absent. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "EACCES") return [];
    throw error;
  });
}
