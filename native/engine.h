#pragma once
// The whole contract between the doors of the engine (addon/, dynamics/) and what computes: plain structs and spans; no Node, no CUDA.
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace painnless {

/// A fault the caller can mend; `code` and `field` become those of the JavaScript error.
struct InputError : std::runtime_error {
  std::string code, field;
  InputError(std::string code_, std::string field_, const std::string& message)
      : std::runtime_error(message), code(std::move(code_)), field(std::move(field_)) {}
};

enum class Architecture { painn, distiller };
enum class RadialBasis { gaussian_half, gaussian_full, bessel };  // exp(-(d-o)^2/2w^2), exp(-(d-o)^2/w^2), sin(f d)/d
enum class Precision { f32, f64, mixed };  // mixed: on a GPU
enum class InstructionSet { plain, avx2, avx512 };

/// Sizes and constants of one force field (docs/formats.md).
struct Config {
  Architecture architecture;
  int features, layers, radial, max_z;
  double cutoff;  // Å
  RadialBasis basis;
  bool edge_at_cutoff;  // is a pair at exactly the cutoff an edge
  double norm_eps, direction_eps;
  bool shared_layers, shared_filters;
  std::vector<int> readout_widths;  // output width of each readout layer; the last is 1
  double energy_unit;               // eV per unit of the weights
};

/// Weights by the names of the model file, float64, row-major.
using Tensors = std::map<std::string, std::vector<double>>;

/// Ragged batch: structure s owns atoms offsets[s] .. offsets[s+1]-1.
struct Batch {
  std::span<const int32_t> numbers;   // (atoms)
  std::span<const double> positions;  // (atoms, 3) Å
  std::span<const int32_t> offsets;   // (structures + 1)
  std::span<const double> cells;      // (structures, 3, 3) rows are lattice vectors, Å
  std::span<const uint8_t> pbc;       // (structures, 3)
  int structures() const { return static_cast<int>(offsets.size()) - 1; }
  int atoms() const { return static_cast<int>(numbers.size()); }
};

struct Want {
  bool forces = true, stress = false;
};

/// Sized by the engine; eV, eV/Å, eV/Å^3. Constants (offsets, atom references) are not in here.
struct Evaluation {
  std::vector<double> net_energy;  // (structures)
  std::vector<double> forces;      // (atoms, 3) or empty
  std::vector<double> stress;      // (structures, 6) Voigt xx yy zz yz xz xy, or empty; zeros where the cell has no volume
  std::vector<double> energies;    // (atoms)
  std::vector<int32_t> edges;      // (structures) directed edges
};

/// How an engine works on a structure of so many atoms and pairs.
struct CpuPlan {
  InstructionSet instruction_set;
  int threads;
  bool filters_tabulated;
  int knots;
  bool activations_kept;
  double weight_bytes, scratch_bytes;
};
/// What the launcher of a CUDA engine goes by where several ways lead to the same result; which is fastest depends on the card (docs/kernels.md, tuning).
/// No bit depends on it.
struct CudaTuning {
  int resident_atoms = 64;   // of a batch: up to so many take the resident schedule, where it has room for them
  double spread_waves = 0;   // a tile of atoms is spread over a cluster of blocks up to so many tiles a multiprocessor,
  double small_waves = 1;    // then taken by one block of the small cut up to so many, then by one of the large cut, which has larger tiles
  bool early_launches = false;  // a kernel is on its way to the card while the one before it ends (programmatic dependent launch)
  int portion_atoms = 8192;  // a set of twice as many goes in portions of so many or more, which are copied while others are computed
  int chunk_steps = 128;     // of dynamics, at most, that are queued before the host looks at what they left
};
struct CudaPlan {
  std::string schedule;
  int tile;   // atoms of a block
  int knots;  // intervals of the table that filters come from; 0: they are computed
  double weight_bytes, scratch_bytes;
  CudaTuning tuning;
};
using Plan = std::variant<CpuPlan, CudaPlan>;

struct CpuOptions {
  Precision precision;
  int threads;
  InstructionSet instruction_set;
  double activation_bytes;  // above this the activations are recomputed, not kept
};

class KeptNeighbors;  // neighbors/kept.h
class Mover;          // run.h
struct Setup;

/// An evaluation of which an engine has been told, and that is computed beside what the host does. The engine and the batch outlive it.
class Begun {
 public:
  virtual ~Begun() = default;
  virtual bool is_done() = 0;
  /// Waits for it; once. Throws what evaluate throws.
  virtual void end(Evaluation& result) = 0;
};

/// One model on one device. Not reentrant: one call at a time.
class Engine {
 public:
  virtual ~Engine() = default;
  /// Throws InputError BAD_STRUCTURE (coincident atoms). Whether the results are finite is the caller's to check.
  /// `kept`: one for each structure whose neighbours are kept from call to call, or empty: every call searches anew. The same bits either way.
  virtual void evaluate(const Batch& batch, Want want, Evaluation& result, std::span<KeptNeighbors> kept = {}) = 0;
  /// The first half of evaluate, for another to be begun beside it: two may be under way, which are ended in the order in which they were begun before anything else is asked.
  /// Null: evaluate it, when nothing is under way. Throws what evaluate throws.
  virtual std::unique_ptr<Begun> begin(const Batch&, Want) { return nullptr; }
  virtual Plan plan(int atoms, int pairs) const = 0;
  /// What makes steps of such a run by itself, valid as long as the engine; null: the engine is asked for forces at each step.
  virtual Mover* mover(const Setup&) { return nullptr; }
};

}  // namespace painnless
