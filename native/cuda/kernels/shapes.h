#pragma once
// Sizes that host and kernels must agree on, in numbers of `real` unless said otherwise.

namespace painnless::cuda {

/// Row of features in shared memory: padded so that rows of one warp fall into different banks, and whole packs of four.
constexpr int row_of(int features) { return features + 8; }
/// How many fp16 parts a number is in a product on tensor cores (TENSOR): two, which hold a float to 22 bits, or one, where precision is mixed; 0 where products
/// are multiply-adds. Two numbers are as many words.
constexpr int float_parts = 2, mixed_parts = 1;
/// A row of features for inputs of a product.
constexpr int input_row(int numbers, int tensor) { return tensor ? tensor * (numbers / 2 + 8) : row_of(numbers); }
/// On the way back of a product, its outputs are summed in parts of so many features, each with all blocks of outputs: the place of one of them.
constexpr int part_features = 8;
constexpr int by_parts(int blocks, int block, int feature) { return (feature / part_features * blocks + block) * part_features + feature % part_features; }
/// On tensor cores, products are summed by units of part_features inputs: two make a part on the way there, one of each block on the way back; the sums of the
/// parts are added by sections, as many as there may be groups of threads. A fragment of the weights is sixteen outputs of one unit: 64 pairs.
constexpr int forward_units = 2;
constexpr int fragment_words(int tensor) { return 64 * tensor; }
constexpr int sections_of(int parts) { return parts % 4 == 0 ? 4 : 2; }
constexpr int larger(int a, int b) { return a < b ? b : a; }
constexpr int smaller(int a, int b) { return a < b ? a : b; }

/// Shared memory of one atom in the kernels that work on tiles of atoms. `readout` is what its hidden layers take.
constexpr int painn_update_shared(int features, int tensor) { return 4 * input_row(features, tensor) + input_row(2 * features, tensor); }
constexpr int painn_adjoint_shared(int features, int tensor) {
  return larger(input_row(3 * features, tensor), 3 * input_row(2 * features, tensor)) + input_row(features, tensor);
}
constexpr int painn_last_shared(int features, int readout, int tensor) {
  return larger(painn_update_shared(features, tensor) + readout, painn_adjoint_shared(features, tensor));
}
constexpr int readout_shared(int width, int tensor) { return larger(input_row(width, tensor), row_of(width)) + row_of(width); }

constexpr int distiller_update_shared(int features, int tensor) { return input_row(2 * features, tensor) + input_row(features, tensor); }
constexpr int distiller_adjoint_shared(int features, int tensor) { return input_row(3 * features, tensor) + input_row(features, tensor); }
constexpr int distiller_last_shared(int features, int readout, int tensor) {
  return larger(distiller_update_shared(features, tensor) + readout, distiller_adjoint_shared(features, tensor));
}

/// Shared memory of a block in which groups of threads pass on their sums: the largest product has 12 outputs for each atom of a thread. With multiply-adds a
/// group passes them to the next; from tensor cores all pass them to the last.
constexpr int update_exchange(int atoms, int split, int threads, int tensor) { return split > 1 ? 12 * atoms * threads / split * (tensor ? split - 1 : 1) : 0; }

/// Shared memory of one warp in the message kernels: radial functions of a group of edges and their slopes; the student's hidden layer too.
constexpr int painn_message_shared(int radial, int group) { return 2 * (radial + 1) * group; }
constexpr int distiller_message_shared(int radial, int features, int group) { return 2 * (radial + 1 + features) * group; }

/// Degree of the splines that the student's filters are tabulated in, and what an edge on its way to the table takes: each warp stages 32 of them.
constexpr int table_degree = 5, staged_edge = 16;
constexpr int distiller_table_shared = 32 * staged_edge;

/// Structures of up to so many atoms, and open ones of more (request.cpp), are searched without bins, which the resident schedule does not have: it takes no larger ones.
constexpr int few_atoms = 64;
/// Filters on tensor cores: groups of eight inputs, the last of which is the cutoff; words that hold those of an edge, and the weights of sixteen features.
constexpr int filter_groups(int radial) { return radial / 8 + 1; }
constexpr int filter_row_words(int radial) { return 8 * filter_groups(radial); }
constexpr int filter_half_words(int radial) { return 128 * filter_groups(radial); }
constexpr int slice_features = 32, slice_halves = 2 * 3;  // of a warp; sixteen features each, of three blocks
constexpr int tile_edges = 8;  // that a warp works on at once
/// What it reads of them in shared memory: rows of senders' slices and four numbers of each edge. Rows are x^q, x^R and x^m mu, which layer 0 has not; on the way back
/// bars of q and mu, and x^q and x^R in layer 0. Of a receiver's own slice: q and mu, or the embedding; on the way back x, mu and the bar of mu, or what senders have.
constexpr int slice_stage_words(int rows) { return rows * tile_edges * slice_features + 4 * tile_edges; }
constexpr int received_rows(bool first) { return first ? 2 : 5; }
constexpr int received_own(bool first) { return first ? 1 : 4; }
constexpr int returned_rows(bool first) { return first ? 6 : 4; }
constexpr int returned_own(bool first) { return first ? 6 : 9; }
/// A warp has two of either: one that is read while the other comes.
constexpr int slice_warp_words(int rows, int own) { return 2 * (slice_stage_words(rows) + own * slice_features); }

/// Blocks of a cluster that share a tile of atoms where there are few (layers/cut.cuh); of whole layers twice as many where there are fewer still.
constexpr int spread_members = 4, relay_members = 8;
/// Rows of numbers that come to a block as they are, of so many features that are its own: 16 bytes apart from each other's banks.
constexpr int own_row(int features) { return features + 4; }
/// What warps that share a receiver have in common: what either waits with, and sums of every lane (layers/relay.cuh).
constexpr int relay_sums = 20, relay_words = 4 + 32 * relay_sums;
/// What each counts arrivals in, and room for a letter that nobody reads.
constexpr int spread_counters = 8;

// Threads of a block.
constexpr int message_threads = 128, radial_threads = 256, result_threads = 128, scan_threads = 256;
constexpr int few_chunks = 4;               // of features, whose sums sum_forces_few takes together
constexpr int atom_chunk = 1024;            // of a structure, whose energies and virials a block adds up
constexpr int scan_items = 4 * scan_threads;  // of a block
constexpr int slice_block_words(int rows, int own) { return message_threads / 32 * slice_warp_words(rows, own); }
constexpr int message_adjoint_blocks = 2, slice_blocks = 2, slice_adjoint_blocks = 3, table_blocks = 4, table_adjoint_blocks = 3;  // that a multiprocessor shall hold at once

}  // namespace painnless::cuda
