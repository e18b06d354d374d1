import { readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** Where NVRTC may be: paths for the addon to open, best first; one that is loaded already comes before all of them. `PAINNLESS_NVRTC` names
 *  one and then there is no other. Else: the wheels of the Python environment in use (CUDA 13 and 12 layouts), the loader's path, toolkits.
 *  @param sitePackages the folder that holds the environment's packages, null without one */
export async function nvrtcCandidates(variables: NodeJS.ProcessEnv, sitePackages: string | null): Promise<string[]> {
  const named = variables.PAINNLESS_NVRTC;
  if (named) return [named];
  const wheels = sitePackages === null ? [] : ["cu13/lib", "cuda_nvrtc/lib"].map((folder) => join(sitePackages, "nvidia", folder));
  const homes = [variables.CUDA_HOME ?? "", variables.CUDA_PATH ?? "", "/usr/local/cuda", "/opt/cuda"].filter((home) => home !== "");
  const toolkits = homes.flatMap((home) => ["lib64", "targets/x86_64-linux/lib", "targets/sbsa-linux/lib"].map((part) => join(home, part)));
  const [inWheels, inToolkits] = await Promise.all(
    [wheels, toolkits].map(async (folders) => (await Promise.all(folders.map(librariesIn))).flat()),
  );
  return [...(inWheels ?? []), "libnvrtc.so.13", "libnvrtc.so.12", ...(inToolkits ?? [])];
}

async function librariesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (["ENOENT", "ENOTDIR", "EACCES"].includes(error.code ?? "")) return [];
    throw error;
  });
  return names.filter((name) => /^libnvrtc\.so\.\d+$/.test(name)).map((name) => join(folder, name));
}

/** What may be deleted, and is made again when it is asked for. */
export const userCache = (variables: NodeJS.ProcessEnv): string => join(variables.XDG_CACHE_HOME || join(homedir(), ".cache"), "painnless");

/** The folder of compiled kernels: `PAINNLESS_KERNEL_CACHE`, else below the user's cache. */
export const kernelCache = (variables: NodeJS.ProcessEnv): string =>
  variables.PAINNLESS_KERNEL_CACHE || join(userCache(variables), "kernels");

/** The folder of what `painnless tune` has found. */
export const tuningFolder = (variables: NodeJS.ProcessEnv): string => join(userCache(variables), "tuning");
