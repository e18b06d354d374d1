import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nativeConfig, nativeTensors } from "../../src/engine/weights.ts";
import { PainnlessError } from "../../src/errors.ts";
import { modelConfigSchema } from "../../src/model/config.ts";
import { parseModel, readModelFile } from "../../src/model/model-file.ts";
import { expectedTensors } from "../../src/model/tensors.ts";
import { bytesOf, expected, folder, type Header, pack, unpack } from "./golden.ts";

const path = (name: string) => fileURLToPath(new URL(`${name}.safetensors`, folder));
const isOurs = (error: unknown): error is PainnlessError => error instanceof PainnlessError;

/** The golden file with another configuration in its metadata, its tensors unchanged. */
function withConfig(name: string, config: unknown): Uint8Array {
  const { header, body } = unpack(bytesOf(name));
  return pack({ ...header, __metadata__: { painnless: JSON.stringify(config) } }, body);
}

describe("a model file written by Python", () => {
  test.each(["painn", "student"])("%s: every field and every value", async (name) => {
    const file = await readModelFile(path(name));
    const golden = expected.files[name];
    expect(file.config).toEqual(expected.configs[name]);
    expect(file.sha256).toBe(golden?.sha256);
    expect(file.bytes).toBe(bytesOf(name).length);
    expect(file.path).toBe(path(name));
    const values = Object.fromEntries([...file.tensors].map(([key, { data }]) => [key, [...data]]));
    expect(values).toEqual(golden?.values);
    expect(Object.fromEntries([...file.tensors].map(([key, { shape }]) => [key, shape]))).toEqual(expected.tensors[name]);
  });

  test("goes to C++ in float64, by name", async () => {
    const file = await readModelFile(path("painn"));
    const tensors = nativeTensors(file);
    for (const [name, { data }] of file.tensors) expect([...(tensors[name] ?? [])]).toEqual([...data]);
    expect(Object.keys(tensors)).toHaveLength(file.tensors.size);
    expect(nativeConfig(file)).toEqual({
      arch: "painn-schnetpack",
      features: 4,
      layers: 2,
      radial: 3,
      maxZ: 2,
      cutoff: 4.5,
      rbf: "gaussian",
      edgeAtCutoff: false,
      normEps: 1e-8,
      directionEps: 0,
      sharedLayers: false,
      sharedFilters: false,
      readoutWidths: [2, 1],
      energyUnit: 0.04336410390059322,
    });
    expect(nativeConfig(await readModelFile(path("student"))).edgeAtCutoff).toBe(true);
  });
});

describe("both languages", () => {
  test.each(Object.keys(expected.configs))("need the same tensors: %s", (name) => {
    const { shapes, optional } = expectedTensors(modelConfigSchema.parse(expected.configs[name]));
    expect(Object.fromEntries(shapes)).toEqual(expected.tensors[name]);
    expect([...optional].sort()).toEqual(expected.optional[name]);
  });

  test("know the same fields", () => {
    expect(Object.keys(modelConfigSchema.shape)).toEqual(Object.keys(expected.configs.painn ?? {}));
  });

  test.each(expected.cases)("accept the same configurations: $config $change", ({ config, change, valid }) => {
    const fields = Object.entries({ ...expected.configs[config], ...change }).filter(([, value]) => value !== "DELETE");
    const name = config === "student" ? "student" : "painn";
    let caught: unknown = null;
    try {
      parseModel(withConfig(name, Object.fromEntries(fields)), "case");
    } catch (error) {
      caught = error;
    }
    if (caught === null) return expect(valid).toBe(true);
    if (!isOurs(caught)) throw caught;
    expect(caught.code).toBe("BAD_MODEL");
    // A valid change of size or basis is refused only for the tensors, which this file has for another size.
    if (valid) expect(caught.message).toMatch(/tensor "/);
    else expect(caught.message).not.toMatch(/tensor "/);
  });
});

const first = "representation.filter_net.weight";
type Entry = { dtype: string; shape: number[]; data_offsets: [number, number] };
const entry = (header: Header, name: string) => header[name] as Entry;

/** What is done to the header and body of the golden file, and what is said of it. */
const damage: Record<string, [(header: Header, body: Uint8Array) => Uint8Array, RegExp]> = {
  "an unknown tensor": [(h, b) => pack(renamed(h, first, "other"), b), /tensor "other" has no place in painn-schnetpack/],
  "a shape": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), shape: [3, 24] } }, b), /has shape \[3,24\], expected \[24,3\]/],
  "a rank": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), shape: [72] } }, b), /has shape \[72\], expected \[24,3\]/],
  "a negative size": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), shape: [-24, -3] } }, b), /malformed/],
  "a fractional size": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), shape: [1.5, 48] } }, b), /malformed/],
  "half precision": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), dtype: "F16" } }, b), /malformed/],
  "a surplus key": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), x: 1 } }, b), /malformed/],
  "another precision": [(h, b) => pack({ ...h, [first]: { ...entry(h, first), dtype: "F64", shape: [12, 3] } }, b), /shape|dtype/],
  "an extent beyond the end": [(h, b) => moved(h, b, [b.length - 4, b.length + 284]), /ends at byte \d+ of \d+ bytes/],
  "an extent backwards": [(h, b) => moved(h, b, [288, 0]), /spans -288 bytes/],
  "an extent too short": [(h, b) => moved(h, b, [0, 4]), /spans 4 bytes, expected 288/],
  overlap: [(h, b) => overlapping(h, b), /must neither overlap nor leave gaps/],
  "bytes that belong to nobody": [(h, b) => pack(h, new Uint8Array([...b, 0])), /1 bytes at the end belong to no tensor/],
  "no metadata": [(h, b) => pack({ ...h, __metadata__: undefined }, b), /metadata keys are none/],
  "other metadata": [(h, b) => pack({ ...h, __metadata__: { format: "pt" } }, b), /metadata keys are format/],
  "metadata of another type": [(h, b) => pack({ ...h, __metadata__: { painnless: 3 } }, b), /not a table of strings/],
  "metadata that is not JSON": [(h, b) => pack({ ...h, __metadata__: { painnless: "{" } }, b), /not JSON/],
  "a header that is not JSON": [(_, b) => pack("{,", b), /header is not JSON/],
  "a header that is a list": [(_, b) => pack([1, 2], b), /not a JSON object/],
  "NaN in a weight": [(h, b) => pack(h, lastFloat(b, Number.NaN)), /holds NaN at element/],
  "infinity in a weight": [(h, b) => pack(h, lastFloat(b, Number.NEGATIVE_INFINITY)), /holds -Infinity at element/],
};

