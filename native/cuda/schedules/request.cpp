#include "request.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "../../neighbors.h"
#include "../../neighbors/basis.h"
#include "../kernels/shapes.h"

namespace painnless::cuda {
namespace {

constexpr double margin = 1 + 1e-5;      // fractions are rounded; candidates are looked for a little farther than the cutoff
constexpr double most_images = 1e6;      // of one atom
constexpr double most_bins = 1 << 20;    // along an axis

constexpr int few_open_atoms = 256;      // sooner looked at pair by pair than put into bins, where there are no images

bool has_few_atoms(const Batch& batch, int s) {
  const auto pbc = batch.pbc.subspan(3 * static_cast<size_t>(s), 3);
  const bool open = std::none_of(pbc.begin(), pbc.end(), [](uint8_t axis) { return axis != 0; });
  return batch.offsets[s + 1] - batch.offsets[s] <= (open ? few_open_atoms : few_atoms);
}

size_t whole(size_t bytes) { return (bytes + 7) / 8 * 8; }

/// Each word comes as one, whichever came before it: of a double both halves are asked for, as nobody promises that they come together.
bool have_come(const std::byte* begin, size_t bytes) {
  const auto* words = reinterpret_cast<const volatile uint32_t*>(begin);
  for (size_t k = 0; k < bytes / sizeof(uint32_t); k++)
    if (words[k] == static_cast<uint32_t>(-1)) return false;
  return true;
}

void search_on_host(const Batch& batch, int s, double cutoff, bool edge_at_cutoff) {
  NeighborSearch search;
  NeighborList list;
  const size_t first = static_cast<size_t>(batch.offsets[s]), count = static_cast<size_t>(batch.offsets[s + 1]) - first;
  search.search(batch.positions.subspan(3 * first, 3 * count), batch.cells.subspan(9 * static_cast<size_t>(s), 9),
                batch.pbc.subspan(3 * static_cast<size_t>(s), 3), cutoff, edge_at_cutoff, list);
}

/// The normals' Gram matrix has eigenvalues of up to 1 + the largest sum of the cosines in a row, and what is bounded goes by its inverse.
float nearness(const Basis& basis) {
  double most = 0;
  for (int k = 0; k < 3; k++) {
    double sum = 0;
    for (int l = 0; l < 3; l++)
      if (l != k) sum += std::abs(dot(basis.inverse[k], basis.inverse[l])) / std::sqrt(dot(basis.inverse[k], basis.inverse[k]) * dot(basis.inverse[l], basis.inverse[l]));
    most = std::max(most, sum);
  }
  return static_cast<float>(1 / (1 + most));
}

Structure describe(const Batch& batch, int s, double cutoff, bool edge_at_cutoff) {
  const auto cell = batch.cells.subspan(9 * static_cast<size_t>(s), 9);
  const Basis basis(cell, batch.pbc.subspan(3 * static_cast<size_t>(s), 3));
  Structure out{};
  double images = 1;
  for (int k = 0; k < 3; k++) {
    for (int c = 0; c < 3; c++) {
      out.lattice[3 * k + c] = basis.lattice[k][c];
      out.inverse[3 * k + c] = basis.inverse[k][c];
    }
    out.reach[k] = cutoff * margin * std::sqrt(dot(basis.inverse[k], basis.inverse[k]));
    if (!basis.periodic[k]) continue;
    images *= 1 + 2 * out.reach[k];
    out.images[k] = static_cast<int>(1 + std::min(out.reach[k], most_images));
    out.bins[k] = static_cast<int>(std::clamp(1 / out.reach[k], 1.0, most_bins));
  }
  if (!(images <= most_images)) search_on_host(batch, s, cutoff, edge_at_cutoff);  // which refuses such a cell
  out.volume = cell_volume(cell);
  out.first = batch.offsets[s];
  out.atoms = batch.offsets[s + 1] - batch.offsets[s];
  out.few = has_few_atoms(batch, s);
  if (!out.few) out.nearness = nearness(basis);
  return out;
}

}  // namespace

size_t request_bytes(int atoms, int structures) {
  return positions_at(structures) + whole((3 * sizeof(double) + sizeof(int)) * static_cast<size_t>(atoms));
}

size_t answer_bytes(int atoms, int structures) {
  return forces_at(atoms, structures) + 3 * sizeof(double) * static_cast<size_t>(atoms);
}

size_t positions_at(int structures) { return sizeof(Request) + sizeof(Structure) * static_cast<size_t>(structures); }

size_t energies_at() { return whole(sizeof(Sizes)); }

size_t forces_at(int atoms, int structures) {
  const size_t s = static_cast<size_t>(structures);
  return energies_at() + 7 * sizeof(double) * s + whole(sizeof(int) * s) + sizeof(double) * static_cast<size_t>(atoms);
}

void write_request(const Batch& batch, double cutoff, bool edge_at_cutoff, double nearest, std::byte* to) {
  // A little more than the CPU's guard asks: it may look twice, and must not be late.
  const Request request{batch.atoms(), batch.structures(), nearest > 0 ? nearest * nearest * (1 + 1e-12) : -1};
  std::memcpy(to, &request, sizeof request);
  to += sizeof request;
  for (int s = 0; s < batch.structures(); s++, to += sizeof(Structure)) {
    const Structure structure = describe(batch, s, cutoff, edge_at_cutoff);
    std::memcpy(to, &structure, sizeof structure);
  }
  std::memcpy(to, batch.positions.data(), batch.positions.size_bytes());
  to += batch.positions.size_bytes();
  std::memcpy(to, batch.numbers.data(), batch.numbers.size_bytes());
}

bool needs_bins(const Batch& batch) {
  for (int s = 0; s < batch.structures(); s++)
    if (!has_few_atoms(batch, s)) return true;
  return false;
}

Sizes sizes_of_answer(const std::byte* answer) {
  Sizes sizes;
  std::memcpy(&sizes, answer, sizeof sizes);
  return sizes;
}

bool is_whole(const std::byte* answer, int atoms, int structures, bool forces) {
  const size_t end = forces ? answer_bytes(atoms, structures) : forces_at(atoms, structures);
  const bool all = have_come(answer, sizeof(Sizes)) && have_come(answer + energies_at(), end - energies_at()) &&
                   !(reinterpret_cast<const volatile Sizes*>(answer)->status & unfinished);
  std::atomic_thread_fence(std::memory_order_acquire);  // before they are read
  return all;
}

void make_room(Evaluation& result, Want want, int atoms, int structures) {
  const size_t n = static_cast<size_t>(atoms), s = static_cast<size_t>(structures);
  result.net_energy.resize(s);
  result.stress.resize(want.stress ? 6 * s : 0);
  result.edges.resize(s);
  result.energies.resize(n);
  result.forces.resize(want.forces ? 3 * n : 0);
}

void read_answer(const std::byte* answer, Want want, int atoms, int structures, Evaluation& result, int first_atom, int first_structure) {
  const std::byte* at = answer + energies_at();
  const auto read = [&](auto& into, size_t first, size_t count, bool wanted) {
    using Value = typename std::remove_reference_t<decltype(into)>::value_type;
    if (wanted) std::memcpy(into.data() + first, at, count * sizeof(Value));
    at += whole(count * sizeof(Value));
  };
  const size_t n = static_cast<size_t>(atoms), s = static_cast<size_t>(structures);
  const size_t i = static_cast<size_t>(first_atom), k = static_cast<size_t>(first_structure);
  read(result.net_energy, k, s, true);
  read(result.stress, 6 * k, 6 * s, want.stress);
  read(result.edges, k, s, true);
  read(result.energies, i, n, true);
  read(result.forces, 3 * i, 3 * n, want.forces);
}

void refuse(const Batch& batch, double cutoff, bool edge_at_cutoff, int status) {
  for (int s = 0; s < batch.structures(); s++) search_on_host(batch, s, cutoff, edge_at_cutoff);
  throw std::logic_error("the card's neighbour search reported trouble " + std::to_string(status) + " where the CPU's found none");
}

}  // namespace painnless::cuda
