#pragma once
// What a card gives handles of, freed by their owners.
#include "context.h"
#include "device.h"

namespace painnless::cuda {

constexpr int function_registers = 4;  // a function attribute, by its number in the driver's header
constexpr unsigned stream_non_blocking = 1;
constexpr unsigned event_default = 0, event_untimed = 2;

class CardStream {
 public:
  CardStream(const Driver& call, DriverContext* context) : call_(call), context_(context) { call.check(call.create_stream(&handle, stream_non_blocking), "cuStreamCreate"); }
  ~CardStream() {
    const Current current(call_, context_);
    call_.destroy_stream(handle);
  }
  CardStream(const CardStream&) = delete;
  DriverStream* handle = nullptr;

 private:
  const Driver& call_;
  DriverContext* context_;
};

class CardModule final : public Module {
 public:
  CardModule(const Driver& call, DriverContext* context, const std::string& binary) : call_(call), context_(context) {
    call_.check(call_.load_module(&module_, binary.c_str()), "cuModuleLoadData");
  }
  ~CardModule() override {
    const Current current(call_, context_);
    call_.unload_module(module_);
  }
  void* kernel(const std::string& name) override {
    const Current current(call_, context_);
    DriverFunction* found = nullptr;
    call_.check(call_.function(&found, module_, name.c_str()), ("finding " + name).c_str());
    int registers = 0;  // asking a function loads it
    call_.check(call_.function_attribute(&registers, function_registers, found), ("loading " + name).c_str());
    return found;
  }

 private:
  const Driver& call_;
  DriverContext* context_;
  DriverModule* module_ = nullptr;
};

class CardGraph final : public Graph {
 public:
  CardGraph(const Driver& call, DriverGraph* recorded) : call_(call) {
    const int error = call_.instantiate(&exec, recorded, 0);
    call_.destroy_graph(recorded);
    call_.check(error, "cuGraphInstantiate");
  }
  ~CardGraph() override { call_.destroy_exec(exec); }
  DriverGraphExec* exec = nullptr;

 private:
  const Driver& call_;
};

class CardMark final : public Mark {
 public:
  CardMark(const Driver& call, DriverContext* context, unsigned kind) : call_(call), context_(context) { call.check(call.create_event(&event, kind), "cuEventCreate"); }
  ~CardMark() override {
    const Current current(call_, context_);
    call_.destroy_event(event);
  }
  DriverEvent* event = nullptr;

 private:
  const Driver& call_;
  DriverContext* context_;
};

}  // namespace painnless::cuda
