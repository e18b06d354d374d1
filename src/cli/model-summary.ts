import type { ModelFile } from "../model/model-file.ts";

const architectures = { "painn-schnetpack": "PaiNN (SchNetPack)", "painn-distiller": "PaiNN student (MLFF-Distiller)" } as const;
const origins = { file: "as the file says", user: "as the user said", assumed: "assumed" } as const;

/** Name and value, one a line. */
export const lines = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}\n`).join("");
};

export const countWeights = ({ tensors }: ModelFile): number => [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);

/** What a model is, in a few lines. */
export function describeModel(model: ModelFile): string {
  const { config } = model;
  const shared = [config.shared_layers ? "layers shared" : "", config.shared_filters ? "filters shared" : ""].filter(Boolean);
  const offset = Number(config.energy_offset);
  return lines([
    ["architecture", [architectures[config.arch], ...shared].join(", ")],
    [
      "sizes",
      `F ${config.n_features}, L ${config.n_layers}, R ${config.n_rbf} ${config.rbf}, readout ${[config.n_features, ...config.readout_widths].join(" → ")}`,
    ],
    ["weights", `${countWeights(model).toLocaleString("en")} in ${config.weight_dtype}, ${model.bytes.toLocaleString("en")} bytes`],
    ["cutoff", `${config.cutoff} Å, ${config.cutoff_fn}`],
    ["elements", config.elements === null ? `1 to ${config.max_z} (those of the training set are not known)` : config.elements.join(", ")],
    ["energy unit", `${config.energy_unit} = ${config.energy_unit_in_ev} eV, ${origins[config.units_origin]}`],
    [
      "energy offset",
      offset === 0 ? "none" : `${config.energy_offset} ${config.energy_unit} ${config.energy_offset_per_atom ? "an atom" : "a structure"}`,
    ],
    ["atom references", config.atom_refs === null ? "none" : `${config.atom_refs.filter((x) => x !== 0).length} elements`],
    ["made from", `${config.source_format}${config.source_version === null ? "" : ` (${config.source_version})`}`],
    ["its SHA-256", config.source_sha256 || "-"],
    ["model SHA-256", model.sha256],
  ]);
}
