import { readFile, statfs } from "node:fs/promises";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { ask, type Finding } from "./finding.ts";

/** Instruction sets that the CPU engine has kernels for, and what each asks of the processor (names of /proc/cpuinfo). */
const instructionSets = {
  avx2: ["avx2", "fma"],
  avx512: ["avx512f", "avx512dq", "avx512vl", "avx512bw"],
};

/** Processor, memory, free space: informative, needed by nothing in particular. */
export async function probeMachine(root: string): Promise<Finding[]> {
  const flags = await processorFlags();
  const sets = Object.entries(instructionSets).filter(([, wanted]) => wanted.every((flag) => flags.has(flag)));
  const model = cpus()[0]?.model.trim() || process.arch;
  const { bavail, bsize } = await statfs(root);
  const row = (name: string, found: string, remedy: string | null = null): Finding => ({
    group: "machine",
    name,
    found,
    needed: false,
    remedy,
  });
  return [
    row("system", `${process.platform} ${release()} ${process.arch}`),
    row("processor", `${model}, ${availableParallelism()} logical cores`),
    row("instruction sets", ["plain", ...sets.map(([name]) => name)].join(", ")),
    row("memory", `${(totalmem() / 2 ** 30).toFixed(1)} GiB`),
    row("free disk space", `${((bavail * bsize) / 1e9).toFixed(1)} GB`),
  ];
}

async function processorFlags(): Promise<ReadonlySet<string>> {
  if (process.platform === "darwin") {
    const features = (await ask("sysctl", ["-n", "machdep.cpu.features", "machdep.cpu.leaf7_features"])) ?? "";
    return new Set(features.toLowerCase().split(/\s+/));
  }
  const text = await readFile("/proc/cpuinfo", "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return ""; // not Linux: the plain kernels always work
    throw error;
  });
  return new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.trim().split(" "));
}