function renamed(header: Header, from: string, to: string): Header {
  return Object.fromEntries(Object.entries(header).map(([name, value]) => [name === from ? to : name, value]));
}

function moved(header: Header, body: Uint8Array, data_offsets: [number, number]): Uint8Array {
  return pack({ ...header, [first]: { ...entry(header, first), data_offsets } }, body);
}

/** Two tensors of equal size at one place. */
function overlapping(header: Header, body: Uint8Array): Uint8Array {
  const [a, b] = ["representation.radial_basis.offsets", "representation.radial_basis.widths"] as const;
  return pack({ ...header, [a]: { ...entry(header, a), data_offsets: entry(header, b).data_offsets } }, body);
}

function lastFloat(body: Uint8Array, value: number): Uint8Array {
  new DataView(body.buffer, body.byteOffset).setFloat32(body.length - 4, value, true);
  return body;
}

/** @param bits place, bit, and whether the place counts within the header */
function flipped(file: Uint8Array, bits: readonly [number, number, boolean][]): Uint8Array {
  const bytes = new Uint8Array(file);
  const header = bytes.length - unpack(bytes).body.length;
  for (const [at, bit, inHeader] of bits) {
    const k = Math.floor(at * (inHeader ? header : bytes.length));
    bytes[k] = (bytes[k] ?? 0) ^ (1 << bit);
  }
  return bytes;
}

function spliced(file: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
  const k = Math.floor(at * file.length);
  return new Uint8Array([...file.subarray(0, k), ...piece, ...file.subarray(k)]);
}

describe("a damaged file is refused", () => {
  test.each(Object.entries(damage))("%s", (_, [change, message]) => {
    const { header, body } = unpack(bytesOf("painn"));
    const bytes = change(header, body);
    expect(() => parseModel(bytes, "file")).toThrowError(message);
    expect(() => parseModel(bytes, "file")).toThrowError(PainnlessError);
  });

  test.each([
    ["nothing", new Uint8Array(), /0 bytes are too few/],
    ["a header longer than the file", pack({}, new Uint8Array()).fill(0xff, 0, 8), /not a safetensors file: the header claims/],
    ["a PyTorch file", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0), /run painnless import file -o MODEL/],
    ["an ONNX file", Uint8Array.of(8, 7, 18, 7, 112, 121, 116, 111, 114), /run painnless import file -o MODEL/],
  ])("%s", (_, bytes, message) => {
    expect(() => parseModel(bytes, "file")).toThrowError(message);
  });

  test("a thousand mutations end in a model or a typed error", () => {
    const files = ["painn", "student"].map(bytesOf);
    const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    const flips = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 7 }), fc.boolean()), { minLength: 1, maxLength: 8 });
    const mutation = fc.oneof(
      flips.map((bits) => (file: Uint8Array) => flipped(file, bits)),
      place.map((end) => (file: Uint8Array) => file.slice(0, Math.floor(end * file.length))),
      fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(
        ([at, piece]) =>
          (file: Uint8Array) =>
            spliced(file, at, piece),
      ),
    );
    let refused = 0;
    let read = 0;
    fc.assert(
      fc.property(fc.constantFrom(...files), mutation, (file, mutate) => {
        try {
          parseModel(mutate(file), "mutation");
          read++;
        } catch (error) {
          if (!isOurs(error)) throw error;
          expect(error.code).toBe("BAD_MODEL");
          refused++;
        }
      }),
      { numRuns: 1000, seed: 3 },
    );
    expect(refused + read).toBe(1000);
    expect(refused).toBeGreaterThan(100);
    expect(read).toBeGreaterThan(10);
  });
});

describe("a path", () => {
  let directory = "";
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "painnless-model-"));
  });
  afterAll(async () => {
    await rm(directory, { recursive: true });
  });

  test("that is not there, or a directory", async () => {
    for (const bad of [join(directory, "nothing"), directory]) {
      await expect(readModelFile(bad)).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
  });

  test("of a foreign checkpoint names the command that imports it", async () => {
    const foreign = join(directory, "best_model");
    await writeFile(foreign, "PK\u0003\u0004 and so on");
    await expect(readModelFile(foreign)).rejects.toMatchObject({
      code: "BAD_MODEL",
      message: `${foreign} is a foreign checkpoint: run painnless import ${foreign} -o MODEL`,
    });
  });
});
