#include "faults.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <stdexcept>

namespace painnless {

namespace {

constexpr const char* names[] = {
    "cutoff derivative omitted", "radial derivative sign", "update dot adjoint dropped", "update gate adjoint dropped",
    "norm adjoint sign", "message adjoint sign", "direction adjoint sign", "scalar gather dropped",
    "reverse edge direction", "readout slope omitted", "sender's force dropped", "vector components swapped",
};
std::atomic<const char*> planted{nullptr};  // one of `names`; read by all threads of a team

}  // namespace

std::vector<std::string> fault_names() { return {std::begin(names), std::end(names)}; }

void plant_fault(const std::string& name) {
  const auto found = std::find(std::begin(names), std::end(names), name);
  if (!name.empty() && found == std::end(names)) throw std::invalid_argument("there is no fault \"" + name + "\" to plant");
  planted = name.empty() ? nullptr : *found;
}

bool fault_is_planted(const char* name) {
  const char* now = planted.load(std::memory_order_relaxed);
  return now != nullptr && std::strcmp(now, name) == 0;
}

}  // namespace painnless
