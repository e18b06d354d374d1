#pragma once
// JavaScript values to plain structs and back. Shapes and ranges were checked in TypeScript.
#include <napi.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../engine.h"
#include "../neighbors.h"

namespace painnless {

template <class Value> std::vector<Value> copied(const Napi::Object& object, const char* name) {
  const auto array = object.Get(name).As<Napi::TypedArrayOf<Value>>();
  return std::vector(array.Data(), array.Data() + array.ElementLength());
}
inline double number(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Number>().DoubleValue(); }
inline int integer(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Number>().Int32Value(); }
inline int64_t long_integer(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Number>().Int64Value(); }
inline bool flag(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::Boolean>().Value(); }
inline std::string text(const Napi::Object& object, const char* name) { return object.Get(name).As<Napi::String>().Utf8Value(); }

const char* name_of(InstructionSet set);
/// Throws InputError USAGE for a name that none has.
InstructionSet instruction_set(const std::string& name);
Precision precision(const std::string& name);
/// What is not given is as it comes.
CudaTuning tuning_from(const Napi::Object& object);
Napi::Object tuning_to(Napi::Env env, const CudaTuning& tuning);
Config config_from(const Napi::Object& object);
Tensors tensors_from(const Napi::Object& object);
inline Want want_from(const Napi::Object& object) { return {flag(object, "forces"), flag(object, "stress")}; }

/// A batch that owns its numbers, so that the caller may change his at once.
struct OwnedBatch {
  std::vector<int32_t> numbers, offsets;
  std::vector<double> positions, cells;
  std::vector<uint8_t> pbc;

  explicit OwnedBatch(const Napi::Object& object)
      : numbers(copied<int32_t>(object, "numbers")),
        offsets(copied<int32_t>(object, "offsets")),
        positions(copied<double>(object, "positions")),
        cells(copied<double>(object, "cells")),
        pbc(copied<uint8_t>(object, "pbc")) {}
  Batch view() const { return {numbers, positions, offsets, cells, pbc}; }
};

template <class Value> Napi::TypedArrayOf<Value> array_from(Napi::Env env, const std::vector<Value>& values) {
  auto array = Napi::TypedArrayOf<Value>::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

/// The column itself as a typed array, without a copy: a list of 100,000 atoms takes 250 MB.
template <class Value, class Allocator> Napi::TypedArrayOf<Value> array_of(Napi::Env env, std::vector<Value, Allocator>&& values) {
  using Array = Napi::TypedArrayOf<Value>;
  using Held = std::vector<Value, Allocator>;
  if (values.empty()) return Array::New(env, 0);  // an array over no memory would count as detached
  auto* held = new Held(std::move(values));
  const auto release = [](Napi::Env, void*, Held* column) { delete column; };
  return Array::New(env, held->size(), Napi::ArrayBuffer::New(env, held->data(), held->size() * sizeof(Value), release, held), 0);
}

/// Moves the columns out of `list`, a NeighborList or one from a card.
template <class List> Napi::Object neighbors_to(Napi::Env env, List&& list) {
  auto object = Napi::Object::New(env);
  object["receivers"] = array_of(env, std::move(list.receivers));
  object["senders"] = array_of(env, std::move(list.senders));
  object["shifts"] = array_of(env, std::move(list.shifts));
  object["vectors"] = array_of(env, std::move(list.vectors));
  object["reverse"] = array_of(env, std::move(list.reverse));
  return object;
}

bool is_finite(const Evaluation& result);
/// Moves the large arrays out of `result`.
Napi::Object evaluation_to(Napi::Env env, Evaluation&& result, bool finite);
Napi::Object plan_to(Napi::Env env, const Plan& plan);

}  // namespace painnless
