#pragma once
// JavaScript values to plain structs and back. Shapes and ranges were checked in TypeScript.
#include <napi.h>

#include <algorithm>
#include <string>
#include <vector>

#include "../engine.h"
#include "../neighbors.h"

namespace painnless {

template <class Array> auto copied(const Napi::Object& object, const char* name) {
  const Array array = object.Get(name).As<Array>();
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
Config config_from(const Napi::Object& object);
Tensors tensors_from(const Napi::Object& object);
inline Want want_from(const Napi::Object& object) { return {flag(object, "forces"), flag(object, "stress")}; }

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

Napi::Object evaluation_to(Napi::Env env, const Evaluation& result);
Napi::Object plan_to(Napi::Env env, const Plan& plan);

}  // namespace painnless
