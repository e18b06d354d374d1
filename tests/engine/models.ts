import type { ModelConfig } from "../../src/model/config.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import { expectedTensors } from "../../src/model/tensors.ts";
import { Random } from "../../src/system/random.ts";

const painn: ModelConfig = {
  format: "painnless.model",
  format_version: 1,
  arch: "painn-schnetpack",
  n_features: 32,
  n_layers: 2,
  n_rbf: 8,
  max_z: 10,
  elements: null,
  cutoff: 5,
  cutoff_fn: "cosine",
  cutoff_applies_to: "filter",
  rbf: "gaussian",
  rbf_gamma_convention: "half_inv_w2",
  activation: "silu",
  norm_eps: 1e-8,
  dir_eps: 0,
  edge_rule: "lt",
  shared_layers: false,
  shared_filters: false,
  readout_widths: [16, 1],
  aggregation: "sum",
  energy_unit: "eV",
  length_unit: "Å",
  energy_unit_in_ev: 1,
  energy_offset: "0",
  energy_offset_per_atom: true,
  atom_refs: null,
  pbc_supported: true,
  equivariant: true,
  continuous_at_cutoff: true,
  weight_dtype: "float64",
  source_format: "test",
  source_sha256: "",
  source_version: null,
  units_origin: "user",
};

const distiller: Partial<ModelConfig> = {
  arch: "painn-distiller",
  cutoff_applies_to: "rbf_input",
  rbf_gamma_convention: "inv_w2",
  norm_eps: 0,
  dir_eps: 1e-8,
  edge_rule: "le",
  readout_widths: [16, 8, 1],
  pbc_supported: false,
  equivariant: false,
  continuous_at_cutoff: false,
};

/** A small model with random weights, never on disk; `changes` to its configuration, which must fit each other. */
export function randomModel(arch: ModelConfig["arch"], changes: Partial<ModelConfig> = {}): ModelFile {
  const config: ModelConfig = { ...painn, ...(arch === "painn-distiller" ? distiller : {}), ...changes };
  const random = new Random(7, arch);
  const tensors = [...expectedTensors(config).shapes].map(([name, shape]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const scale = Math.sqrt(/embedding/.test(name) ? 1 : (shape[1] ?? 10));
    let value = (_: number): number => random.normal() / scale;
    if (/offsets|centers/.test(name)) value = (k) => (config.cutoff * k) / (size - 1);
    if (/widths/.test(name)) value = () => config.cutoff / size;
    const data = new Float64Array(size).map((_, k) => value(k));
    return [name, { dtype: "F64", shape, data }] as const;
  });
  return { path: `random ${arch}`, config, tensors: new Map(tensors), sha256: "", bytes: 0 };
}

/** The model with all weights and biases of its filters times `factor`. */
export function withFilters(model: ModelFile, factor: number): ModelFile {
  const tensors = [...model.tensors].map(
    ([name, tensor]) => [name, name.includes("filter_net") ? { ...tensor, data: tensor.data.map((x) => factor * x) } : tensor] as const,
  );
  return { ...model, tensors: new Map(tensors) };
}
