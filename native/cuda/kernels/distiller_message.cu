// The student's messages in the layered schedule. No mathematics of its own: layers/distiller_message.cuh has it.
#include "layers/distiller_message.cuh"

namespace painnless::cuda {

KERNEL(message_threads, MESSAGE_BLOCKS, distiller_message_first, DistillerMessageArguments) {
  pass_messages<DistillerMessage<true>, Way::forward>(a);
}
KERNEL(message_threads, MESSAGE_BLOCKS, distiller_message, DistillerMessageArguments) {
  pass_messages<DistillerMessage<false>, Way::forward>(a);
}
KERNEL(message_threads, message_adjoint_blocks, distiller_message_adjoint, DistillerMessageArguments) {
  pass_messages<DistillerMessage<false>, Way::adjoint>(a);
}
KERNEL(message_threads, message_adjoint_blocks, distiller_message_adjoint_first, DistillerMessageArguments) {
  pass_messages<DistillerMessage<true>, Way::adjoint>(a);
}

}  // namespace painnless::cuda
