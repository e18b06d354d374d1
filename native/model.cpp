#include "model.h"

namespace painnless {

namespace {

class Reader {
 public:
  explicit Reader(const Tensors& tensors) : tensors_(tensors) {}

  std::span<const double> vector(const std::string& name, size_t count) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw InputError("BAD_MODEL", name, "tensor \"" + name + "\" is missing");
    if (found->second.size() != count)
      throw InputError("BAD_MODEL", name,
                       "tensor \"" + name + "\" has " + std::to_string(found->second.size()) + " elements, expected " + std::to_string(count));
    return found->second;
  }
  std::span<const double> optional(const std::string& name, size_t count) const {
    return tensors_.count(name) ? vector(name, count) : std::span<const double>{};
  }
  Linear linear(const std::string& name, int outputs, int inputs, bool bias = true) const {
    const size_t rows = outputs, columns = inputs;
    return {outputs, inputs, vector(name + ".weight", rows * columns), bias ? vector(name + ".bias", rows) : std::span<const double>{}};
  }

 private:
  const Tensors& tensors_;
};

Linear rows_of(const Linear& all, int first, int count) {
  return {count, all.inputs, all.weight.subspan(static_cast<size_t>(first) * all.inputs, static_cast<size_t>(count) * all.inputs),
          all.bias.subspan(first, count)};
}

}  // namespace

Weights::Weights(const Config& c, const Tensors& tensors) : config(c) {
  const Reader read(tensors);
  const int f = c.features;
  const size_t rows = static_cast<size_t>(c.max_z) + 1;
  const auto shared = [&](int layer) { return std::to_string(c.shared_layers ? 0 : layer); };

  if (c.architecture == Architecture::painn) {
    embedding = read.vector("representation.embedding.weight", rows * f);
    if (c.basis == RadialBasis::bessel) {
      offsets = read.vector("representation.radial_basis.freqs", c.radial);
    } else {
      offsets = read.vector("representation.radial_basis.offsets", c.radial);
      widths = read.vector("representation.radial_basis.widths", c.radial);
    }
    const int blocks = c.shared_filters ? 1 : c.layers;
    const Linear filters = read.linear("representation.filter_net", 3 * f * blocks, c.radial);
    for (int t = 0; t < c.layers; ++t) {
      const std::string context = "representation.interactions." + shared(t) + ".interatomic_context_net.";
      const std::string mixing = "representation.mixing." + shared(t) + ".";
      painn.push_back({.filter = rows_of(filters, c.shared_filters ? 0 : 3 * f * t, 3 * f),
                       .context1 = read.linear(context + "0", f, f),
                       .context2 = read.linear(context + "1", 3 * f, f),
                       .channels = read.linear(mixing + "mu_channel_mix", 2 * f, f, false),
                       .update1 = read.linear(mixing + "intraatomic_context_net.0", f, 2 * f),
                       .update2 = read.linear(mixing + "intraatomic_context_net.1", 3 * f, f)});
    }
  } else {
    embedding = read.vector("embedding.weight", rows * f);
    offsets = read.vector("rbf.centers", c.radial);
    widths = read.vector("rbf.widths", c.radial);
    for (int t = 0; t < c.layers; ++t) {
      const std::string layer = "interactions." + std::to_string(t) + ".";
      distiller.push_back({.filter1 = read.linear(layer + "message.rbf_to_scalar.0", f, c.radial),
                           .filter2 = read.linear(layer + "message.rbf_to_scalar.2", 3 * f, f),
                           .update1 = read.linear(layer + "update.update_mlp.0", f, 2 * f),
                           .update2 = read.linear(layer + "update.update_mlp.2", 3 * f, f),
                           .mixing = read.optional(layer + "update.mixing_matrix", 9)});
      if (distiller.back().mixing.empty() && t + 1 < c.layers)
        throw InputError("BAD_MODEL", layer + "update.mixing_matrix",
                         "tensor \"" + layer + "update.mixing_matrix\" is missing; only the last layer can do without it");
    }
  }

  int inputs = f;
  for (size_t k = 0; k < c.readout_widths.size(); ++k) {
    const std::string name = c.architecture == Architecture::painn ? "output_modules.0.outnet." + std::to_string(k)
                                                                   : "energy_head." + std::to_string(2 * k);
    readout.push_back(read.linear(name, c.readout_widths[k], inputs));
    inputs = c.readout_widths[k];
  }
  if (readout.empty() || readout.back().outputs != 1)
    throw InputError("BAD_MODEL", "readout_widths", "the last readout layer must have 1 output");
}

}  // namespace painnless
