#pragma once
// Every kernel and its argument: declared from here to the kernels, named from here on the host, so that both mean the same.

#define PAINNLESS_SEARCH_KERNELS(X) \
  X(place_atoms, SearchArguments)    \
  X(scan_slots, SearchArguments)     \
  X(fill_slots, SearchArguments)     \
  X(find_neighbors, SearchArguments) \
  X(keep_neighbors, SearchArguments) \
  X(scan_neighbors, SearchArguments) \
  X(finish_edges, SearchArguments)

#define PAINNLESS_PAINN_MESSAGE_KERNELS(X)             \
  X(painn_message_first, PainnMessageArguments)         \
  X(painn_message, PainnMessageArguments)               \
  X(painn_message_adjoint, PainnMessageArguments)       \
  X(painn_message_adjoint_first, PainnMessageArguments)

#define PAINNLESS_PAINN_SLICES_KERNELS(X)             \
  X(painn_radial, PainnMessageArguments)               \
  X(painn_slices_first, PainnMessageArguments)         \
  X(painn_slices, PainnMessageArguments)               \
  X(painn_slices_adjoint, PainnMessageArguments)       \
  X(painn_slices_adjoint_first, PainnMessageArguments)

#define PAINNLESS_PAINN_UPDATE_KERNELS(X)              \
  X(painn_update_small, PainnUpdateArguments)           \
  X(painn_update_large, PainnUpdateArguments)           \
  X(painn_update_last_small, PainnUpdateArguments)      \
  X(painn_update_last_large, PainnUpdateArguments)      \
  X(painn_update_adjoint_small, PainnUpdateArguments)   \
  X(painn_update_adjoint_large, PainnUpdateArguments)

#define PAINNLESS_PAINN_SPREAD_KERNELS(X)              \
  X(painn_update_spread, PainnUpdateArguments)          \
  X(painn_update_last_spread, PainnUpdateArguments)     \
  X(painn_update_adjoint_spread, PainnUpdateArguments)

#define PAINNLESS_PAINN_LAYER_KERNELS(X)               \
  X(painn_layer_first, PainnLayerArguments)             \
  X(painn_layer, PainnLayerArguments)                   \
  X(painn_layer_last, PainnLayerArguments)              \
  X(painn_layer_adjoint, PainnLayerArguments)

#define PAINNLESS_PAINN_RELAY_KERNELS(X)               \
  X(painn_relay_first, PainnLayerArguments)             \
  X(painn_relay, PainnLayerArguments)                   \
  X(painn_relay_last, PainnLayerArguments)              \
  X(painn_relay_adjoint, PainnLayerArguments)           \
  X(painn_relay_pairs, PainnMessageArguments)

#define PAINNLESS_PAINN_RESIDENT_KERNELS(X) X(painn_resident, ResidentArguments)

#define PAINNLESS_DISTILLER_MESSAGE_KERNELS(X)                 \
  X(distiller_message_first, DistillerMessageArguments)         \
  X(distiller_message, DistillerMessageArguments)               \
  X(distiller_message_adjoint, DistillerMessageArguments)       \
  X(distiller_message_adjoint_first, DistillerMessageArguments)

#define PAINNLESS_DISTILLER_TABLE_KERNELS(X)                 \
  X(distiller_table_first, DistillerMessageArguments)         \
  X(distiller_table, DistillerMessageArguments)               \
  X(distiller_table_adjoint, DistillerMessageArguments)       \
  X(distiller_table_adjoint_first, DistillerMessageArguments)

#define PAINNLESS_DISTILLER_UPDATE_KERNELS(X)                  \
  X(distiller_update_small, DistillerUpdateArguments)           \
  X(distiller_update_large, DistillerUpdateArguments)           \
  X(distiller_update_last_small, DistillerUpdateArguments)      \
  X(distiller_update_last_large, DistillerUpdateArguments)      \
  X(distiller_update_adjoint_small, DistillerUpdateArguments)   \
  X(distiller_update_adjoint_large, DistillerUpdateArguments)

#define PAINNLESS_DISTILLER_SPREAD_KERNELS(X)                 \
  X(distiller_update_spread, DistillerUpdateArguments)         \
  X(distiller_update_last_spread, DistillerUpdateArguments)    \
  X(distiller_update_adjoint_spread, DistillerUpdateArguments)

#define PAINNLESS_RESULT_KERNELS(X) \
  X(sum_forces, ResultArguments)     \
  X(sum_forces_few, ResultArguments) \
  X(sum_structures, ResultArguments) \
  X(sum_energies, ResultArguments)

#define PAINNLESS_STEP_KERNELS(X) \
  X(begin_step, StepArguments)     \
  X(end_step, StepArguments)       \
  X(next_step, StepArguments)

#define PAINNLESS_KERNELS(X)             \
  PAINNLESS_SEARCH_KERNELS(X)            \
  PAINNLESS_PAINN_MESSAGE_KERNELS(X)     \
  PAINNLESS_PAINN_SLICES_KERNELS(X)      \
  PAINNLESS_PAINN_UPDATE_KERNELS(X)      \
  PAINNLESS_PAINN_SPREAD_KERNELS(X)      \
  PAINNLESS_PAINN_LAYER_KERNELS(X)       \
  PAINNLESS_PAINN_RELAY_KERNELS(X)       \
  PAINNLESS_PAINN_RESIDENT_KERNELS(X)    \
  PAINNLESS_DISTILLER_MESSAGE_KERNELS(X) \
  PAINNLESS_DISTILLER_TABLE_KERNELS(X)   \
  PAINNLESS_DISTILLER_UPDATE_KERNELS(X)  \
  PAINNLESS_DISTILLER_SPREAD_KERNELS(X)  \
  PAINNLESS_RESULT_KERNELS(X)            \
  PAINNLESS_STEP_KERNELS(X)
