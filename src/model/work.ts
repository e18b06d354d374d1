import type { ModelConfig } from "./config.ts";

/** Floating-point operations of one evaluation. */
export interface Work {
  /** energy */
  readonly forward: number;
  /** forces, beyond what energy took */
  readonly reverse: number;
}

/** Multiplications and additions, counted apart (docs/theory.md, work): matrix products per atom; filters, their derivatives and the sums over
 *  neighbours per directed edge. Activations are not counted; the edge part of the way back is counted by hand and approximate. */
export function workOf(config: ModelConfig, atoms: number, edges: number): Work {
  const { n_features: f, n_layers: l, n_rbf: r, readout_widths: widths } = config;
  const readout = widths.map((outputs, k) => 2 * outputs * (widths[k - 1] ?? f));
  const head = readout.reduce((sum, product) => sum + product, 0);
  // The adjoint of the last layer is its weights: no product.
  const headReverse = head - (readout.at(-1) ?? 0);
  if (config.arch === "painn-schnetpack") {
    return {
      forward: atoms * (30 * f * f * l + head) + edges * l * (6 * r * f + 22 * f),
      reverse: atoms * (22 * f * f * l + 8 * f * f * (l - 1) + headReverse) + edges * l * (6 * r * f + 57 * f),
    };
  }
  const filter = 2 * r * f + 6 * f * f;
  return {
    forward: atoms * (10 * f * f * l + head) + edges * l * (filter + 14 * f),
    reverse: atoms * (10 * f * f * l + headReverse) + edges * l * (filter + 45 * f),
  };
}

/** Neighbours an atom has on average in a dense system of so many atoms: at most all others, else those in a sphere of the cutoff at
 *  0.1 atoms/Å^3, the density of organic liquids. */
export function typicalNeighbors(config: ModelConfig, atoms: number): number {
  return Math.min(atoms - 1, Math.round(0.1 * (4 / 3) * Math.PI * config.cutoff ** 3));
}
