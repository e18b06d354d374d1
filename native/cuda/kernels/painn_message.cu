// PaiNN's messages in the layered schedule: one launch each way and layer. No mathematics of its own: layers/message.cuh has it.
#include "layers/message.cuh"

namespace painnless::cuda {

KERNEL(message_threads, MESSAGE_BLOCKS, painn_message_first, PainnMessageArguments) {
  each_receiver<true>(a, [](const PainnMessage<true>& message, int i) { message.forward(i); });
}
KERNEL(message_threads, MESSAGE_BLOCKS, painn_message, PainnMessageArguments) {
  each_receiver<false>(a, [](const PainnMessage<false>& message, int i) { message.forward(i); });
}
KERNEL(message_threads, MESSAGE_ADJOINT_BLOCKS, painn_message_adjoint, PainnMessageArguments) {
  each_receiver<false>(a, [](const PainnMessage<false>& message, int i) { message.adjoint(i); });
}
KERNEL(message_threads, MESSAGE_ADJOINT_BLOCKS, painn_message_adjoint_first, PainnMessageArguments) {
  each_receiver<true>(a, [](const PainnMessage<true>& message, int i) { message.adjoint(i); });
}

}  // namespace painnless::cuda
