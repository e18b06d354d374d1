import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { serialize } from "node:v8";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tuning } from "../../src/engine/tuning.ts";
import { randomModel } from "../engine/models.ts";
import { ethanol } from "../systems.ts";
import { cache, onCard } from "./open.ts";

const call = promisify(execFile);
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const model = randomModel("painn-schnetpack");
const run = { ensemble: "nve", steps: 3, timestep: 0.1, temperature: 300, replicas: 1, seed: 1, recordEvery: 1, frameEvery: 0, skin: 0 };

/** Are these among the lines, one behind the other? */
function expectInOrder(ranges: string, expected: readonly string[]): void {
  const lines = ranges.split("\n").map((line) => line.replace("painnless ", ""));
  let from = 0;
  const found = expected.filter((line) => {
    const at = lines.indexOf(line, from);
    if (at >= 0) from = at + 1;
    return at >= 0;
  });
  expect(found, ranges).toEqual(expected);
}

describe.skipIf(onCard)("ranges for NVIDIA's tools", () => {
  let folder: string;
  let listener: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "painnless-nvtx-"));
    listener = join(folder, "listener.so");
    await call("c++", ["-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", "-o", listener, here("listener.cpp")]);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const evaluate = async (tuning: Tuning, copies: number, env: NodeJS.ProcessEnv) => {
    const running = call(process.execPath, [here("listened.mjs")], { env: { ...process.env, ...env } });
    running.child.stdin?.end(serialize({ model, batch: Array(copies).fill(ethanol), cache, tuning, run }));
    return (await running).stdout;
  };
  /** The ranges as an indented list, and the answer. */
  async function listened(tuning: Tuning, copies = 1) {
    const file = join(folder, `${Math.random()}.txt`);
    const answer = await evaluate(tuning, copies, { NVTX_INJECTION64_PATH: listener, LISTENER: file });
    return { ranges: await readFile(file, "utf8"), answer };
  }

  test("of the layered schedule: request, search, network by kernel where it is recorded, answer; chunks of dynamics", async () => {
    const { ranges } = await listened({ residentAtoms: 0 });
    const evaluation = ["request", "search", "  record", "    search", "      place_atoms", "layered", "  record", "    layered"];
    const network = ["painn_radial", "painn_slices_first", "painn_update_last_small", "painn_slices_adjoint_first", "sum_forces_few"].map(
      (name) => `      ${name}`,
    );
    expectInOrder(ranges, [...evaluation, ...network, "answer", "chunk", "records"]);
  });

  test("of the resident schedule one launch, and of portions what the host does for each", async () => {
    const resident = await listened({});
    expectInOrder(resident.ranges, ["request", "resident", "  record", "    resident", "      painn_resident", "answer", "chunk"]);
    expect(resident.ranges).not.toMatch(/search/);
    const portions = await listened({ residentAtoms: 0, portionAtoms: 9 }, 2);
    const portion = ["request", "search", "layered"];
    expectInOrder(portions.ranges, [...portion, ...portion, "answer", "answer"]);
  });

  test("nobody listens, or cannot: the same answers", async () => {
    const { answer } = await listened({ residentAtoms: 0 });
    const file = join(folder, "refused.txt");
    for (const env of [{}, { NVTX_INJECTION64_PATH: "/nowhere.so" }, { NVTX_INJECTION64_PATH: listener, LISTENER: file, REFUSES: "1" }])
      expect(await evaluate({ residentAtoms: 0 }, 1, env)).toBe(answer);
    await expect(readFile(file)).rejects.toMatchObject({ code: "ENOENT" });
  });
});
