#include "neighbors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "engine.h"

namespace painnless {
namespace {

constexpr double margin = 1 + 1e-5;           // fractions are rounded; candidates are looked for a little farther than the cutoff
constexpr double max_images = 1e6;            // of one atom: a cell of 0.1 Å at a cutoff of 5 Å
constexpr size_t max_edges = size_t{1} << 28; // 17 GB; beyond it a list is a mistake, not a structure
constexpr size_t few_atoms = 64;              // up to here every pair is looked at
constexpr double max_squares = 1 << 30;       // along one axis, so that indices fit int32

[[noreturn]] void refuse(const char* field, const std::string& message) { throw InputError("BAD_STRUCTURE", field, message); }

}  // namespace

void NeighborSearch::search(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff,
                            bool edge_at_cutoff, NeighborList& list) {
  largest_ = largest_square(cutoff, edge_at_cutoff);
  basis_ = Basis(cell, pbc);
  set_reach(cutoff);
  list_translations();
  place(positions, basis_, placed_);
  fill_rows();
  found_count_ = 0;
  begin_.resize(placed_.size());
  end_.resize(placed_.size());
  for (const int32_t r : order_) find(rows_[r]);
  write(list);
}

/// What the cutoff spans along each axis; refuses a cell of which too many images fit into it.
void NeighborSearch::set_reach(double cutoff) {
  double images = 1;
  for (int k = 0; k < 3; k++) {
    reach_[k] = cutoff * margin * std::sqrt(dot(basis_.inverse[k], basis_.inverse[k]));
    if (basis_.periodic[k]) images *= 1 + 2 * reach_[k];
  }
  if (!(images <= max_images))
    refuse("cell", "the cell is too small or too flat: about " + std::to_string(std::llround(std::min(images, 1e18))) +
                       " images of it lie within the cutoff, the limit is 1e6");
}

/// Every translation that can bring two placed atoms within the cutoff, in ascending order.
void NeighborSearch::list_translations() {
  for (int k = 0; k < 3; k++) images_[k] = basis_.periodic[k] ? static_cast<int32_t>(1 + reach_[k]) : 0;
  translations_.clear();
  for (int32_t x = -images_[0]; x <= images_[0]; x++)
    for (int32_t y = -images_[1]; y <= images_[1]; y++)
      for (int32_t z = -images_[2]; z <= images_[2]; z++) {
        translations_.push_back({{x, y, z}, offset_of({x, y, z}, basis_)});
      }
}

/// Squares as wide as the cutoff along axis k, or one square for few atoms.
void NeighborSearch::divide(int k) {
  const bool few = placed_.size() <= few_atoms;
  double low = placed_[0].fraction[k], high = low;
  for (const Placed& p : placed_) low = std::min(low, p.fraction[k]), high = std::max(high, p.fraction[k]);
  Axis& axis = axes_[k];
  if (basis_.periodic[k]) {
    axis.origin = 0;
    const double finer = 1 / reach_[k] < 3 ? 2 : 1;  // in a small cell, smaller squares leave more of it out
    axis.count = few ? 1 : static_cast<int32_t>(std::clamp(finer / reach_[k], 1.0, max_squares));
    axis.width = 1.0 / axis.count;
    axis.reach = static_cast<int32_t>(few ? high - low + reach_[k] : std::ceil(reach_[k] / axis.width));
  } else {
    axis.origin = low;
    axis.count = 0;
    axis.width = few ? std::numeric_limits<double>::infinity() : std::max(reach_[k], (high - low) / max_squares);
    axis.reach = static_cast<int32_t>(std::ceil(reach_[k] / axis.width));
  }
}

/// Only squares that hold atoms exist, in a hash table: two atoms in a huge box cost two rows.
void NeighborSearch::fill_rows() {
  const size_t n = placed_.size();
  divide(0);
  divide(1);
  table_.assign(std::bit_ceil(2 * n), -1);
  rows_.clear();
  row_of_.resize(n);
  for (size_t i = 0; i < n; i++) {
    std::array<int32_t, 2> at;
    for (int k = 0; k < 2; k++) {
      at[k] = static_cast<int32_t>((placed_[i].fraction[k] - axes_[k].origin) / axes_[k].width);
      if (basis_.periodic[k]) at[k] = std::min(at[k], axes_[k].count - 1);
    }
    int32_t& slot = table_[slot_of(at[0], at[1])];
    if (slot < 0) {
      slot = static_cast<int32_t>(rows_.size());
      rows_.push_back({at[0], at[1], 0, 0});
    }
    row_of_[i] = slot;
    rows_[slot].end++;
  }
  order_.resize(rows_.size());
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) { return std::pair(rows_[a].x, rows_[a].y) < std::pair(rows_[b].x, rows_[b].y); });
  int32_t total = 0;
  for (const int32_t r : order_) {
    rows_[r].begin = total;
    total += std::exchange(rows_[r].end, total);
  }
  by_row_.resize(n);
  for (size_t i = 0; i < n; i++) by_row_[rows_[row_of_[i]].end++] = placed_[i];
  for (const Row& row : rows_)  // equal heights may come in any order: `write` sorts the senders
    std::sort(by_row_.begin() + row.begin, by_row_.begin() + row.end, [](const Placed& a, const Placed& b) {
      return a.fraction[2] < b.fraction[2];
    });
  for (auto* column : {&x_, &y_, &z_, &f_}) column->resize(n);
  atom_.resize(n);
  for (size_t i = 0; i < n; i++) {
    const Placed& p = by_row_[i];
    atom_[i] = p.atom;
    x_[i] = p.position[0], y_[i] = p.position[1], z_[i] = p.position[2], f_[i] = p.fraction[2];
  }
}

