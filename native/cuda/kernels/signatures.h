#pragma once
// What host and kernels agree on: the one argument of every kernel, and which kernel takes which. Plain types: NVRTC brings no headers.

namespace painnless::cuda {

/// Sizes of the evaluation at hand. They stay on the device, so that a recorded graph serves every size its grids are large enough for.
struct Sizes {
  int atoms, structures;
  int edges;   // set by the search; 0 where they do not fit, so that nothing is computed from a list that is not whole
  int found;   // edges there are
  int status;  // Trouble bits
  int placed;  // finds that have a place
  int fresh;   // were neighbours searched for, not taken from the pairs that are kept; the answer begins with these numbers and goes on at a multiple of 8 bytes
};

enum Trouble { too_many_edges = 1, coincident_atoms = 2, far_from_origin = 4, atoms_too_near = 8, outgrown = 16, unfinished = 32 };

/// One structure as the search needs it (native/neighbors/basis.h).
struct Structure {
  double lattice[9];  // rows, Å; zero along axes that are not periodic
  double inverse[9];  // fraction_k = inverse_k . position
  double reach[3];    // what the cutoff spans, in fractions, with a margin
  double volume;      // Å^3; 0 without one
  int first, atoms;   // of the batch
  int images[3];      // steps along each axis that can matter, either way
  int bins[3];        // along a periodic axis; 0 marks an open one
  int few;            // every pair is looked at, no bins
  float nearness;     // a point whose distances along the axes' normals are x_k is at least sqrt(nearness sum x_k^2) away
};

/// What the host sends, in this order and without gaps but to multiples of 8 bytes.
struct Request {
  int atoms, structures;
  double nearest;  // square of the distance that atoms must be beyond, Å^2; negative: any will do
  // Structure structures[]; double positions[3 atoms]; int numbers[atoms]
};

/// An atom moved into the cell: position = given - wrap cell.
struct Placed {
  double position[3], fraction[3];
  int wrap[3];
  int structure;
  int bin[3];
  int slot;
};

/// Placed atoms in the order of the slots of the hash table.
struct alignas(16) InSlot {
  float position[3];
  int atom;
};

/// What others ask of an atom when edges are made.
struct alignas(16) Sender {
  double position[3];  // as placed
  int begin, earlier;  // where its finds are, and how many of them come before the atom itself
};

/// Directed edges sorted by receiver, then sender, then shift, as native/neighbors.h says.
template <class Real> struct Edges {
  int* first;         // (atoms + 1)
  int* receivers;     // (edges)
  int* senders;       // (edges)
  int* reverse;       // (edges)
  int* pairs;         // (atoms) where the edges begin whose sender does not come before the atom
  int* shifts;        // (edges, 3), or null
  double* vectors;    // (edges, 3) Å
  Real* direction;    // (edges, 4) u = r / (d + delta), and d
  Real* rest;         // (edges) what d lost when it was rounded
};

/// How far a search looks.
struct Reach {
  double largest;  // square of the longest distance
  float longest;   // that distance, Å
};

/// Sums that many add to stand so many numbers apart: neighbours would wait for each other.
constexpr int group_stride = 8;

/// An atom where its pairs were searched for.
struct KeptAtom {
  double position[3];  // as given; NaN before any search
  int wrap[3];         // as placed
  int pairs;           // it has
};

/// Pairs within cutoff and skin, which a run keeps from step to step (docs/theory.md, T54).
struct KeptPairs {
  unsigned long long* pairs;  // (capacity) sender and translation, in order for each receiver, beginning at its Sender::begin; null where none are kept
  int capacity;
  double way;      // square of how far an atom may have moved, Å^2
  Reach reach;     // of cutoff and skin
  KeptAtom* atoms;  // (atoms)
  int* crossed;    // (atoms) cells that an atom has crossed since, along each axis (search/kept.cuh)
};

template <class Real> struct SearchArguments {
  const unsigned char* request;
  Sizes* sizes;
  Reach reach;  // of edges
  KeptPairs kept;
  double direction_eps;
  int edge_capacity, slots;  // slots is a power of two, or 0: no bins
  Placed* placed;            // (atoms)
  int* numbers;              // (atoms)
  int *slot_begin, *slot_end;  // (slots); their order in in_slots is any
  int* slots_taken;            // of in_slots, so far
  int* group_edges;            // (groups of scan_items atoms, group_stride); 1: places taken for finds that were none; of each group, 2: pairs to keep
  InSlot* in_slots;            // (atoms)
  Sender* senders;             // (atoms)
  unsigned long long *found, *spare;  // (edges, or pairs to keep) sender and translation, in order for each receiver; where there is room for them before
  Edges<Real> edges;
};

/// Numbers of one atom and layer that the way back needs; rows of F (padded) features.
template <class Real> struct PainnSaved {
  Real *x, *mu, *context_slope;                     // (atoms, 3, F), (atoms, 3, F) vectors before the message, (atoms, F)
  Real* passed;                                     // (atoms, 3, F) x^m mu, or null: who gathers makes it
  Real *vy, *inverse_norm, *dot, *update_slope, *y;  // (atoms, 3, 2, F), (atoms, F), (atoms, F), (atoms, F), (atoms, 2, F) y^m and y^p
};

/// y = x W + b, and what its adjoint multiplies by.
template <class Real> struct Dense {
  const Real *weight, *bias, *adjoint;  // (inputs, outputs), (outputs) or null, (outputs, inputs)
};

template <class Real> struct PainnWeights {
  const Real* filter;              // (chunks, R + 1, 3, chunk); the bias is input R
  Dense<Real> context1, context2;  // of the next layer's context in an update, of its own in a message
  Dense<Real> channels, update1, update2;
};

template <class Real> struct Radial {
  const Real *offsets, *gammas;  // (R) centres and exponents, Å and 1/Å^2; Bessel: frequencies, 1/Å, and nothing
  Real cutoff;
  Real value_scale, slope_scale;  // powers of two that bring f phi_r and its derivative near the end of fp16's range
};

/// What messages by slices are made from (layers/slices.cuh).
template <class Real> struct PainnSlices {
  const unsigned* weights;    // (slices of 32 features, 3, 2, filter_half_words()) of filters
  unsigned *values, *slopes;  // (edges, filter_row_words()) inputs of filters, and their derivatives
  Real of_value, of_slope;    // what sums with W and with W' are multiplied by: scales are taken back
};

template <class Real> struct PainnMessageArguments {
  const Sizes* sizes;
  Edges<Real> edges;
  Radial<Real> radial;
  const Real* filter;
  const int* numbers;      // layer 0: x and q are looked up by element
  const Real *x, *mu;      // (atoms or elements, 3, F), (atoms, 3, F)
  const Real* passed;      // (atoms, 3, F) x^m mu, of slices
  const Real* embedding;   // (elements, F)
  Real *q, *mid;           // forward: (atoms, F) +=, (atoms, 3, F) set
  const Real *q_bar, *mu_bar;  // adjoint: (atoms, F), (atoms, 3, F)
  Real *mu_bar_out, *x_bar;    // (atoms, 3, F), (atoms, 3, F)
  Real* sums;                  // (chunks or slices, edges, 4) s_e and t_e of edges that stand for their pair; of slices each edge's half
  int edge_capacity;
  int set_sums;                // the last layer comes first and sets them
  PainnSlices<Real> slices;
};

template <class Real> struct Readout {
  Dense<Real> hidden[4];
  const double* last;  // (width) of the last layer
  double last_bias;
};

template <class Real> struct PainnUpdateArguments {
  const Sizes* sizes;
  PainnWeights<Real> weights;
  PainnSaved<Real> saved, next;  // of this layer and of the next: its x, mu and context_slope are made here
  Readout<Real> readout;         // last layer
  Real norm_eps;
  Real *q, *mid;                 // (atoms, F), (atoms, 3, F)
  Real *q_bar, *mu_bar, *x_bar;  // (atoms, F), (atoms, 3, F), (atoms, 3, F)
  double* energies;              // (atoms)
};

/// Of a layer in one launch (painn_layer.cu): its message, and what its atoms do by themselves after it. On the way back q_bar of `update` is another place than that
/// of `message`, as passed of the next layer is on the way there: while one tile writes, others still pass messages of this layer.
template <class Real> struct PainnLayerArguments {
  PainnMessageArguments<Real> message;
  PainnUpdateArguments<Real> update;
};

template <class Real> struct DistillerSaved {
  Real *s, *v, *mid;                      // (atoms, F), (atoms, 3, F) inputs; (atoms, 3, F) vectors after the message
  Real *inverse_norm, *update_slope, *y;  // (atoms, F), (atoms, F), (atoms, 2, F) g1 and g2
};

template <class Real> struct DistillerWeights {
  const Real *filter1, *filter1_bias;  // (R, F), (F); of filters, where they are computed
  const Real *filter2, *filter2_bias;  // (chunks, F, 3, chunk), (chunks, 3, chunk): blocks s, 2, 1
  Dense<Real> update1, update2;
  Real mixing[9];
};

/// A layer's filters as splines of the distance on equal intervals (docs/theory.md, section 15).
template <class Real> struct Splines {
  const Real* rows;  // (chunks, intervals + table_degree, 2, 3, chunk) coefficients, and what the next differ by; blocks s, 2, 1
  int intervals;
  double per_step;  // one over an interval's length, 1/Å
};

template <class Real> struct DistillerMessageArguments {
  const Sizes* sizes;
  Edges<Real> edges;
  Radial<Real> radial;
  DistillerWeights<Real> weights;
  Splines<Real> splines;       // where filters come from a table
  const int* numbers;          // layer 0
  const Real* embedding;
  const Real *s, *v;           // (atoms, F) and (atoms, 3, F); s of layer 0 is the embedding
  Real *s_out, *mid;           // (atoms, F), (atoms, 3, F)
  const Real *s_bar, *v_bar;
  Real *s_bar_out, *v_bar_out;
  Real* sums;
  int edge_capacity, set_sums;
};

template <class Real> struct DistillerUpdateArguments {
  const Sizes* sizes;
  DistillerWeights<Real> weights;
  DistillerSaved<Real> saved;
  Real* s;                // (atoms, F) after the message; of the last layer, after the update
  Real *next_s, *next_v;  // (atoms, F), (atoms, 3, F) inputs of the next layer
  Readout<Real> readout;
  Real *s_bar, *v_bar;
  double* energies;
};

/// The whole evaluation in one launch (painn_resident.cu).
template <class Real> struct ResidentArguments {
  const unsigned char* request;
  double largest, direction_eps, energy_unit;  // as in SearchArguments and ResultArguments
  int room_atoms, room_edges;                  // of shared memory: atoms of the batch, edges of a cluster
  int request_bytes;                           // enough for such a batch
  const Real* weights;                         // (blocks of a cluster, ResidentRoom::weights())
  const unsigned* filters;                     // (blocks of a cluster, ResidentRoom::filter_pairs(), filter_half_words()) their weights
  Radial<Real> radial;
  const Real *embedding, *element_x;           // (elements, F), (elements, 3, F) context of layer 0
  const double* last;                          // of the readout
  double last_bias;
  Real norm_eps;
  void* mail;                                  // (2, blocks of a cluster, clusters, 64) letters
  unsigned* mail_turn;                         // what has been counted so far, for this number of clusters
  double* shares;                              // (atoms, 8) energy, virial; edges and status
  int *done, *given_up;                        // (2) atoms that have ended; has any block waited too long
  unsigned char* answer;
  int gradient;
};

/// Where the answer is put together, in this order and without gaps: Sizes; per structure net energy, 6 stresses; edges (padded to 8 bytes);
/// per atom energy, 3 forces. eV, Å.
template <class Real> struct ResultArguments {
  const unsigned char* request;
  const Sizes* sizes;
  Edges<Real> edges;
  const Real* sums;
  int edge_capacity, chunks;  // of sums; chunks or slices
  bool halves;                // has a reverse edge a half of its pair's sums
  double direction_eps, energy_unit;
  const double* energies;  // (atoms), units of the weights
  double* virials;         // (atoms, 6) each atom's share, Voigt
  unsigned char* answer;
  int structure_blocks, windows;  // blocks for structures, and windows of atom_chunk atoms that there is room for
  double* chunk_sums;             // (2, windows, 8) of a structure's first chunk, and of another, in the window that it begins in
  int* chunks_done;               // (windows) of the structure whose first is there; 0 before and after a launch: a graph is replayed without its search to be timed
};

}  // namespace painnless::cuda
