#pragma once
// The CUDA backend's door.
#include "card/compiler.h"
#include "card/device.h"

namespace painnless {

struct CudaOptions {
  Precision precision;
  std::string cache;      // folder of compiled kernels; empty: none is kept
  CudaTuning tuning;
  bool whole_range = false;  // in float32: no tensor cores in dense products, whose fp16 parts end at 65,504
  bool poisoned = false;  // for tests: each evaluation finds NaN where it has written nothing
};

/// What the launcher chose for the last evaluation, and what has been made since the engine began. It stands still while sizes stay in their
/// buckets.
struct CudaActivity {
  std::string schedule;
  int64_t edges;
  int compilations, captures, allocations;
  double arena_bytes, weight_bytes;
  CudaTuning tuning;
};

/// A neighbour list as native/neighbors.h describes it, fetched from the card.
struct CudaNeighbors {
  std::vector<int32_t> receivers, senders, shifts, reverse;
  std::vector<double> vectors;
};

/// Where the time of one evaluation goes.
struct CudaProfile {
  /// A launch of the search or the network, in order, and what it took in each round between two events.
  struct Launch {
    std::string kernel;
    bool search;
    unsigned blocks, cluster;
    int threads;
    size_t shared_bytes;
    std::vector<double> seconds;
  };
  std::vector<Launch> launches;
  std::vector<double> nothing;          // seconds between two events with nothing between them
  std::vector<double> search, network;  // the recorded launches, replayed one behind the other
  int edges;
  /// A portion of a set that is too large to go in one: its request is written and sent, it is computed, its answer is fetched and read. Seconds since the
  /// set was begun, of the round in the middle.
  struct Portion {
    struct Span {
      double begin, end;
    };
    int structures, atoms;
    Span written, request, kernels, answer, read;
  };
  std::vector<Portion> portions;
};

class CudaEngine : public Engine {
 public:
  virtual CudaActivity activity() const = 0;
  virtual CudaNeighbors neighbors(const Batch& batch) = 0;
  /// Seconds that the search and the network take on the card, each the mean of `count` runs one after the other; `cold`: caches are flushed before
  /// each.
  struct Seconds {
    double search, network;
  };
  virtual Seconds device_seconds(const Batch& batch, Want want, int count, bool cold) = 0;
  virtual CudaProfile profile(const Batch& batch, Want want, int rounds) = 0;
};

/// Throws InputError BAD_MODEL (a tensor), UNSUPPORTED (a model too large for the card), MISSING (memory).
std::unique_ptr<CudaEngine> create_cuda_engine(const Config& config, const Tensors& tensors, const CudaOptions& options,
                                               std::unique_ptr<cuda::Device> device, const cuda::Compiler& compiler);

/// What such an engine on such a card would do with one structure; needs no card. Throws InputError BAD_MODEL, UNSUPPORTED.
CudaPlan plan_cuda(const Config& config, const Tensors& tensors, Precision precision, const CudaTuning& tuning, const cuda::DeviceInfo& card, int atoms, int pairs);

}  // namespace painnless
