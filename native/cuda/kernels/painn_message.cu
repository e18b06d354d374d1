// PaiNN's messages in the layered schedule in float64, and where a card has no tensor cores: one launch each way and layer. No mathematics of its own: layers/message.cuh has it.
#include "layers/message.cuh"

namespace painnless::cuda {

KERNEL(message_threads, MESSAGE_BLOCKS, painn_message_first, PainnMessageArguments) {
  pass_messages<PainnMessage<true>, Way::forward>(a);
}
KERNEL(message_threads, MESSAGE_BLOCKS, painn_message, PainnMessageArguments) {
  pass_messages<PainnMessage<false>, Way::forward>(a);
}
KERNEL(message_threads, message_adjoint_blocks, painn_message_adjoint, PainnMessageArguments) {
  pass_messages<PainnMessage<false>, Way::adjoint>(a);
}
KERNEL(message_threads, message_adjoint_blocks, painn_message_adjoint_first, PainnMessageArguments) {
  pass_messages<PainnMessage<true>, Way::adjoint>(a);
}

}  // namespace painnless::cuda
