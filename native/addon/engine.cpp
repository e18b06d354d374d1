// The engine object: evaluations one after the other, off the event loop where they are not short.
#include <chrono>

#include "../cpu/engine.h"
#include "../cuda/engine.h"
#include "door.h"
#include "job.h"
#include "values.h"

namespace painnless {
namespace {

/// (batch, want): what all evaluations are asked.
struct Question {
  OwnedBatch batch;
  Want want;

  explicit Question(const Napi::CallbackInfo& info) : batch(info[0].As<Napi::Object>()), want(want_from(info[1].As<Napi::Object>())) {}
};

/// One evaluation at a desk.
struct Request : Question {
  std::unique_ptr<Begun> begun;

  using Question::Question;
  void begin(Engine& engine) { begun = engine.begin(batch.view(), want); }
  size_t atoms() const { return batch.numbers.size(); }

  Evaluation alone(Engine& engine, Pace& pace) {
    Evaluation result;
    const auto start = Pace::Clock::now();
    engine.evaluate(batch.view(), want, result);
    pace.learn(atoms(), Pace::Clock::now() - start);
    return result;
  }

  /// While the engine is at it, what waits behind it is begun.
  Evaluation in_turn(Engine& engine, Desk& desk) {
    const bool was_begun = begun != nullptr;
    const auto start = Pace::Clock::now();
    if (!was_begun) begin(engine);
    const auto under_way = std::move(begun);
    if (!under_way) return alone(engine, desk.pace);
    do desk.begin_next();
    while (!desk.next && !under_way->is_done());
    Evaluation result;
    under_way->end(result);
    if (!was_begun) desk.pace.learn(atoms(), Pace::Clock::now() - start);
    return result;
  }
};

/// of (batch, want, count)
int count_from(const Napi::CallbackInfo& info) { return info[2].As<Napi::Number>().Int32Value(); }

Napi::Array portions_to(Napi::Env env, const std::vector<CudaProfile::Portion>& portions) {
  auto list = Napi::Array::New(env);
  for (const CudaProfile::Portion& portion : portions) {
    auto object = Napi::Object::New(env);
    object["structures"] = portion.structures;
    object["atoms"] = portion.atoms;
    const auto set = [&](const char* name, CudaProfile::Portion::Span span) { object[name] = array_from(env, std::vector{span.begin, span.end}); };
    set("written", portion.written);
    set("request", portion.request);
    set("kernels", portion.kernels);
    set("answer", portion.answer);
    set("read", portion.read);
    list[list.Length()] = object;
  }
  return list;
}

class EngineObject : public Napi::ObjectWrap<EngineObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "EngineObject",
                       {InstanceMethod<&EngineObject::evaluate>("evaluate"), InstanceMethod<&EngineObject::time>("time"), InstanceMethod<&EngineObject::turned>("turned"),
                        InstanceMethod<&EngineObject::plan>("plan"), InstanceMethod<&EngineObject::create_session>("createSession"),
                        InstanceMethod<&EngineObject::activity>("activity"), InstanceMethod<&EngineObject::card_neighbors>("cardNeighbors"),
                        InstanceMethod<&EngineObject::card_seconds>("cardSeconds"), InstanceMethod<&EngineObject::card_profile>("cardProfile"),
                        InstanceMethod<&EngineObject::close>("close")});
  }

  /// Takes the engine that the external points to.
  explicit EngineObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<EngineObject>(info), desk_(std::make_shared<Desk>()) {
    desk_->engine = std::move(*info[0].As<Napi::External<std::unique_ptr<Engine>>>().Data());
  }

 private:
  Napi::Value evaluate(const Napi::CallbackInfo& info) {
    const auto asked = std::make_shared<Request>(info);
    const bool at_once = desk_->is_idle() && desk_->pace.allows_at_once(asked->atoms());
    const auto work = [asked, at_once, &desk = *desk_](Engine& engine) {
      const auto result = std::make_shared<Evaluation>(at_once ? asked->alone(engine, desk.pace) : asked->in_turn(engine, desk));
      return [result, finite = is_finite(*result)](Napi::Env env) -> Napi::Value { return evaluation_to(env, std::move(*result), finite); };
    };
    if (at_once) return Job::at_once(info.Env(), *desk_, work);
    return Job::start(info.Env(), desk_, work, [asked, &pace = desk_->pace](Engine& engine) {
      asked->begin(engine);
      return asked->begun && pace.is_short(asked->atoms());
    });
  }

  void turned(const Napi::CallbackInfo&) { desk_->pace.turn(); }

  Napi::Value time(const Napi::CallbackInfo& info) {
    return Job::start(info.Env(), desk_, [asked = std::make_shared<Question>(info), count = count_from(info)](Engine& engine) {
      std::vector<double> seconds(static_cast<size_t>(count));
      Evaluation result;
      for (double& s : seconds) {
        const auto start = std::chrono::steady_clock::now();
        engine.evaluate(asked->batch.view(), asked->want, result);
        s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      }
      return [seconds](Napi::Env env) -> Napi::Value { return array_from(env, seconds); };
    });
  }

  Napi::Value plan(const Napi::CallbackInfo& info) {
    desk_->require_open(info.Env());
    return plan_to(info.Env(), desk_->engine->plan(info[0].As<Napi::Number>().Int32Value(), info[1].As<Napi::Number>().Int32Value()));
  }

  /// createSession(setup, state, reportStart)
  Napi::Value create_session(const Napi::CallbackInfo& info) {
    desk_->require_open(info.Env());
    const auto desk = Napi::External<std::shared_ptr<Desk>>::New(info.Env(), &desk_);
    return info.Env().GetInstanceData<Classes>()->session.New({info[0], info[1], info[2], desk});
  }

  void close(const Napi::CallbackInfo&) { desk_->close(); }

  // What only an engine on a card can tell; native.ts gives these names to no other.
  static CudaEngine& on_card(Engine& engine) {
    if (auto* cuda = dynamic_cast<CudaEngine*>(&engine)) return *cuda;
    throw InputError("UNSUPPORTED", "device", "this engine runs on no GPU");
  }

  Napi::Value activity(const Napi::CallbackInfo& info) {
    return Job::start(info.Env(), desk_, [](Engine& engine) {
      return [now = on_card(engine).activity()](Napi::Env env) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object["schedule"] = now.schedule;
        object["edges"] = static_cast<double>(now.edges);
        object["compilations"] = now.compilations;
        object["captures"] = now.captures;
        object["allocations"] = now.allocations;
        object["arenaBytes"] = now.arena_bytes;
        object["weightBytes"] = now.weight_bytes;
        object["tuning"] = tuning_to(env, now.tuning);
        return object;
      };
    });
  }

  Napi::Value card_neighbors(const Napi::CallbackInfo& info) {
    return Job::start(info.Env(), desk_, [batch = std::make_shared<OwnedBatch>(info[0].As<Napi::Object>())](Engine& engine) {
      const auto list = std::make_shared<CudaNeighbors>(on_card(engine).neighbors(batch->view()));
      return [list](Napi::Env env) -> Napi::Value { return neighbors_to(env, std::move(*list)); };
    });
  }

  Napi::Value card_seconds(const Napi::CallbackInfo& info) {
    const bool cold = info[3].ToBoolean();
    return Job::start(info.Env(), desk_, [asked = std::make_shared<Question>(info), count = count_from(info), cold](Engine& engine) {
      return [seconds = on_card(engine).device_seconds(asked->batch.view(), asked->want, count, cold)](Napi::Env env) -> Napi::Value {
        auto object = Napi::Object::New(env);
        object["search"] = seconds.search;
        object["network"] = seconds.network;
        return object;
      };
    });
  }

  Napi::Value card_profile(const Napi::CallbackInfo& info) {
    return Job::start(info.Env(), desk_, [asked = std::make_shared<Question>(info), rounds = count_from(info)](Engine& engine) {
      return [profile = on_card(engine).profile(asked->batch.view(), asked->want, rounds)](Napi::Env env) -> Napi::Value {
        auto launches = Napi::Array::New(env);
        for (const CudaProfile::Launch& launch : profile.launches) {
          auto object = Napi::Object::New(env);
          object["kernel"] = launch.kernel;
          object["search"] = Napi::Boolean::New(env, launch.search);
          object["blocks"] = launch.blocks;
          object["cluster"] = launch.cluster;
          object["threads"] = launch.threads;
          object["sharedBytes"] = static_cast<double>(launch.shared_bytes);
          object["seconds"] = array_from(env, launch.seconds);
          launches[launches.Length()] = object;
        }
        auto object = Napi::Object::New(env);
        object["launches"] = launches;
        object["nothing"] = array_from(env, profile.nothing);
        object["search"] = array_from(env, profile.search);
        object["network"] = array_from(env, profile.network);
        object["edges"] = profile.edges;
        object["portions"] = portions_to(env, profile.portions);
        return object;
      };
    });
  }

  std::shared_ptr<Desk> desk_;
};

/// createCpuEngine(config, tensors, options)
Napi::Value create_cpu(const Napi::CallbackInfo& info) {
  const auto options = info[2].As<Napi::Object>();
  std::unique_ptr<Engine> engine;
  or_throw(info.Env(), [&] {
    const auto asked = options.Get("instructionSet");
    const CpuOptions plain_options{precision(text(options, "precision")), integer(options, "threads"),
                                   asked.IsNull() ? available_instruction_sets().back() : instruction_set(asked.As<Napi::String>()),
                                   number(options, "activationBytes")};
    engine = create_cpu_engine(config_from(info[0].As<Napi::Object>()), tensors_from(info[1].As<Napi::Object>()), plain_options);
  });
  return info.Env().GetInstanceData<Classes>()->engine.New({Napi::External<std::unique_ptr<Engine>>::New(info.Env(), &engine)});
}

}  // namespace

void define_engine(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<Classes>()->engine = Napi::Persistent(EngineObject::define(env));
  exports["createCpuEngine"] = Napi::Function::New<create_cpu>(env, "createCpuEngine");
}

}  // namespace painnless
