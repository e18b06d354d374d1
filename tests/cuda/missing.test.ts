import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { nativeConfig } from "../../src/engine/weights.ts";
import { randomModel } from "../engine/models.ts";
import { onCard } from "./open.ts";

// In a process of its own: an NVRTC that is loaded already would be found.

const addon = loadAddon();

test("no NVRTC: every place that was tried, and what installs it, on one line", async () => {
  const config = nativeConfig(randomModel("painn-schnetpack"));
  const card = { architecture: 90, sharedBytes: 1e5 };
  await expect(addon.compileKernels([{ config, precision: "f32" }], card, ["/nowhere/libnvrtc.so.13"], [])).rejects.toMatchObject({
    code: "MISSING",
    message: expect.stringMatching(/no NVRTC.*pip install nvidia-cuda-nvrtc-cu12.*; .*\/nowhere\/libnvrtc/),
  });
});

test.skipIf(onCard)("no driver: what to install, and what to use instead", () => {
  expect(() => addon.cudaCards()).toThrow(
    expect.objectContaining({ code: "MISSING", message: expect.stringMatching(/driver.*native:cpu/) }),
  );
});

test.each(["FOLDER", "FORMULAS", "OUTPUT"])(
  "packing the kernels without %s is refused, and does not look through the machine",
  async (missing) => {
    const all = { FOLDER: "kernels", FORMULAS: "formulas", OUTPUT: "texts.cpp" };
    const given = Object.entries(all).flatMap(([name, value]) => (name === missing ? [] : [`-D${name}=/nowhere/${value}`]));
    const script = fileURLToPath(new URL("../../native/cuda/embed.cmake", import.meta.url));
    await expect(promisify(execFile)("cmake", [...given, "-P", script], { timeout: 10_000 })).rejects.toMatchObject({
      killed: false,
      stderr: expect.stringContaining(`was not given ${missing}`),
    });
  },
);
