// The door between Node and C++: what src/engine/native.ts declares, and nothing more. The only file that includes napi.h, and longer than
// others for that.
#include <napi.h>

#include <chrono>
#include <ctime>
#include <deque>
#include <functional>
#include <new>
#include <optional>

#include "cpu/engine.h"
#include "cpu/faults.h"
#include "neighbors.h"

namespace painnless {
namespace {

// ---- JavaScript values to plain structs. Shapes and ranges were checked in TypeScript. ----

template <class Array> auto copied(const Napi::Object& object, const char* name) {
  const Array array = object.Get(name).As<Array>();
  return std::vector(array.Data(), array.Data() + array.ElementLength());
}
double number(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Number>().DoubleValue(); }
int integer(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Number>().Int32Value(); }
bool flag(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Boolean>().Value(); }
std::string text(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); }

constexpr std::array<const char*, 3> instruction_set_names{"plain", "avx2", "avx512"};  // in the order of InstructionSet
const char* name_of(InstructionSet set) { return instruction_set_names[static_cast<size_t>(set)]; }

InstructionSet instruction_set(const std::string& name) {
  for (const auto set : {InstructionSet::plain, InstructionSet::avx2, InstructionSet::avx512})
    if (name == name_of(set)) return set;
  throw InputError("USAGE", "instructionSet", "instruction set \"" + name + "\" does not exist; there are plain, avx2 and avx512");
}
Precision precision(const std::string& name) { return name == "f32" ? Precision::f32 : Precision::f64; }

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
    tensors[name] = copied<Napi::Float64Array>(object, name.c_str());
  }
  return tensors;
}

/// A batch that owns its numbers, so that the caller may change his at once.
struct OwnedBatch {
  std::vector<int32_t> numbers, offsets;
  std::vector<double> positions, cells;
  std::vector<uint8_t> pbc;

  explicit OwnedBatch(const Napi::Object& object)
      : numbers(copied<Napi::Int32Array>(object, "numbers")),
        offsets(copied<Napi::Int32Array>(object, "offsets")),
        positions(copied<Napi::Float64Array>(object, "positions")),
        cells(copied<Napi::Float64Array>(object, "cells")),
        pbc(copied<Napi::Uint8Array>(object, "pbc")) {}
  Batch view() const { return {numbers, positions, offsets, cells, pbc}; }
};

Want want_from(const Napi::Object& object) { return {flag(object, "forces"), flag(object, "stress")}; }

// ---- Plain structs to JavaScript values. ----

template <class Array, class Value> Array array_from(Napi::Env env, const std::vector<Value>& values) {
  Array array = Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

/// The column itself as a typed array, without a copy: a list of 100,000 atoms takes 250 MB.
template <class Array, class Value> Array array_of(Napi::Env env, Column<Value>&& values) {
  if (values.empty()) return Array::New(env, 0);  // an array over no memory would count as detached
  auto* kept = new Column<Value>(std::move(values));
  const auto release = [](Napi::Env, void*, Column<Value>* column) { delete column; };
  return Array::New(env, kept->size(), Napi::ArrayBuffer::New(env, kept->data(), kept->size() * sizeof(Value), release, kept), 0);
}

Napi::Object evaluation_to(Napi::Env env, const Evaluation& result) {
  auto object = Napi::Object::New(env);
  object["netEnergy"] = array_from<Napi::Float64Array>(env, result.net_energy);
  object["forces"] = array_from<Napi::Float64Array>(env, result.forces);
  object["stress"] = array_from<Napi::Float64Array>(env, result.stress);
  object["energies"] = array_from<Napi::Float64Array>(env, result.energies);
  object["edges"] = array_from<Napi::Int32Array>(env, result.edges);
  return object;
}

Napi::Object plan_to(Napi::Env env, const Plan& plan) {
  auto object = Napi::Object::New(env);
  object["instructionSet"] = name_of(plan.instruction_set);
  object["threads"] = plan.threads;
  object["filters"] = plan.filters_tabulated ? "tabulated" : "direct";
  object["knots"] = plan.knots;
  object["activations"] = plan.activations_kept ? "kept" : "recomputed";
  object["weightBytes"] = plan.weight_bytes;
  object["scratchBytes"] = plan.scratch_bytes;
  return object;
}

// ---- Errors: caught where C++ ends, made into JavaScript's once. ----

struct Failure {
  std::string code, field, message;
};

/// What `work` throws, if anything.
template <class Work> std::optional<Failure> attempt(Work&& work) {
  try {
    work();
    return std::nullopt;
  } catch (const InputError& error) {
    return Failure{error.code, error.field, error.what()};
  } catch (const std::bad_alloc&) {
    return Failure{"MISSING", "numbers", "this machine has too little memory for so many atoms and edges; evaluate fewer structures at a time"};
  } catch (const std::exception& error) {
    return Failure{"INTERNAL", "", std::string("the engine failed: ") + error.what()};
  }
}

Napi::Error error_to(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, failure.code));
  if (!failure.field.empty()) error.Set("field", Napi::String::New(env, failure.field));
  return error;
}