/// Where the hash table holds the row of this square, or the empty place for it.
size_t NeighborSearch::slot_of(int32_t x, int32_t y) const {
  const uint64_t key = static_cast<uint64_t>(static_cast<uint32_t>(x)) << 32 | static_cast<uint32_t>(y);
  const uint64_t mixed = key * 0x9E3779B97F4A7C15ull;
  size_t slot = mixed >> 32;
  while (true) {
    slot &= table_.size() - 1;
    if (table_[slot] < 0 || (rows_[table_[slot]].x == x && rows_[table_[slot]].y == y)) return slot;
    slot++;
  }
}

/// In ascending order of translations, so that for any one sender the images come in ascending order of their shifts.
void NeighborSearch::open_windows(const Row& row) {
  windows_.clear();
  const auto wrap = [](int32_t at, const Axis& axis, int32_t& shift) {
    if (axis.count > 0) shift = at >= 0 ? at / axis.count : -((axis.count - 1 - at) / axis.count);
    return at - shift * axis.count;
  };
  const auto [ax, ay] = axes_;
  for (int32_t dx = -ax.reach; dx <= ax.reach; dx++)
    for (int32_t dy = -ay.reach; dy <= ay.reach; dy++) {
      Shift s{};
      const int32_t x = wrap(row.x + dx, ax, s[0]), y = wrap(row.y + dy, ay, s[1]);
      const int32_t found = table_[slot_of(x, y)];
      if (found < 0) continue;
      const Row& other = rows_[found];
      int32_t low = 0, high = 0;
      if (basis_.periodic[2]) {
        low = static_cast<int32_t>(std::ceil(f_[row.begin] - f_[other.end - 1] - reach_[2]));
        high = static_cast<int32_t>(std::floor(f_[row.end - 1] - f_[other.begin] + reach_[2]));
      }
      const int32_t middle = ((s[0] + images_[0]) * (2 * images_[1] + 1) + s[1] + images_[1]) * (2 * images_[2] + 1) + images_[2];
      for (int32_t z = low; z <= high; z++) windows_.push_back({other.begin, other.begin, other.end, middle + z});
    }
}

/// All edges that the atoms of a row receive. The vector changes its sign exactly when the two atoms change places, so both directions of a
/// pair agree, to the last bit, on its length and on whether it is an edge.
void NeighborSearch::find(const Row& row) {
  open_windows(row);
  const double largest = largest_;
  for (int32_t a = row.begin; a < row.end; a++) {
    const double x = x_[a], y = y_[a], z = z_[a];
    double closest = std::numeric_limits<double>::infinity();
    size_t count = found_count_;
    for (Window& window : windows_) {
      const Translation& translation = translations_[window.translation];
      const double height = f_[a] - translation.steps[2], low = height - reach_[2], high = height + reach_[2];
      while (window.start < window.end && f_[window.start] < low) window.start++;
      window.stop = std::max(window.stop, window.start);
      while (window.stop < window.end && f_[window.stop] <= high) window.stop++;
      const size_t most = count + static_cast<size_t>(window.stop - window.start);
      if (found_.size() < most) found_.resize(4 * most);  // memory that is not written to costs nothing
      const double tx = translation.offset[0], ty = translation.offset[1], tz = translation.offset[2];
      const auto scan = [&](int32_t begin, int32_t end) {
        for (int32_t j = begin; j < end; j++) {  // no branch: one candidate in four is an edge, in no order
          const double rx = (x_[j] - x) + tx, ry = (y_[j] - y) + ty, rz = (z_[j] - z) + tz;
          const double square = rx * rx + ry * ry + rz * rz;
          closest = std::min(closest, square);
          found_[count] = {atom_[j], window.translation};
          count += square <= largest;
        }
      };
      if (a >= window.start && a < window.stop && translation.steps == Shift{}) {  // not itself
        scan(window.start, a);
        scan(a + 1, window.stop);
      } else {
        scan(window.start, window.stop);
      }
    }
    const int32_t receiver = by_row_[a].atom;
    if (closest < coincident_square) refuse_coincident(receiver);
    if (count > max_edges) refuse("positions", "more than 2^28 edges within the cutoff: the atoms are too dense or too many");
    begin_[receiver] = static_cast<int32_t>(found_count_);
    end_[receiver] = static_cast<int32_t>(count);
    found_count_ = count;
  }
}

void NeighborSearch::refuse_coincident(int32_t receiver) const {
  const Placed& i = placed_[receiver];
  for (const Placed& j : placed_)
    for (const Translation& t : translations_) {
      const Vector r = separation(i, j, t.offset);
      const bool itself = i.atom == j.atom, moved = t.steps != Shift{} || i.wrap != j.wrap;
      if (!(dot(r, r) < coincident_square) || (itself && !moved)) continue;
      const auto first = std::to_string(std::min(i.atom, j.atom)), second = std::to_string(std::max(i.atom, j.atom));
      refuse("positions", itself ? "atom " + first + " coincides with a periodic image of itself"
                                 : "atoms " + first + " and " + second + " coincide: less than 1e-6 Å apart" +
                                       (moved ? " through the periodic boundary" : ""));
    }
  refuse("positions", "atom " + std::to_string(i.atom) + " coincides with another");
}

}  // namespace painnless
