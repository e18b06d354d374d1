#include "values.h"

#include <array>
#include <bit>

namespace painnless {

constexpr std::array<const char*, 3> instruction_set_names{"plain", "avx2", "avx512"};  // in the order of InstructionSet
const char* name_of(InstructionSet set) { return instruction_set_names[static_cast<size_t>(set)]; }

InstructionSet instruction_set(const std::string& name) {
  for (const auto set : {InstructionSet::plain, InstructionSet::avx2, InstructionSet::avx512})
    if (name == name_of(set)) return set;
  throw InputError("USAGE", "instructionSet", "instruction set \"" + name + "\" does not exist; there are plain, avx2 and avx512");
}
Precision precision(const std::string& name) { return name == "f32" ? Precision::f32 : name == "mixed" ? Precision::mixed : Precision::f64; }

Config config_from(const Napi::Object& object) {
  Config config{};
  const bool painn = text(object, "arch") == "painn-schnetpack";
  config.architecture = painn ? Architecture::painn : Architecture::distiller;
  config.features = integer(object, "features");
  config.layers = integer(object, "layers");
  config.radial = integer(object, "radial");
  config.max_z = integer(object, "maxZ");
  config.cutoff = number(object, "cutoff");
  config.basis = text(object, "rbf") == "bessel" ? RadialBasis::bessel : painn ? RadialBasis::gaussian_half : RadialBasis::gaussian_full;
  config.edge_at_cutoff = flag(object, "edgeAtCutoff");
  config.norm_eps = number(object, "normEps");
  config.direction_eps = number(object, "directionEps");
  config.shared_layers = flag(object, "sharedLayers");
  config.shared_filters = flag(object, "sharedFilters");
  const auto widths = object.Get("readoutWidths").As<Napi::Array>();
  for (uint32_t k = 0; k < widths.Length(); k++) config.readout_widths.push_back(widths.Get(k).As<Napi::Number>().Int32Value());
  config.energy_unit = number(object, "energyUnit");
  return config;
}

Tensors tensors_from(const Napi::Object& object) {
  Tensors tensors;
  const auto names = object.GetPropertyNames();
  for (uint32_t k = 0; k < names.Length(); k++) {
    const auto name = names.Get(k).As<Napi::String>().Utf8Value();
    tensors[name] = copied<double>(object, name.c_str());
  }
  return tensors;
}

namespace {

/// By the bits of the exponents, and without a way out of the loop, so that it becomes vector instructions.
bool all_finite(const std::vector<double>& values) {
  constexpr uint64_t exponent = 0x7ff0000000000000;
  uint64_t found = 0;
  for (const double value : values) found |= static_cast<uint64_t>((std::bit_cast<uint64_t>(value) & exponent) == exponent);
  return found == 0;
}

}  // namespace

bool is_finite(const Evaluation& result) {
  return all_finite(result.net_energy) && all_finite(result.forces) && all_finite(result.stress) && all_finite(result.energies);
}

Napi::Object evaluation_to(Napi::Env env, Evaluation&& result, bool finite) {
  constexpr size_t large = 4096;  // numbers; to have fewer collected one by one takes longer than their copy
  const auto column = [&](std::vector<double>& values) {
    return values.size() < large ? array_from(env, values) : array_of(env, std::move(values));
  };
  auto object = Napi::Object::New(env);
  object["netEnergy"] = column(result.net_energy);
  object["forces"] = column(result.forces);
  object["stress"] = column(result.stress);
  object["energies"] = column(result.energies);
  object["edges"] = array_from(env, result.edges);
  object["finite"] = Napi::Boolean::New(env, finite);
  return object;
}

namespace {

Napi::Object plan_to(Napi::Env env, const CudaPlan& plan) {
  auto object = Napi::Object::New(env);
  object["device"] = "cuda";
  object["schedule"] = plan.schedule;
  object["tile"] = plan.tile;
  object["filters"] = plan.knots > 0 ? "tabulated" : "direct";
  object["knots"] = plan.knots;
  object["weightBytes"] = plan.weight_bytes;
  object["scratchBytes"] = plan.scratch_bytes;
  object["tuning"] = tuning_to(env, plan.tuning);
  return object;
}

Napi::Object plan_to(Napi::Env env, const CpuPlan& plan) {
  auto object = Napi::Object::New(env);
  object["device"] = "cpu";
  object["instructionSet"] = name_of(plan.instruction_set);
  object["threads"] = plan.threads;
  object["filters"] = plan.filters_tabulated ? "tabulated" : "direct";
  object["knots"] = plan.knots;
  object["activations"] = plan.activations_kept ? "kept" : "recomputed";
  object["weightBytes"] = plan.weight_bytes;
  object["scratchBytes"] = plan.scratch_bytes;
  return object;
}

}  // namespace

CudaTuning tuning_from(const Napi::Object& object) {
  CudaTuning tuning;
  if (object.Has("residentAtoms")) tuning.resident_atoms = integer(object, "residentAtoms");
  if (object.Has("spreadWaves")) tuning.spread_waves = number(object, "spreadWaves");
  if (object.Has("smallWaves")) tuning.small_waves = number(object, "smallWaves");
  if (object.Has("earlyLaunches")) tuning.early_launches = integer(object, "earlyLaunches") != 0;
  if (object.Has("portionAtoms")) tuning.portion_atoms = integer(object, "portionAtoms");
  if (object.Has("chunkSteps")) tuning.chunk_steps = integer(object, "chunkSteps");
  return tuning;
}

Napi::Object tuning_to(Napi::Env env, const CudaTuning& tuning) {
  auto object = Napi::Object::New(env);
  object["residentAtoms"] = tuning.resident_atoms;
  object["spreadWaves"] = tuning.spread_waves;
  object["smallWaves"] = tuning.small_waves;
  object["earlyLaunches"] = tuning.early_launches ? 1 : 0;
  object["portionAtoms"] = tuning.portion_atoms;
  object["chunkSteps"] = tuning.chunk_steps;
  return object;
}

Napi::Object plan_to(Napi::Env env, const Plan& plan) {
  return std::visit([&](const auto& one) { return plan_to(env, one); }, plan);
}

}  // namespace painnless
