// The session object: a run of an engine, many steps off the event loop, or half steps by hand. TypeScript sees to it that nothing else is
// asked of a session while steps are made.
#include "../dynamics/session.h"

#include "door.h"
#include "job.h"
#include "values.h"

namespace painnless {
namespace {

Ensemble ensemble(const std::string& name) {
  return name == "langevin" ? Ensemble::langevin : name == "csvr" ? Ensemble::csvr : Ensemble::nve;
}

Setup setup_from(const Napi::Object& object) {
  const auto limits = object.Get("limits").As<Napi::Object>();
  return {.replicas = integer(object, "replicas"),
          .numbers = copied<int32_t>(object, "numbers"),
          .masses = copied<double>(object, "masses"),
          .cell = copied<double>(object, "cell"),
          .pbc = copied<uint8_t>(object, "pbc"),
          .ensemble = ensemble(text(object, "ensemble")),
          .equilibration_ensemble = ensemble(text(object, "equilibrationEnsemble")),
          .equilibration = long_integer(object, "equilibration"),
          .timestep = number(object, "timestep"),
          .thermal_energy = number(object, "thermalEnergy"),
          .friction = number(object, "friction"),
          .relaxation = number(object, "relaxation"),
          .seed = static_cast<uint64_t>(long_integer(object, "seed")),
          .skin = number(object, "skin"),
          .record_every = long_integer(object, "recordEvery"),
          .frame_every = long_integer(object, "frameEvery"),
          .limits = {number(limits, "force"), number(limits, "temperature"), number(limits, "distance"), number(limits, "displacement")}};
}

State state_from(const Napi::Object& object) {
  return {.step = long_integer(object, "step"),
          .positions = copied<double>(object, "positions"),
          .velocities = copied<double>(object, "velocities"),
          .forces = copied<double>(object, "forces"),
          .potential = copied<double>(object, "potential"),
          .heat = copied<double>(object, "heat")};
}

Napi::Object state_to(Napi::Env env, const State& state) {
  auto object = Napi::Object::New(env);
  object["step"] = static_cast<double>(state.step);
  object["positions"] = array_from(env, state.positions);
  object["velocities"] = array_from(env, state.velocities);
  object["forces"] = array_from(env, state.forces);
  object["potential"] = array_from(env, state.potential);
  object["heat"] = array_from(env, state.heat);
  return object;
}

Napi::Value stop_to(Napi::Env env, const std::optional<Stop>& stop) {
  if (!stop) return env.Null();
  auto object = Napi::Object::New(env);
  object["reason"] = stop->reason;
  object["step"] = static_cast<double>(stop->step);
  object["replica"] = stop->replica;
  object["atom"] = stop->atom;
  object["other"] = stop->other;
  object["value"] = stop->value;
  object["limit"] = stop->limit;
  object["position"] = array_from(env, std::vector(stop->position.begin(), stop->position.end()));
  object["detail"] = stop->detail;
  return object;
}

Napi::Object stretch_to(Napi::Env env, Stretch& stretch, int64_t step) {
  const auto column = [&](Column<double>& values) { return array_of(env, std::move(values)); };
  auto object = Napi::Object::New(env);
  object["step"] = static_cast<double>(step);
  object["recordSteps"] = column(stretch.record_steps);
  object["potential"] = column(stretch.potential);
  object["kinetic"] = column(stretch.kinetic);
  object["heat"] = column(stretch.heat);
  object["modified"] = column(stretch.modified);
  object["frameSteps"] = column(stretch.frame_steps);
  object["positions"] = column(stretch.positions);
  object["velocities"] = column(stretch.velocities);
  object["forces"] = column(stretch.forces);
  object["framePotential"] = column(stretch.frame_potential);
  object["frameKinetic"] = column(stretch.frame_kinetic);
  object["stop"] = stop_to(env, stretch.stop);
  object["seconds"] = stretch.seconds;
  object["searches"] = static_cast<double>(stretch.searches);
  return object;
}

/// Shared with the job that makes steps.
struct Run {
  Session session;
  std::atomic<bool> cancelled = false;
};

class SessionObject : public Napi::ObjectWrap<SessionObject> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "SessionObject",
                       {InstanceMethod<&SessionObject::advance>("advance"), InstanceMethod<&SessionObject::cancel>("cancel"),
                        InstanceMethod<&SessionObject::open>("open"), InstanceMethod<&SessionObject::first_half>("firstHalf"),
                        InstanceMethod<&SessionObject::second_half>("secondHalf"), InstanceMethod<&SessionObject::give_up>("giveUp"),
                        InstanceMethod<&SessionObject::close>("close"), InstanceMethod<&SessionObject::state>("state"),
                        InstanceMethod<&SessionObject::freedoms>("freedoms")});
  }

  /// (setup, state, reportStart, desk of the engine that moves the atoms or undefined)
  explicit SessionObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<SessionObject>(info) {
    or_throw(info.Env(), [&] {
      run_.reset(new Run{{setup_from(info[0].As<Napi::Object>()), state_from(info[1].As<Napi::Object>()), info[2].As<Napi::Boolean>().Value()}});
    });
    if (info[3].IsExternal()) desk_ = *info[3].As<Napi::External<std::shared_ptr<Desk>>>().Data();
  }

 private:
  Napi::Value advance(const Napi::CallbackInfo& info) {
    const int64_t steps = info[0].As<Napi::Number>().Int64Value();
    run_->cancelled = false;
    return Job::start(info.Env(), desk_, [run = run_, steps](Engine& engine) {
      const auto stretch = std::make_shared<Stretch>(run->session.advance(engine, steps, run->cancelled));
      return [run, stretch](Napi::Env env) -> Napi::Value { return stretch_to(env, *stretch, run->session.state().step); };
    });
  }

  void cancel(const Napi::CallbackInfo&) { run_->cancelled = true; }

  Napi::Value open(const Napi::CallbackInfo& info) {
    bool going = false;
    or_throw(info.Env(), [&] { going = run_->session.open(info[0].As<Napi::Number>().Int64Value()); });
    return Napi::Boolean::New(info.Env(), going);
  }

  /// Positions that need forces, or null: stopped.
  Napi::Value first_half(const Napi::CallbackInfo& info) {
    bool going = false;
    or_throw(info.Env(), [&] { going = run_->session.first_half(); });
    return going ? array_from(info.Env(), run_->session.state().positions) : info.Env().Null();
  }

  Napi::Value second_half(const Napi::CallbackInfo& info) {
    const auto potential = info[0].As<Napi::Float64Array>(), forces = info[1].As<Napi::Float64Array>();
    const bool going = run_->session.second_half({potential.Data(), potential.ElementLength()}, {forces.Data(), forces.ElementLength()});
    return Napi::Boolean::New(info.Env(), going);
  }

  void give_up(const Napi::CallbackInfo&) { run_->session.give_up(); }

  Napi::Value close(const Napi::CallbackInfo& info) {
    Stretch stretch = run_->session.close();
    return stretch_to(info.Env(), stretch, run_->session.state().step);
  }

  Napi::Value state(const Napi::CallbackInfo& info) { return state_to(info.Env(), run_->session.state()); }
  Napi::Value freedoms(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), run_->session.freedoms()); }

  std::shared_ptr<Run> run_;
  std::shared_ptr<Desk> desk_;
};

/// createIntegrator(setup, state, reportStart): half steps by hand.
Napi::Value create_integrator(const Napi::CallbackInfo& info) {
  return info.Env().GetInstanceData<Classes>()->session.New({info[0], info[1], info[2]});
}

}  // namespace

void define_session(Napi::Env env, Napi::Object exports) {
  env.GetInstanceData<Classes>()->session = Napi::Persistent(SessionObject::define(env));
  exports["createIntegrator"] = Napi::Function::New<create_integrator>(env, "createIntegrator");
}

}  // namespace painnless
