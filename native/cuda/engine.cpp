#include "engine.h"

#include "launcher.h"

namespace painnless {

std::unique_ptr<CudaEngine> create_cuda_engine(const Config& config, const Tensors& tensors, const CudaOptions& options,
                                               std::unique_ptr<cuda::Device> device, const cuda::Compiler& compiler) {
  if (options.precision == Precision::f64) return std::make_unique<cuda::Launcher<double>>(config, tensors, options, std::move(device), compiler);
  return std::make_unique<cuda::Launcher<float>>(config, tensors, options, std::move(device), compiler);
}

}  // namespace painnless