template <class Work> void or_throw(Napi::Env env, Work&& work) {
  if (const auto failure = attempt(work)) throw error_to(env, *failure);
}

// ---- The engine object. ----

class Job;

/// Shared by the JavaScript object and its jobs. The queue belongs to the event loop; `engine` to whichever job runs.
struct Desk {
  std::unique_ptr<Engine> engine;
  std::deque<Job*> waiting;
  bool running = false, closed = false;
};

/// One request: runs on a worker thread, touches no JavaScript there; its promise is settled back on the event loop, and the next job
/// started. Node waits for a running one before it tears its environment down.
class Job : public Napi::AsyncWorker {
 public:
  using Answer = std::function<Napi::Value(Napi::Env)>;

  /// `work` runs off the event loop and returns what makes its JavaScript answer.
  Job(Napi::Env env, std::shared_ptr<Desk> desk, std::function<Answer(Engine&)> work)
      : Napi::AsyncWorker(env), desk_(std::move(desk)), work_(std::move(work)), promise_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise submit() {
    const auto promise = promise_.Promise();
    desk_->waiting.push_back(this);
    start_next(*desk_);
    return promise;
  }

  void refuse() {
    promise_.Reject(error_to(Env(), {"CANCELLED", "", "the engine was closed before this evaluation began"}).Value());
    Destroy();
  }

 protected:
  void Execute() override {
    failure_ = attempt([&] { answer_ = work_(*desk_->engine); });
  }

  void OnOK() override {
    const auto desk = desk_;
    desk->running = false;
    if (desk->closed) desk->engine.reset();
    try {
      settle();
      start_next(*desk);
    } catch (const Napi::Error&) {
      // Node is tearing this environment down: nobody is left to answer, and no JavaScript may run. What waits goes with it.
      for (Job* job : std::exchange(desk->waiting, {})) job->Destroy();
    }
  }

 private:
  void settle() {
    if (failure_) {
      promise_.Reject(error_to(Env(), *failure_).Value());
      return;
    }
    Napi::Value answer;
    try {
      answer = answer_(Env());
    } catch (const Napi::Error& error) {  // no memory for the arrays of the answer
      promise_.Reject(error.Value());
      return;
    }
    promise_.Resolve(answer);
  }

  static void start_next(Desk& desk) {
    if (desk.running || desk.waiting.empty()) return;
    Job* next = desk.waiting.front();
    desk.waiting.pop_front();
    desk.running = true;
    next->Queue();
  }

  std::shared_ptr<Desk> desk_;
  std::function<Answer(Engine&)> work_;
  Napi::Promise::Deferred promise_;
  Answer answer_;
  std::optional<Failure> failure_;
};

class CpuEngine : public Napi::ObjectWrap<CpuEngine> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "CpuEngine",
                       {InstanceMethod<&CpuEngine::evaluate>("evaluate"), InstanceMethod<&CpuEngine::time>("time"),
                        InstanceMethod<&CpuEngine::plan>("plan"), InstanceMethod<&CpuEngine::close>("close")});
  }

  explicit CpuEngine(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CpuEngine>(info), desk_(std::make_shared<Desk>()) {
    const auto options = info[2].As<Napi::Object>();
    or_throw(info.Env(), [&] {
      const auto asked = options.Get("instructionSet");
      const CpuOptions plain_options{precision(text(options, "precision")), integer(options, "threads"),
                                     asked.IsNull() ? available_instruction_sets().back() : instruction_set(asked.As<Napi::String>()),
                                     number(options, "activationBytes")};
      desk_->engine = create_cpu_engine(config_from(info[0].As<Napi::Object>()), tensors_from(info[1].As<Napi::Object>()), plain_options);
    });
  }

 private:
  void require_open(Napi::Env env) const {
    if (desk_->closed) throw error_to(env, {"CANCELLED", "", "the engine is closed"});
  }

  Napi::Value evaluate(const Napi::CallbackInfo& info) {
    require_open(info.Env());
    const auto batch = std::make_shared<OwnedBatch>(info[0].As<Napi::Object>());
    const Want want = want_from(info[1].As<Napi::Object>());
    return (new Job(info.Env(), desk_, [batch, want](Engine& engine) {
             const auto result = std::make_shared<Evaluation>();
             engine.evaluate(batch->view(), want, *result);
             return [result](Napi::Env env) -> Napi::Value { return evaluation_to(env, *result); };
           }))->submit();
  }

  Napi::Value time(const Napi::CallbackInfo& info) {
    require_open(info.Env());
    const auto batch = std::make_shared<OwnedBatch>(info[0].As<Napi::Object>());
    const Want want = want_from(info[1].As<Napi::Object>());
    const int count = info[2].As<Napi::Number>().Int32Value();
    return (new Job(info.Env(), desk_, [batch, want, count](Engine& engine) {
             std::vector<double> seconds(static_cast<size_t>(count));
             Evaluation result;
             for (double& s : seconds) {
               const auto start = std::chrono::steady_clock::now();
               engine.evaluate(batch->view(), want, result);
               s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
             }
             return [seconds](Napi::Env env) -> Napi::Value { return array_from<Napi::Float64Array>(env, seconds); };
           }))->submit();
  }

  Napi::Value plan(const Napi::CallbackInfo& info) {
    require_open(info.Env());
    return plan_to(info.Env(), desk_->engine->plan(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Int32Value()));
  }

  /// What waits is refused; what runs may finish, and the engine goes with it.
  void close(const Napi::CallbackInfo&) {
    desk_->closed = true;
    for (Job* job : std::exchange(desk_->waiting, {})) job->refuse();
    if (!desk_->running) desk_->engine.reset();
  }

  std::shared_ptr<Desk> desk_;
};

