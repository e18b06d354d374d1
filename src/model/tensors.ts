import type { ModelConfig } from "./config.ts";

/** Shape of each tensor of a model, by name, in the order of the computation. Shared layers and shared filters are stored once. `optional` may
 *  be absent: the last layer of a student does not use its mixing matrix. Python's `painnless.model_file.expected_tensors` is the same list. */
export function expectedTensors(config: ModelConfig): {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly optional: ReadonlySet<string>;
} {
  const shapes = new Map<string, readonly number[]>();
  const optional = new Set<string>();
  const { n_features: f, n_rbf: r } = config;
  const dense = (name: string, inputs: number, outputs: number) => {
    shapes.set(`${name}.weight`, [outputs, inputs]);
    shapes.set(`${name}.bias`, [outputs]);
  };

  if (config.arch === "painn-schnetpack") {
    shapes.set("representation.embedding.weight", [config.max_z + 1, f]);
    for (const name of config.rbf === "gaussian" ? ["offsets", "widths"] : ["freqs"]) {
      shapes.set(`representation.radial_basis.${name}`, [r]);
    }
    dense("representation.filter_net", r, 3 * f * (config.shared_filters ? 1 : config.n_layers));
    for (let t = 0; t < (config.shared_layers ? 1 : config.n_layers); t++) {
      dense(`representation.interactions.${t}.interatomic_context_net.0`, f, f);
      dense(`representation.interactions.${t}.interatomic_context_net.1`, f, 3 * f);
      shapes.set(`representation.mixing.${t}.mu_channel_mix.weight`, [2 * f, f]);
      dense(`representation.mixing.${t}.intraatomic_context_net.0`, 2 * f, f);
      dense(`representation.mixing.${t}.intraatomic_context_net.1`, f, 3 * f);
    }
  } else {
    shapes.set("embedding.weight", [config.max_z + 1, f]);
    shapes.set("rbf.centers", [r]);
    shapes.set("rbf.widths", [r]);
    for (let t = 0; t < config.n_layers; t++) {
      dense(`interactions.${t}.message.rbf_to_scalar.0`, r, f);
      dense(`interactions.${t}.message.rbf_to_scalar.2`, f, 3 * f);
      dense(`interactions.${t}.update.update_mlp.0`, 2 * f, f);
      dense(`interactions.${t}.update.update_mlp.2`, f, 3 * f);
      shapes.set(`interactions.${t}.update.mixing_matrix`, [3, 3]);
    }
    optional.add(`interactions.${config.n_layers - 1}.update.mixing_matrix`);
  }

  const [head, stride] = config.arch === "painn-schnetpack" ? ["output_modules.0.outnet", 1] : ["energy_head", 2];
  config.readout_widths.forEach((outputs, k) => {
    dense(`${head}.${k * stride}`, config.readout_widths[k - 1] ?? f, outputs);
  });
  return { shapes, optional };
}
