import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { PainnlessError } from "../errors.ts";
import type { NativeAddon, TestAddon } from "./native.ts";

const require = createRequire(import.meta.url);

const builds = {
  product: { file: "painnless.node", remedy: "run `node scripts/setup.mjs` (or `npm start`) to build it" },
  faulty: { file: "painnless_faulty.node", remedy: "run `cmake --build build/native --target painnless_faulty` to build it" },
} as const;

/** The C++ addon; "faulty" is the test build, which can plant faults. Loaded once, the same object each time.
 *  @throws {PainnlessError} MISSING if it is not built, or does not load here */
export function loadAddon(variant?: "product"): NativeAddon;
export function loadAddon(variant: "faulty"): TestAddon;
export function loadAddon(variant: keyof typeof builds = "product"): NativeAddon {
  const path = pathOf(variant);
  try {
    return require(path) as NativeAddon;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const { remedy } = builds[variant];
    throw new PainnlessError("MISSING", `the native addon ${path} does not load: ${why}; delete build/native and ${remedy}`, { cause });
  }
}

/** What tells this addon from any that may compute other bits: a hash of the whole file, host code and the texts of kernels.
 *  @throws {PainnlessError} MISSING if it is not built */
export const addonBuild = (): string =>
  createHash("sha256")
    .update(readFileSync(pathOf("product")))
    .digest("hex")
    .slice(0, 12);

function pathOf(variant: keyof typeof builds): string {
  const { file, remedy } = builds[variant];
  const path = fileURLToPath(new URL(`../../build/native/${file}`, import.meta.url));
  if (!existsSync(path)) throw new PainnlessError("MISSING", `the native addon ${path} is not there; ${remedy}`);
  return path;
}
