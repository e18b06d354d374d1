// The student's messages in the layered schedule. No mathematics of its own: layers/distiller_message.cuh has it.
#include "layers/distiller_message.cuh"

namespace painnless::cuda {

KERNEL(message_threads, MESSAGE_BLOCKS, distiller_message_first, DistillerMessageArguments) {
  each_receiver<true>(a, [](const DistillerMessage<true>& message, int i) { message.forward(i); });
}
KERNEL(message_threads, MESSAGE_BLOCKS, distiller_message, DistillerMessageArguments) {
  each_receiver<false>(a, [](const DistillerMessage<false>& message, int i) { message.forward(i); });
}
KERNEL(message_threads, MESSAGE_ADJOINT_BLOCKS, distiller_message_adjoint, DistillerMessageArguments) {
  each_receiver<false>(a, [](const DistillerMessage<false>& message, int i) { message.adjoint(i); });
}
KERNEL(message_threads, MESSAGE_ADJOINT_BLOCKS, distiller_message_adjoint_first, DistillerMessageArguments) {
  each_receiver<true>(a, [](const DistillerMessage<true>& message, int i) { message.adjoint(i); });
}

}  // namespace painnless::cuda
