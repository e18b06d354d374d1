// What the test build has beside the product's functions: layers one by one, faults to plant, random words, answers half there, an engine that computes nothing.
#include <chrono>
#include <mutex>
#include <thread>

#include "../cpu/faults.h"
#include "../cuda/schedules/request.h"
#include "../formulas/philox.h"
#include "../probe.h"
#include "door.h"
#include "failure.h"
#include "values.h"

namespace painnless {
namespace {

Napi::Object tensors_to(Napi::Env env, const Tensors& tensors) {
  auto object = Napi::Object::New(env);
  for (const auto& [name, values] : tensors) object[name] = array_from(env, values);
  return object;
}

/// probe(instructionSet, precision, config, tensors, question)
Napi::Value probe_layer(const Napi::CallbackInfo& info) {
  const auto asked = info[4].As<Napi::Object>();
  LayerAnswer answer;
  or_throw(info.Env(), [&] {
    const LayerQuestion question{text(asked, "layer"), integer(asked, "index"), tensors_from(asked.Get("inputs").As<Napi::Object>()),
                                 tensors_from(asked.Get("outputBars").As<Napi::Object>())};
    answer = probe(instruction_set(info[0].As<Napi::String>()), precision(info[1].As<Napi::String>()), config_from(info[2].As<Napi::Object>()),
                   tensors_from(info[3].As<Napi::Object>()), question);
  });
  auto object = Napi::Object::New(info.Env());
  object["outputs"] = tensors_to(info.Env(), answer.outputs);
  object["inputBars"] = tensors_to(info.Env(), answer.input_bars);
  return object;
}

Napi::Value faults(const Napi::CallbackInfo& info) {
  auto names = Napi::Array::New(info.Env());
  for (const auto& name : fault_names()) names[names.Length()] = name;
  return names;
}

/// plant(fault or null)
void plant(const Napi::CallbackInfo& info) {
  or_throw(info.Env(), [&] { plant_fault(info[0].IsNull() ? "" : info[0].As<Napi::String>().Utf8Value()); });
}

/// philox(counter, key)
Napi::Value philox_block(const Napi::CallbackInfo& info) {
  const auto counter = info[0].As<Napi::Uint32Array>(), key = info[1].As<Napi::Uint32Array>();
  const auto words = philox({{counter[0], counter[1], counter[2], counter[3]}}, {{key[0], key[1]}});
  return array_from(info.Env(), std::vector<uint32_t>(std::begin(words.word), std::end(words.word)));
}

/// isWholeAnswer(bytes, atoms, structures, forces)
Napi::Value is_whole_answer(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  const int atoms = info[1].As<Napi::Number>(), structures = info[2].As<Napi::Number>();
  or_throw(info.Env(), [&] {
    if (bytes.ElementLength() != cuda::answer_bytes(atoms, structures)) throw InputError("USAGE", "bytes", "such an answer has " + std::to_string(cuda::answer_bytes(atoms, structures)));
  });
  return Napi::Boolean::New(info.Env(), cuda::is_whole(reinterpret_cast<const std::byte*>(bytes.Data()), atoms, structures, info[3].ToBoolean()));
}

std::mutex noting;
std::vector<std::string> notes;

/// An engine with halves that notes what it is asked. The first atom of a batch says how: it takes x ms, y = 1: it is refused, y = 2: it has no halves; z is its energy, and
/// its name.
class Hollow final : public Engine {
 public:
  void evaluate(const Batch& batch, Want, Evaluation& result, std::span<KeptNeighbors>) override {
    note("evaluate", batch);
    std::this_thread::sleep_until(end_of(batch));
    answer(batch, result);
  }
  std::unique_ptr<Begun> begin(const Batch& batch, Want) override {
    note("begin", batch);
    if (batch.positions[1] == 1) throw InputError("BAD_STRUCTURE", "positions", "refused");
    return batch.positions[1] == 2 ? nullptr : std::make_unique<Half>(batch);
  }
  Plan plan(int, int) const override { return CpuPlan{}; }

 private:
  using Clock = std::chrono::steady_clock;
  class Half final : public Begun {
   public:
    explicit Half(const Batch& batch) : batch_(batch), end_(end_of(batch)) {}
    bool is_done() override { return Clock::now() >= end_; }
    void end(Evaluation& result) override {
      std::this_thread::sleep_until(end_);
      note("end", batch_);
      answer(batch_, result);
    }

   private:
    const Batch batch_;
    const Clock::time_point end_;
  };

  static Clock::time_point end_of(const Batch& batch) { return Clock::now() + std::chrono::microseconds(static_cast<int64_t>(1e3 * batch.positions[0])); }
  static void note(const char* what, const Batch& batch) {
    const std::lock_guard lock(noting);
    notes.push_back(std::string(what) + " " + std::to_string(static_cast<int>(batch.positions[2])));
  }
  static void answer(const Batch& batch, Evaluation& result) {
    result.net_energy = {batch.positions[2]};
    result.energies.assign(batch.numbers.size(), 0);
    result.edges = {0};
  }
};

/// createHollowEngine()
Napi::Value create_hollow(const Napi::CallbackInfo& info) {
  std::unique_ptr<Engine> engine = std::make_unique<Hollow>();
  return info.Env().GetInstanceData<Classes>()->engine.New({Napi::External<std::unique_ptr<Engine>>::New(info.Env(), &engine)});
}

/// hollowNotes(): since the last call
Napi::Value hollow_notes(const Napi::CallbackInfo& info) {
  const std::lock_guard lock(noting);
  auto list = Napi::Array::New(info.Env());
  for (const auto& line : notes) list[list.Length()] = line;
  notes.clear();
  return list;
}

}  // namespace

void define_tests(Napi::Env env, Napi::Object exports) {
  exports["probe"] = Napi::Function::New<probe_layer>(env, "probe");
  exports["faults"] = Napi::Function::New<faults>(env, "faults");
  exports["plant"] = Napi::Function::New<plant>(env, "plant");
  exports["createHollowEngine"] = Napi::Function::New<create_hollow>(env, "createHollowEngine");
  exports["hollowNotes"] = Napi::Function::New<hollow_notes>(env, "hollowNotes");
  exports["isWholeAnswer"] = Napi::Function::New<is_whole_answer>(env, "isWholeAnswer");
  exports["philox"] = Napi::Function::New<philox_block>(env, "philox");
}

}  // namespace painnless
