#pragma once
// Steps of runs on the card: the host queues recorded steps by the chunk, and notes what one chunk has left while the card makes the next.
#include <optional>

#include "../evaluator.h"
#include "../card/program.h"
#include "memory.h"
#include "ring.h"

namespace painnless::cuda {

class CardMover final : public Mover {
 public:
  /// All of them must outlive this.
  /// @param chunk_steps that are queued at once, at most
  CardMover(Device& device, Programs& programs, Evaluator& evaluator, int chunk_steps);
  Moved move(const Setup& setup, const Constants& constants, State& state, int64_t last, const std::atomic<bool>& cancelled, Notes& notes) override;

 private:
  struct Chunk {
    int64_t first, last;  // steps first + 1 .. last
    int slot;
  };
  /// What recorded steps depend on.
  struct Recorded {
    int replicas;
    size_t atoms;
    Chunks chunks;
    Evaluator::Places places;
    bool operator==(const Recorded&) const = default;
  };

  Moved steps(const Setup& setup, const Constants& constants, State& state, int64_t last, const std::atomic<bool>& cancelled, Notes& notes);
  void lay_out(const Setup& setup, const Chunks& chunks);
  void record(const Batch& batch, const Recorded& wanted);
  void send(const Setup& setup, const Constants& constants, const State& state, const Chunks& chunks);
  Progress run(int64_t first, int64_t last, int64_t steps_of_chunk, const std::atomic<bool>& cancelled, Notes& notes, bool conserves);
  Chunk queue(Chunk chunk);
  void note(const Chunk& chunk, int64_t last, Notes& notes, bool conserves);
  void fetch(State& state, const Progress& end);
  size_t replicas() const { return static_cast<size_t>(host_.run->replicas); }
  size_t entries() const { return 3 * replicas() * static_cast<size_t>(host_.run->atoms); }

  Device& device_;
  Programs& programs_;
  Evaluator& evaluator_;
  const int chunk_steps_;
  Buffer memory_;
  Pinned mirror_;
  RunMemory card_{}, host_{};
  size_t sent_bytes_ = 0;
  Ring records_{}, frames_{};
  std::optional<Recorded> recorded_;
  std::unique_ptr<Graph> one_, many_;  // steps
  std::unique_ptr<Mark> marks_[2];
  std::vector<double> undefined_;  // (R) modified energies under a thermostat
};

}  // namespace painnless::cuda
