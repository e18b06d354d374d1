// The student's messages with filters from a table, in the layered schedule. No mathematics of its own: layers/distiller_table.cuh has it.
#include "layers/distiller_table.cuh"

namespace painnless::cuda {

KERNEL(message_threads, table_blocks, distiller_table_first, DistillerMessageArguments) {
  pass_messages<DistillerTable<true>, Way::forward>(a);
}
KERNEL(message_threads, table_blocks, distiller_table, DistillerMessageArguments) {
  pass_messages<DistillerTable<false>, Way::forward>(a);
}
KERNEL(message_threads, table_adjoint_blocks, distiller_table_adjoint, DistillerMessageArguments) {
  pass_messages<DistillerTable<false>, Way::adjoint>(a);
}
KERNEL(message_threads, table_adjoint_blocks, distiller_table_adjoint_first, DistillerMessageArguments) {
  pass_messages<DistillerTable<true>, Way::adjoint>(a);
}

}  // namespace painnless::cuda