// ---- Functions. ----

Napi::Value instruction_sets(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  for (const auto set : available_instruction_sets()) names[names.Length()] = name_of(set);
  return names;
}

/// The question as JavaScript asked it; valid during the call.
struct NeighborQuestion {
  Napi::Float64Array positions, cell;
  Napi::Uint8Array pbc;
  double cutoff;
  bool edge_at_cutoff;

  explicit NeighborQuestion(const Napi::CallbackInfo& info)
      : positions(info[0].As<Napi::Float64Array>()),
        cell(info[1].As<Napi::Float64Array>()),
        pbc(info[2].As<Napi::Uint8Array>()),
        cutoff(info[3].As<Napi::Number>().DoubleValue()),
        edge_at_cutoff(info[4].As<Napi::Boolean>().Value()) {}

  void ask(NeighborSearch& search, NeighborList& list) {
    search.search({positions.Data(), positions.ElementLength()}, {cell.Data(), cell.ElementLength()}, {pbc.Data(), pbc.ElementLength()},
                  cutoff, edge_at_cutoff, list);
  }
};

Napi::Value neighbors(const Napi::CallbackInfo& info) {
  NeighborList list;
  or_throw(info.Env(), [&] {
    NeighborSearch search;
    NeighborQuestion(info).ask(search, list);
  });
  auto object = Napi::Object::New(info.Env());
  object["receivers"] = array_of<Napi::Int32Array>(info.Env(), std::move(list.receivers));
  object["senders"] = array_of<Napi::Int32Array>(info.Env(), std::move(list.senders));
  object["shifts"] = array_of<Napi::Int32Array>(info.Env(), std::move(list.shifts));
  object["vectors"] = array_of<Napi::Float64Array>(info.Env(), std::move(list.vectors));
  object["reverse"] = array_of<Napi::Int32Array>(info.Env(), std::move(list.reverse));
  return object;
}

double processor_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

Napi::Value time_neighbors(const Napi::CallbackInfo& info) {
  std::vector<double> seconds(info[5].As<Napi::Number>().Uint32Value());
  or_throw(info.Env(), [&] {
    NeighborQuestion question(info);
    NeighborSearch search;
    NeighborList list;
    for (double& s : seconds) {
      const double start = processor_seconds();
      question.ask(search, list);
      s = processor_seconds() - start;
    }
  });
  return array_from<Napi::Float64Array>(info.Env(), seconds);
}

Napi::Value measured_peak(const Napi::CallbackInfo& info) {
  double rate = 0;
  or_throw(info.Env(), [&] { rate = peak(instruction_set(info[0].As<Napi::String>()), precision(info[1].As<Napi::String>())); });
  return Napi::Number::New(info.Env(), rate);
}

Napi::Value faults(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  for (const auto& name : fault_names()) names[names.Length()] = name;
  return names;
}

void plant(const Napi::CallbackInfo& info) {
  or_throw(info.Env(), [&] { plant_fault(info[0].IsNull() ? "" : info[0].As<Napi::String>().Utf8Value()); });
}

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  // The class lives as long as the environment does: one per worker thread of Node, no static handle.
  auto* engine_class = new Napi::FunctionReference(Napi::Persistent(CpuEngine::define(env)));
  env.SetInstanceData(engine_class);
  exports["version"] = PAINNLESS_VERSION;
  exports["instructionSets"] = Napi::Function::New<instruction_sets>(env, "instructionSets");
  exports["createCpuEngine"] = Napi::Function::New(
      env, [engine_class](const Napi::CallbackInfo& info) -> Napi::Value { return engine_class->New({info[0], info[1], info[2]}); },
      "createCpuEngine");
  exports["neighbors"] = Napi::Function::New<neighbors>(env, "neighbors");
  exports["timeNeighbors"] = Napi::Function::New<time_neighbors>(env, "timeNeighbors");
  exports["peak"] = Napi::Function::New<measured_peak>(env, "peak");
  exports["faults"] = Napi::Function::New<faults>(env, "faults");
  exports["plant"] = Napi::Function::New<plant>(env, "plant");
  return exports;
}

NODE_API_MODULE(painnless, initialize)

}  // namespace
}  // namespace painnless
