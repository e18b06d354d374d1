#pragma once
// Errors: caught where C++ ends, made into JavaScript's once.
#include <napi.h>

#include <exception>
#include <new>
#include <optional>
#include <string>

#include "../engine.h"

namespace painnless {

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

inline Napi::Error error_to(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.message);
  error.Set("code", Napi::String::New(env, failure.code));
  if (!failure.field.empty()) error.Set("field", Napi::String::New(env, failure.field));
  return error;
}

template <class Work> void or_throw(Napi::Env env, Work&& work) {
  if (const auto failure = attempt(work)) throw error_to(env, *failure);
}

}  // namespace painnless
