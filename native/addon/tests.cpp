// What the test build has beside the product's functions: layers one by one, faults to plant, random words.
#include "../cpu/faults.h"
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

}  // namespace

void define_tests(Napi::Env env, Napi::Object exports) {
  exports["probe"] = Napi::Function::New<probe_layer>(env, "probe");
  exports["faults"] = Napi::Function::New<faults>(env, "faults");
  exports["plant"] = Napi::Function::New<plant>(env, "plant");
  exports["philox"] = Napi::Function::New<philox_block>(env, "philox");
}

}  // namespace painnless
