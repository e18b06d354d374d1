import { rm } from "node:fs/promises";
import { type PythonEnvironment, requirePackage, resolvePython } from "../python/environment.ts";
import { onAbort } from "../system/on-abort.ts";
import { temporaryFolder } from "../system/temporary-folder.ts";

export interface BenchScope {
  /** one that has PyTorch */
  readonly python: PythonEnvironment;
  /** of this run's own */
  readonly folder: string;
  /** what is to be closed in the end */
  readonly opened: { close(): Promise<void> }[];
}

/** Does the work of a benchmark, and closes and removes all that belongs to it, also when it fails or is called off.
 *  @throws {PainnlessError} MISSING without PyTorch, for `purpose`; whatever the work throws */
export async function withBenchScope<Result>(
  purpose: string,
  signal: AbortSignal,
  work: (scope: BenchScope) => Promise<Result>,
): Promise<Result> {
  const python = await resolvePython();
  requirePackage(python, "torch", purpose);
  const folder = await temporaryFolder("painnless-bench-");
  const opened: BenchScope["opened"] = [];
  const closeAll = async () => void (await Promise.all(opened.splice(0).map((one) => one.close())));
  const letGo = onAbort(signal, () => void closeAll());
  try {
    return await work({ python, folder, opened });
  } finally {
    letGo();
    await closeAll();
    await rm(folder, { recursive: true, force: true });
  }
}
