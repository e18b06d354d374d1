import type { ModelFile } from "../model/model-file.ts";
import type { NativeConfig, NativeTensors } from "./native.ts";

/** The sizes and constants of a model, as C++ takes them. Energy offsets and atom references stay on this side. */
export function nativeConfig({ config }: ModelFile): NativeConfig {
  return {
    arch: config.arch,
    features: config.n_features,
    layers: config.n_layers,
    radial: config.n_rbf,
    maxZ: config.max_z,
    cutoff: config.cutoff,
    rbf: config.rbf,
    edgeAtCutoff: config.edge_rule === "le",
    normEps: config.norm_eps,
    directionEps: config.dir_eps,
    sharedLayers: config.shared_layers,
    sharedFilters: config.shared_filters,
    readoutWidths: config.readout_widths,
    energyUnit: config.energy_unit_in_ev,
  };
}

/** The weights by name, in float64, which every stored value fits exactly. */
export function nativeTensors({ tensors }: ModelFile): NativeTensors {
  return Object.fromEntries([...tensors].map(([name, { data }]) => [name, Float64Array.from(data)]));
}
