import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PythonEnvironment } from "../../python/environment.ts";
import { ask, type Finding } from "./finding.ts";

const libraryFolders = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib/wsl/lib",
  "/usr/local/nvidia/lib64",
];

/** GPU, its driver, and NVRTC, which compiles kernels at run time. No command needs them: without a GPU everything runs on the CPU. */
export async function probeGpu(python: PythonEnvironment | null): Promise<Finding[]> {
  const cached = ((await ask("ldconfig", ["-p"])) ?? (await ask("/sbin/ldconfig", ["-p"])) ?? "").split("\n");
  const [cards, driver, library, nvrtc] = await Promise.all([
    findCards(),
    findDriver(),
    findLibrary("libcuda.so.1", cached),
    findNvrtc(python, cached),
  ]);
  const row = (name: string, found: string | null, remedy: string): Finding => ({
    group: "gpu",
    name,
    found,
    needed: false,
    remedy: found === null ? remedy : null,
  });
  return [
    row("GPU", cards, "none is fine: everything runs on the CPU"),
    row("driver", driver, "only with an NVIDIA GPU: install its driver"),
    row("libcuda.so.1", library, "comes with the NVIDIA driver"),
    row(
      "NVRTC",
      nvrtc,
      `only with an NVIDIA GPU: ${python?.executable ?? "python"} -m pip install nvidia-cuda-nvrtc-cu12, or the CUDA toolkit`,
    ),
  ];
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

/** Path of a library: from the loader's cache, LD_LIBRARY_PATH or where distributions keep it. */
async function findLibrary(name: string, cached: readonly string[]): Promise<string | null> {
  const entry = cached.find((line) => line.trim().startsWith(`${name} `));
  if (entry !== undefined) return entry.split("=> ")[1] ?? name;
  const folders = [...(process.env.LD_LIBRARY_PATH ?? "").split(":").filter(Boolean), ...libraryFolders];
  for (const folder of folders) if ((await namesIn(folder)).includes(name)) return join(folder, name);
  return null;
}

/** The NVRTC of the Python environment (torch brings one), else of a CUDA toolkit. */
async function findNvrtc(python: PythonEnvironment | null, cached: readonly string[]): Promise<string | null> {
  const isNvrtc = (name: string) => /^libnvrtc\.so\.\d+/.test(name);
  const script = "import sysconfig; print(sysconfig.get_path('purelib'))";
  const site = python === null ? null : await ask(python.executable, ["-c", script]);
  const wheels = site === null ? [] : (await namesIn(join(site, "nvidia"))).map((wheel) => join(site, "nvidia", wheel, "lib"));
  const toolkit = [process.env.CUDA_HOME, process.env.CUDA_PATH, "/usr/local/cuda"].filter(
    (folder) => folder !== undefined && folder !== "",
  );
  for (const folder of [...wheels, ...toolkit.map((home) => join(home ?? "", "lib64"))]) {
    const name = (await namesIn(folder)).find(isNvrtc);
    if (name !== undefined) return join(folder, name);
  }
  const entry = cached.map((line) => line.trim()).find(isNvrtc);
  return entry === undefined ? null : (entry.split("=> ")[1] ?? dirname(entry));
}

/** Names in a folder; none where it is absent. */
async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "EACCES") return [];
    throw error;
  });
}
