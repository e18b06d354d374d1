#pragma once
// Faults planted on purpose, so that the harness can show that it finds them. Only the test build (PAINNLESS_PLANT_FAULTS) has them;
// in the product PAINNLESS_FAULT is the right value and nothing else.
#if defined(PAINNLESS_PLANT_FAULTS)
#include <string>
#include <vector>

namespace painnless {

/// Names of all faults that can be planted.
std::vector<std::string> fault_names();
/// Switches one fault on and all others off; "" switches all off. Throws std::invalid_argument for a name that is not in the list.
void plant_fault(const std::string& name);
bool fault_is_planted(const char* name);

}  // namespace painnless

#define PAINNLESS_FAULT(name, wrong, right) (::painnless::fault_is_planted(name) ? (wrong) : (right))
#else
#define PAINNLESS_FAULT(name, wrong, right) (right)
#endif
