// The functions of the addon that need no object.
#include <cstdlib>
#include <ctime>

#include "../cpu/engine.h"
#include "door.h"
#include "failure.h"
#include "values.h"

namespace painnless {
namespace {

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
  return neighbors_to(info.Env(), std::move(list));
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
  return array_from(info.Env(), seconds);
}

Napi::Value measured_peak(const Napi::CallbackInfo& info) {
  double rate = 0;
  or_throw(info.Env(), [&] { rate = peak(instruction_set(info[0].As<Napi::String>()), precision(info[1].As<Napi::String>())); });
  return Napi::Number::New(info.Env(), rate);
}

/// Without a word to anybody: an exit as usual waits for the evaluation that runs, which nothing can stop.
void exit_now(const Napi::CallbackInfo& info) { std::_Exit(info[0].As<Napi::Number>().Int32Value()); }

}  // namespace

void define_functions(Napi::Env env, Napi::Object exports) {
  exports["instructionSets"] = Napi::Function::New<instruction_sets>(env, "instructionSets");
  exports["neighbors"] = Napi::Function::New<neighbors>(env, "neighbors");
  exports["timeNeighbors"] = Napi::Function::New<time_neighbors>(env, "timeNeighbors");
  exports["peak"] = Napi::Function::New<measured_peak>(env, "peak");
  exports["exitNow"] = Napi::Function::New<exit_now>(env, "exitNow");
}

}  // namespace painnless
