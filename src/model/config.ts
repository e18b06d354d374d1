import { z } from "zod";
import { energyUnits } from "../system/units.ts";

/** The metadata of a model file: everything about the force field but its weights. `docs/formats.md` explains each field; Python's
 *  `painnless.model_file.ModelConfig` is the same list and a test holds the two together. */
export const modelConfigSchema = z.strictObject({
  format: z.literal("painnless.model"),
  format_version: z.literal(1),
  arch: z.enum(["painn-schnetpack", "painn-distiller"]),
  /** F, L, R of models.md */
  n_features: z.int().min(1).max(4096),
  n_layers: z.int().min(1).max(64),
  n_rbf: z.int().min(1).max(1024),
  /** the embedding has max_z + 1 rows; atomic numbers 1..max_z */
  max_z: z.int().min(1).max(118),
  /** elements of the training set, where known */
  elements: z.array(z.int().min(1).max(118)).min(1).nullable(),
  /** Å */
  cutoff: z.number().positive(),
  cutoff_fn: z.literal("cosine"),
  cutoff_applies_to: z.enum(["filter", "rbf_input"]),
  rbf: z.enum(["gaussian", "bessel"]),
  /** exp(-(d-o)^2 / (2 w^2)) or exp(-(d-o)^2 / w^2); null for bessel */
  rbf_gamma_convention: z.enum(["half_inv_w2", "inv_w2"]).nullable(),
  activation: z.literal("silu"),
  norm_eps: z.number().nonnegative(),
  dir_eps: z.number().nonnegative(),
  /** is a pair at exactly the cutoff an edge */
  edge_rule: z.enum(["lt", "le"]),
  shared_layers: z.boolean(),
  shared_filters: z.boolean(),
  /** output width of each readout layer; the last is 1 */
  readout_widths: z.array(z.int().min(1).max(4096)).min(1),
  aggregation: z.literal("sum"),
  energy_unit: z.enum(energyUnits),
  length_unit: z.literal("Å"),
  energy_unit_in_ev: z.number().positive(),
  /** decimal string of a float64, in energy_unit */
  energy_offset: z.string().regex(/^-?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/),
  /** is energy_offset added for each atom, or once a structure */
  energy_offset_per_atom: z.boolean(),
  /** (max_z + 1) in energy_unit, or null */
  atom_refs: z.array(z.number()).nullable(),
  pbc_supported: z.boolean(),
  equivariant: z.boolean(),
  continuous_at_cutoff: z.boolean(),
  weight_dtype: z.enum(["float32", "float64"]),
  source_format: z.string(),
  source_sha256: z.string(),
  source_version: z.string().nullable(),
  units_origin: z.enum(["file", "user", "assumed"]),
});

export type ModelConfig = z.infer<typeof modelConfigSchema>;
