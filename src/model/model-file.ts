import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { PainnlessError } from "../errors.ts";
import { disagreement } from "../system/disagreement.ts";
import { assertRegular } from "../system/regular-file.ts";
import { energyUnitsInEv } from "../system/units.ts";
import { type ModelConfig, modelConfigSchema } from "./config.ts";
import { maxFileBytes, parseSafetensors, type Tensor } from "./safetensors.ts";
import type { ModelSummary } from "./summary.ts";
import { expectedTensors } from "./tensors.ts";

/** A force field as read from a file: what it is, and its weights by name, every one of them finite and of the shape `config` asks for. */
export interface ModelFile {
  readonly path: string;
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** of the whole file, hexadecimal */
  readonly sha256: string;
  /** size of the file */
  readonly bytes: number;
}

/** What a result says of this model. */
export const summaryOf = ({ path, sha256, config }: ModelFile): ModelSummary => ({
  ...{ name: path.split("/").at(-1) ?? path, sha256, architecture: config.arch },
  ...{ cutoff: config.cutoff, energyUnit: config.energy_unit, unitsOrigin: config.units_origin },
});

const metadataKey = "painnless";

/** The model in a file (docs/formats.md).
 *  @throws {PainnlessError} NOT_FOUND, or BAD_MODEL naming the field or tensor, what was found and what was expected */
export async function readModelFile(path: string): Promise<ModelFile> {
  const bytes = await readBounded(path);
  return { path, ...parseModel(bytes, path), sha256: createHash("sha256").update(bytes).digest("hex"), bytes: bytes.length };
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    await assertRegular(path);
    const file = await open(path, "r");
    try {
      const { size } = await file.stat();
      if (size > maxFileBytes)
        throw new PainnlessError("BAD_MODEL", `${path}: ${size} bytes, more than the ${maxFileBytes} this program reads`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (cause instanceof PainnlessError) throw cause;
    throw new PainnlessError("NOT_FOUND", `cannot read model file ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

/** The same, from bytes. `where` is for messages. */
export function parseModel(bytes: Uint8Array, where: string): { config: ModelConfig; tensors: ReadonlyMap<string, Tensor> } {
  assertNotForeign(bytes, where);
  const { metadata, tensors } = parseSafetensors(bytes, where);
  const text = metadata[metadataKey];
  if (text === undefined || Object.keys(metadata).length !== 1) {
    const keys = Object.keys(metadata).join(", ") || "none";
    throw new PainnlessError(
      "BAD_MODEL",
      `${where}: metadata keys are ${keys}, expected exactly "${metadataKey}", as painnless import writes`,
    );
  }
  const config = parseConfig(text, where);
  assertTensors(config, tensors, where);
  return { config, tensors };
}

/** A zip file is PyTorch's; ONNX begins with the field of its IR version. Both are what `painnless import` is for. */
function assertNotForeign(bytes: Uint8Array, where: string): void {
  const zip = bytes[0] === 0x50 && bytes[1] === 0x4b;
  const onnx = bytes[0] === 0x08 && bytes[8] !== 0x7b;
  if (zip || onnx) {
    throw new PainnlessError("BAD_MODEL", `${where} is a foreign checkpoint: run painnless import ${where} -o MODEL`);
  }
}

function parseConfig(text: string, where: string): ModelConfig {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw new PainnlessError("BAD_MODEL", `${where}: the model's metadata is not JSON`, { cause });
  }
  const parsed = modelConfigSchema.safeParse(raw);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path[0];
    throw new PainnlessError("BAD_MODEL", `${where}: the model's metadata: ${disagreement(parsed.error)}`, {
      field: field === undefined ? null : String(field),
      cause: parsed.error,
    });
  }
  assertConsistent(parsed.data, where);
  return parsed.data;
}

/** Fields that depend on each other; the same rules as Python's `ModelConfig`. */
function assertConsistent(config: ModelConfig, where: string): void {
  const require = <K extends keyof ModelConfig>(field: K, expected: ModelConfig[K], why: string) => {
    if (config[field] === expected) return;
    throw new PainnlessError("BAD_MODEL", `${where}: ${field} is ${config[field]}, expected ${expected} for ${why}`, { field });
  };
  const { arch, rbf } = config;
  if (arch === "painn-schnetpack") {
    require("cutoff_applies_to", "filter", arch);
    require("rbf_gamma_convention", rbf === "gaussian" ? "half_inv_w2" : null, `${arch} with ${rbf} functions`);
    require("dir_eps", 0, arch);
  } else {
    require("cutoff_applies_to", "rbf_input", arch);
    require("rbf", "gaussian", arch);
    require("rbf_gamma_convention", "inv_w2", arch);
    require("shared_layers", false, arch);
    require("shared_filters", false, arch);
    require("pbc_supported", false, arch);
  }
  require("energy_unit_in_ev", energyUnitsInEv[config.energy_unit], config.energy_unit);
  const bad = (field: keyof ModelConfig, message: string) => new PainnlessError("BAD_MODEL", `${where}: ${field} ${message}`, { field });
  if (config.readout_widths.at(-1) !== 1)
    throw bad("readout_widths", `ends in ${config.readout_widths.at(-1)}, expected 1: one energy per atom`);
  if (config.atom_refs !== null && config.atom_refs.length !== config.max_z + 1)
    throw bad("atom_refs", `has ${config.atom_refs.length} entries, expected ${config.max_z + 1} = max_z + 1`);
  if (!Number.isFinite(Number(config.energy_offset))) throw bad("energy_offset", `is ${config.energy_offset}, expected a finite number`);
}

function assertTensors(config: ModelConfig, tensors: ReadonlyMap<string, Tensor>, where: string): void {
  const { shapes, optional } = expectedTensors(config);
  const bad = (name: string, message: string) => new PainnlessError("BAD_MODEL", `${where}: tensor "${name}" ${message}`, { field: name });
  for (const name of tensors.keys()) if (!shapes.has(name)) throw bad(name, `has no place in ${config.arch}`);
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (tensor === undefined) {
      if (optional.has(name)) continue;
      throw bad(name, `of shape [${shape}] is missing`);
    }
    if (tensor.shape.length !== shape.length || tensor.shape.some((n, k) => n !== shape[k]))
      throw bad(name, `has shape [${tensor.shape}], expected [${shape}]`);
    const dtype = tensor.data instanceof Float32Array ? "float32" : "float64";
    if (dtype !== config.weight_dtype) throw bad(name, `has dtype ${dtype}, expected ${config.weight_dtype}`);
    const odd = tensor.data.findIndex((x) => !Number.isFinite(x));
    if (odd !== -1) throw bad(name, `holds ${tensor.data[odd]} at element ${odd}, expected finite numbers`);
  }
}
