import type { ModelConfig } from "../../model/config.ts";
import { workOf } from "../../model/work.ts";

/** What a launch must do at the least, however it is written: operations (docs/theory.md, work), and bytes of every array read or written once. */
export interface LaunchWork {
  readonly operations: number;
  readonly bytes: number;
}

/** An evaluation, as far as work depends on it. */
export interface Evaluated {
  readonly config: ModelConfig;
  readonly atoms: number;
  readonly structures: number;
  readonly edges: number;
  /** bytes of a number of the network */
  readonly real: 4 | 8;
}

/** bytes of a placed atom, of one in its slot, of what is asked of a sender, and of an edge of the list: receiver, sender, reverse, vector, direction, rest */
const placed = 120;
const slotted = 16;
const sender = 32;
const keptAtom = 44; // and the cells that it has crossed
const edgeBytes = (real: number) => 12 + 24 + 5 * real;

type Count = (evaluated: Evaluated) => LaunchWork;

/** Atoms go through dense layers: `products` numbers of weights and as many multiply-adds an atom, `rows` of features in and out. */
const dense =
  (products: (config: ModelConfig) => { readonly multiplyAdds: number; readonly weights: number }, rows: number): Count =>
  ({ config, atoms, real }) => {
    const { multiplyAdds, weights } = products(config);
    return { operations: 2 * multiplyAdds * atoms, bytes: real * (rows * config.n_features * atoms + weights) };
  };

/** A sum over neighbours: operations of an edge, rows of features of each atom in and out, numbers beside its edge. */
const message =
  (operations: (config: ModelConfig) => number, rows: number, beside: number): Count =>
  ({ config, atoms, edges, real }) => ({
    operations: operations(config) * edges,
    bytes: real * (rows * config.n_features * atoms + beside * edges) + edges * (8 + 5 * real),
  });

const search =
  (perAtom: number, perEdge: (real: number) => number): Count =>
  ({ atoms, edges, real }) => ({ operations: 0, bytes: perAtom * atoms + perEdge(real) * edges });

/** Both in one launch, which need not write and read so many rows of features in between. */
const inOne =
  (one: Count, other: Count, rows: number): Count =>
  (evaluated) => {
    const [a, b] = [one(evaluated), other(evaluated)];
    const { config, atoms, real } = evaluated;
    return { operations: a.operations + b.operations, bytes: a.bytes + b.bytes - real * rows * config.n_features * atoms };
  };

const square = ({ n_features: f }: ModelConfig, times: number) => ({ multiplyAdds: times * f * f, weights: times * f * f });
/** The vector channels are multiplied three times by the same weights. */
const withChannels = (config: ModelConfig, others: number) => ({
  multiplyAdds: square(config, 6 + others).multiplyAdds,
  weights: square(config, 2 + others).weights,
});
const head = ({ readout_widths: widths, n_features: f }: ModelConfig) =>
  widths.reduce((sum, out, k) => sum + out * (widths[k - 1] ?? f), 0);
/** There and back; the adjoint of the last layer is its weights, no product. */
const withHead = (config: ModelConfig, both: { readonly multiplyAdds: number; readonly weights: number }) => ({
  multiplyAdds: both.multiplyAdds + 2 * head(config) - (config.readout_widths.at(-2) ?? config.n_features),
  weights: both.weights + head(config),
});
const filterOf = ({ n_rbf: r, n_features: f }: ModelConfig) => 6 * r * f;
const studentFilter = ({ n_rbf: r, n_features: f }: ModelConfig) => 2 * r * f + 6 * f * f;
/** The student's messages. The model's operations, its filters computed, also where they come from a table, which may go below such a floor. */
const studentMessages = {
  first: message((c) => studentFilter(c) + 8 * c.n_features, 4, 0),
  between: message((c) => studentFilter(c) + 14 * c.n_features, 8, 0),
  adjoint: message((c) => studentFilter(c) + 45 * c.n_features, 12, 8),
  adjointFirst: message((c) => studentFilter(c) + 20 * c.n_features, 4, 8),
};

/** PaiNN's messages; by slices, inputs of their filters come from painn_radial. Update of a layer (channels, 2, 3) and context of the next (1, 3); the last one makes
 *  no vectors, and begins the way back. */
