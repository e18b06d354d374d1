#pragma once
// Radial functions and cutoff (model/radial.h) with the faults that tests plant. In double whatever the engine's precision: there are few pairs, and the
// filters amplify what is lost here.
#include "../../model/radial.h"
#include "../faults.h"

namespace painnless::PAINNLESS_ISA {

struct Radial : RadialFunctions {
  void envelope(double d, double& f, double& slope) const {
    RadialFunctions::envelope(d, f, slope);
    slope = PAINNLESS_FAULT("cutoff derivative omitted", 0.0, slope);
  }
  void function(int r, double d, double& phi, double& slope) const {
    RadialFunctions::function(r, d, phi, slope);
    if (basis != RadialBasis::bessel) slope = PAINNLESS_FAULT("radial derivative sign", -slope, slope);
  }
};

}  // namespace painnless::PAINNLESS_ISA
