import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCommand } from "citty";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { inspectCommand } from "../../src/cli/inspect.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { randomModel } from "../engine/models.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-inspect-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** A model with random weights as a file. */
async function saved(changes: Partial<ModelConfig>): Promise<string> {
  const { config, tensors } = randomModel("painn-schnetpack", changes);
  const header: Record<string, unknown> = { __metadata__: { painnless: JSON.stringify(config) } };
  const parts: Buffer[] = [];
  let at = 0;
  for (const [name, { shape, data }] of tensors) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    header[name] = { dtype: data.BYTES_PER_ELEMENT === 8 ? "F64" : "F32", shape, data_offsets: [at, at + bytes.length] };
    parts.push(bytes);
    at += bytes.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const path = join(folder, `${Object.keys(changes)}.safetensors`);
  await writeFile(path, Buffer.concat([length, text, ...parts]));
  return path;
}

async function inspect(changes: Partial<ModelConfig>, atoms: number) {
  const json = join(folder, "i.json");
  const path = await saved(changes);
  let out = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  await runCommand(inspectCommand, { rawArgs: [path, "--atoms", `${atoms}`, "--json", json] }).finally(() => write.mockRestore());
  return { out, plans: JSON.parse(await readFile(json, "utf8")).plans as { side: string; refused?: string; card?: string | null }[] };
}

test("a model that one engine refuses: its row says why, the others have their plans", async () => {
  const { out, plans } = await inspect({ readout_widths: [8, 8, 8, 8, 8, 1] }, 100);
  expect(out).toMatch(/native:cpu:f64 .*weights/);
  expect(out).toMatch(/native:cuda:f32 +refused: .*up to 4 hidden layers in the readout; use native:cpu:f64/);
  expect(plans.map(({ side, refused }) => [side, refused === undefined])).toEqual([
    ["native:cpu:f32", true],
    ["native:cpu:f64", true],
    ["native:cuda:f32", false],
    ["native:cuda:f64", false],
  ]);
});

test("more edges than an engine counts are no plan of fewer, and a card that is not here is named", async () => {
  const { plans } = await inspect({ cutoff: 15 }, 2_000_000);
  for (const { refused } of plans) expect(refused).toMatch(/edges within the cutoff, expected at most 2\^28/);
  const few = await inspect({ cutoff: 6 }, 100);
  expect(few.plans.map(({ card }) => card === null)).toEqual([true, true, false, false]);
  expect(few.out).toMatch(/native:cuda:f64 .*; on ./);
});