const painn = {
  first: message((c) => filterOf(c) + 12 * c.n_features, 4, 0),
  between: message((c) => filterOf(c) + 22 * c.n_features, 11, 0),
  adjoint: message((c) => filterOf(c) + 57 * c.n_features, 16, 8),
  adjointFirst: message((c) => filterOf(c) + 26 * c.n_features, 4, 8),
  update: dense((c) => withChannels(c, 2 + 3 + 1 + 3), 23),
  last: dense((c) => withHead(c, { ...square(c, 2 * (6 + 2 + 2)), weights: square(c, 2 + 2 + 2).weights }), 8),
};

const forces: Count = ({ atoms, edges, real }) => ({ operations: 0, bytes: 80 * atoms + edges * (28 + 9 * real) });

/** q and the vectors are passed on within a launch; on the way back x_bar and the vectors' bars, and q_bar is read once. */
const wholeLayers = (name: string): Readonly<Record<string, Count>> => ({
  [`${name}_first`]: inOne(painn.first, painn.update, 8),
  [name]: inOne(painn.between, painn.update, 8),
  [`${name}_last`]: inOne(painn.between, painn.last, 8),
  [`${name}_adjoint`]: inOne(painn.adjoint, painn.update, 13),
});

/** By kernel; those of tiles of atoms come in three cuts, `_spread`, `_small` and `_large`. What a kernel does is said in docs/kernels.md. */
const counts: Readonly<Record<string, Count>> = {
  place_atoms: search(28 + placed + sender, () => 0),
  scan_slots: search(24, () => 0),
  fill_slots: search(placed + slotted, () => 0),
  scan_neighbors: search(8, () => 0),
  find_neighbors: search(placed + slotted + 12, () => 8),
  keep_neighbors: search(placed + sender + keptAtom, () => 16), // of a step of dynamics that does not search
  finish_edges: search(sender + 4, (real) => 8 + edgeBytes(real)),

  // Values and slopes of the radial functions of an edge, each as two halves.
  painn_radial: ({ config, edges, real }) => ({ operations: 0, bytes: edges * (5 * real + 8 * (config.n_rbf + 1)) }),
  painn_message_first: painn.first,
  painn_message: painn.between,
  painn_message_adjoint: painn.adjoint,
  painn_message_adjoint_first: painn.adjointFirst,
  painn_slices_first: painn.first,
  painn_slices: painn.between,
  painn_slices_adjoint: painn.adjoint,
  painn_slices_adjoint_first: painn.adjointFirst,
  painn_update: painn.update,
  painn_update_last: painn.last,
  painn_update_adjoint: painn.update,
  ...wholeLayers("painn_layer"),
  ...wholeLayers("painn_relay"),
  painn_relay_pairs: painn.adjointFirst,

  distiller_message_first: studentMessages.first,
  distiller_message: studentMessages.between,
  distiller_message_adjoint: studentMessages.adjoint,
  distiller_message_adjoint_first: studentMessages.adjointFirst,
  distiller_table_first: studentMessages.first,
  distiller_table: studentMessages.between,
  distiller_table_adjoint: studentMessages.adjoint,
  distiller_table_adjoint_first: studentMessages.adjointFirst,
  distiller_update: dense((c) => square(c, 5), 12),
  distiller_update_last: dense((c) => withHead(c, { ...square(c, 10), weights: square(c, 5).weights }), 8),
  distiller_update_adjoint: dense((c) => square(c, 5), 12),

  sum_forces: forces,
  sum_forces_few: forces,
  sum_structures: search(92, () => 0),
  sum_energies: search(20, () => 0),
  painn_resident: ({ config, atoms, edges, real }) => {
    const { forward, reverse } = workOf(config, atoms, edges);
    return { operations: forward + reverse, bytes: real * square(config, 11 * config.n_layers).weights + 84 * atoms };
  },
};

/** Null for a kernel that nobody has counted. */
export function workOfLaunch(kernel: string, evaluated: Evaluated): LaunchWork | null {
  return counts[kernel.replace(/_(spread|small|large)$/, "")]?.(evaluated) ?? null;
}
