// CUDA seen from JavaScript: cards, the compiler of kernels, engines.
#include <algorithm>
#include <cstdio>

#include "../cuda/card/card.h"
#include "../cuda/engine.h"
#include "../cuda/card/program.h"
#include "../cuda/network/shape.h"
#if defined(PAINNLESS_EMULATE_CUDA)
#include "../cuda/emulator/compiler.h"
#include "../cuda/emulator/device.h"
#endif
#include "door.h"
#include "task.h"
#include "values.h"

namespace painnless {
namespace {

std::vector<std::string> strings_from(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> out;
  for (uint32_t k = 0; k < array.Length(); k++) out.push_back(array.Get(k).As<Napi::String>());
  return out;
}

Napi::Array strings_to(Napi::Env env, const std::vector<std::string>& strings) {
  auto array = Napi::Array::New(env);
  for (const std::string& string : strings) array[array.Length()] = string;
  return array;
}

/// cudaCards(): what the driver sees
Napi::Value cards(const Napi::CallbackInfo& info) {
  std::vector<cuda::DeviceInfo> found;
  or_throw(info.Env(), [&] { found = cuda::list_cards(); });
  auto list = Napi::Array::New(info.Env());
  for (const auto& card : found) {
    auto object = Napi::Object::New(info.Env());
    object["name"] = card.name;
    object["architecture"] = card.architecture;
    object["multiprocessors"] = card.multiprocessors;
    object["sharedBytes"] = static_cast<double>(card.shared_bytes);
    object["memoryBytes"] = static_cast<double>(card.total_bytes);
    object["driver"] = card.driver;
    object["clock"] = card.clock;
    object["bandwidth"] = card.bandwidth;
    object["cacheBytes"] = static_cast<double>(card.cache_bytes);
    list[list.Length()] = object;
  }
  return list;
}

/// createCudaEngine(config, tensors, options): compiles what is not in the cache; `wholeRange`: see CudaOptions
Napi::Value create_cuda(const Napi::CallbackInfo& info) {
  const auto given = info[2].As<Napi::Object>();
  const auto config = config_from(info[0].As<Napi::Object>());
  const auto tensors = std::make_shared<Tensors>(tensors_from(info[1].As<Napi::Object>()));
  CudaOptions options{
      .precision = precision(text(given, "precision")), .cache = text(given, "cache"), .tuning = tuning_from(given.Get("tuning").As<Napi::Object>()),
      .whole_range = given.Get("wholeRange").ToBoolean()};
  const int ordinal = integer(given, "ordinal");
  const auto nvrtc = strings_from(given.Get("nvrtc"));
#if defined(PAINNLESS_EMULATE_CUDA)
  const bool emulate = given.Get("emulate").ToBoolean();
  options.poisoned = given.Get("poisoned").ToBoolean();
#endif
  return Task::start(info.Env(), [=]() -> Task::Answer {
    const auto engine = std::make_shared<std::unique_ptr<Engine>>();
#if defined(PAINNLESS_EMULATE_CUDA)
    if (emulate)
      *engine = create_cuda_engine(config, *tensors, options, cuda::emulator::create_device(), *cuda::emulator::create_compiler("c++", options.cache));
    else
#endif
    {
      auto card = cuda::open_card(ordinal);
      *engine = create_cuda_engine(config, *tensors, options, std::move(card), *cuda::open_nvrtc(nvrtc, cuda::driver_version()));
    }
    return [engine](Napi::Env env) -> Napi::Value {
      return env.GetInstanceData<Classes>()->engine.New({Napi::External<std::unique_ptr<Engine>>::New(env, engine.get())});
    };
  });
}

/// What a card is, as far as the caller knows it.
cuda::DeviceInfo card_from(const Napi::Object& object) {
  cuda::DeviceInfo card;
  card.architecture = integer(object, "architecture");
  card.shared_bytes = static_cast<size_t>(number(object, "sharedBytes"));
  if (object.Has("multiprocessors")) card.multiprocessors = integer(object, "multiprocessors");
  if (object.Has("driver")) card.driver = text(object, "driver");
  return card;
}

/// compileKernels(models, card, nvrtc, known), `known` may be "all": needs no card; what models share is compiled once, what has a known key not at all; `log` is the
/// compiler's, with registers and spills
Napi::Value compile_kernels(const Napi::CallbackInfo& info) {
  struct Model {
    Config config;
    Precision precision;
  };
  const auto given = info[0].As<Napi::Array>();
  std::vector<Model> models;
  for (uint32_t k = 0; k < given.Length(); k++) {
    const auto model = given.Get(k).As<Napi::Object>();
    models.push_back({config_from(model.Get("config").As<Napi::Object>()), precision(text(model, "precision"))});
  }
  const auto card = card_from(info[1].As<Napi::Object>());
  const bool all_known = info[3].IsString();
  const auto nvrtc = strings_from(info[2]), known = all_known ? std::vector<std::string>{} : strings_from(info[3]);
  struct Part {
    cuda::Source source;
    std::string key;
    bool known;
  };
  return Task::start(info.Env(), [=]() -> Task::Answer {
    int major = 0, minor = 0;  // of a driver, where there is one that must take the code
    std::sscanf(card.driver.c_str(), "%d.%d", &major, &minor);
    const auto compiler = cuda::open_nvrtc(nvrtc, 1000 * major + 10 * minor);
    std::vector<Part> parts;
    std::vector<cuda::Source> missing;
    for (const Model& model : models) {
      const CudaTuning tuning{.spread_waves = 1};
      for (const cuda::Source& source : cuda::Shape(model.config, model.precision, card, tuning).sources()) {
        const std::string key = cuda::code_key(source, card.architecture);
        if (std::any_of(parts.begin(), parts.end(), [&](const Part& part) { return part.key == key; })) continue;
        parts.push_back({source, key, all_known || std::find(known.begin(), known.end(), key) != known.end()});
        if (!parts.back().known) missing.push_back(source);
      }
    }
    const auto compiled = cuda::compile_all(*compiler, missing, card.architecture);
    return [parts, compiled, identity = compiler->identity()](Napi::Env env) -> Napi::Value {
      auto list = Napi::Array::New(env);
      auto next = compiled.begin();
      for (const Part& part : parts) {
        auto object = Napi::Object::New(env);
        object["source"] = part.source.main;
        object["options"] = strings_to(env, part.source.options);
        object["key"] = part.key;
        object["log"] = part.known ? env.Null() : Napi::String::New(env, (next++)->log).As<Napi::Value>();
        list[list.Length()] = object;
      }
      auto object = Napi::Object::New(env);
      object["compiler"] = identity;
      object["parts"] = list;
      return object;
    };
  });
}

/// planCuda(config, tensors, precision, tuning, card, atoms, pairs): needs no card
Napi::Value plan(const Napi::CallbackInfo& info) {
  Plan plan;
  or_throw(info.Env(), [&] {
    plan = plan_cuda(config_from(info[0].As<Napi::Object>()), tensors_from(info[1].As<Napi::Object>()), precision(info[2].As<Napi::String>()),
                     tuning_from(info[3].As<Napi::Object>()), card_from(info[4].As<Napi::Object>()), info[5].As<Napi::Number>().Int32Value(), info[6].As<Napi::Number>().Int32Value());
  });
  return plan_to(info.Env(), plan);
}

#if defined(PAINNLESS_EMULATE_CUDA)
/// emulatedCard(settings): changes those that are given; what was counted since the last call
Napi::Value emulated(const Napi::CallbackInfo& info) {
  using namespace cuda::emulator;
  const auto given = info[0].As<Napi::Object>();
  Settings& now = settings();
  if (given.Has("turns")) {
    const auto turns = text(given, "turns");
    now.turns = turns == "descending" ? Turns::descending : turns == "shuffled" ? Turns::shuffled : turns == "unfair" ? Turns::unfair : Turns::ascending;
  }
  if (given.Has("early")) {
    const auto early = text(given, "early");
    now.early = early == "work"       ? std::optional(cuda::Queue::work)
                : early == "requests" ? std::optional(cuda::Queue::requests)
                : early == "answers"  ? std::optional(cuda::Queue::answers)
                                      : std::nullopt;
  }
  if (given.Has("earlyRows")) now.early_rows = given.Get("earlyRows").ToBoolean();
  if (given.Has("totalBytes")) now.total_bytes = static_cast<size_t>(number(given, "totalBytes"));
  if (given.Has("failingAllocation")) now.failing_allocation = integer(given, "failingAllocation");
  if (given.Has("sharedBytes")) now.shared_bytes = static_cast<size_t>(number(given, "sharedBytes"));
  if (given.Has("clusters")) now.clusters = integer(given, "clusters");
  if (given.Has("architecture")) now.architecture = integer(given, "architecture");
  if (given.Has("planted")) now.planted = integer(given, "planted");
  auto object = Napi::Object::New(info.Env());
  object["allocations"] = static_cast<double>(counts().allocations);
  object["releases"] = static_cast<double>(counts().releases);
  object["uploads"] = static_cast<double>(counts().uploads);
  object["beside"] = static_cast<double>(counts().beside);
  object["downloads"] = static_cast<double>(counts().downloads);
  object["launches"] = static_cast<double>(counts().launches);
  object["replays"] = static_cast<double>(counts().replays);
  object["bytes"] = static_cast<double>(counts().bytes);
  object["pinned"] = static_cast<double>(counts().pinned);
  object["queued"] = static_cast<double>(counts().queued);
  object["waits"] = static_cast<double>(counts().waits);
  counts() = {.bytes = counts().bytes, .pinned = counts().pinned, .queued = counts().queued};
  return object;
}
#endif

}  // namespace

void define_cuda(Napi::Env env, Napi::Object exports) {
  exports["cudaCards"] = Napi::Function::New<cards>(env, "cudaCards");
  exports["createCudaEngine"] = Napi::Function::New<create_cuda>(env, "createCudaEngine");
  exports["compileKernels"] = Napi::Function::New<compile_kernels>(env, "compileKernels");
  exports["planCuda"] = Napi::Function::New<plan>(env, "planCuda");
#if defined(PAINNLESS_EMULATE_CUDA)
  exports["emulatedCard"] = Napi::Function::New<emulated>(env, "emulatedCard");
#endif
}

}  // namespace painnless
