#pragma once
// A real card behind Device.
#include <vector>

#include "device.h"

namespace painnless::cuda {

/// All cards the driver sees; nothing is allocated on them. Throws InputError MISSING without a driver or a card.
std::vector<DeviceInfo> list_cards();

/// Throws InputError MISSING (no driver, no card of that ordinal), UNSUPPORTED (a card below sm_70).
std::unique_ptr<Device> open_card(int ordinal);

/// CUDA version of the driver, 13000 for 13.0. Throws InputError MISSING.
int driver_version();

}  // namespace painnless::cuda
