// What a search found, brought into the order of a list.
#include "../neighbors.h"

#include <algorithm>

namespace painnless {
namespace {

constexpr int32_t ahead = 8;  // edges for which memory is asked in advance

}  // namespace

/// The list is its own transpose: reading the finds sender by sender puts each receiver's edges in order of their senders, without a sort.
/// Reading each atom's finds backwards puts the images, whose shifts change sign, in order too.
void NeighborSearch::transpose(Column<int32_t>& first) {
  const size_t n = placed_.size();
  first.resize(n + 1);
  first[0] = 0;
  for (size_t i = 0; i < n; i++) first[i + 1] = first[i] + end_[i] - begin_[i];
  sorted_.resize(found_count_);
  cursor_.assign(first.begin(), first.end() - 1);
  const int32_t last = static_cast<int32_t>(translations_.size()) - 1;
  for (size_t s = 0; s < n; s++)
    for (int32_t u = end_[s] - 1; u >= begin_[s]; u--) {
      if (u >= begin_[s] + ahead) __builtin_prefetch(&sorted_[cursor_[found_[u - ahead].sender]], 1);
      sorted_[cursor_[found_[u].sender]++] = {static_cast<int32_t>(s), last - found_[u].translation};
    }
}

void NeighborSearch::write(NeighborList& list) {
  transpose(list.first);
  for (auto* column : {&list.receivers, &list.senders, &list.reverse}) column->resize(found_count_);
  list.shifts.resize(3 * found_count_);
  list.vectors.resize(3 * found_count_);
  for (const Placed& receiver : placed_)
    for (int32_t e = list.first[receiver.atom]; e < list.first[receiver.atom + 1]; e++) {
      if (static_cast<size_t>(e) + ahead < found_count_) __builtin_prefetch(&placed_[sorted_[e + ahead].sender]);
      const Placed& sender = placed_[sorted_[e].sender];
      const Translation& translation = translations_[sorted_[e].translation];
      list.receivers[e] = receiver.atom;
      list.senders[e] = sender.atom;
      for (int c = 0; c < 3; c++) {
        list.shifts[3 * e + c] = translation.steps[c] - sender.wrap[c] + receiver.wrap[c];
      }
      const Vector r = separation(receiver, sender, translation.offset);
      std::copy(r.begin(), r.end(), &list.vectors[3 * static_cast<size_t>(e)]);
    }
  find_reverse(list);
}

/// Receivers come in ascending order, so the reverse of an edge is the first one of its sender not yet met; the images of one pair come in
/// the opposite order on the other side.
void NeighborSearch::find_reverse(NeighborList& list) {
  cursor_.assign(list.first.begin(), list.first.end() - 1);
  for (size_t i = 0; i < placed_.size(); i++)
    for (int32_t e = list.first[i]; e < list.first[i + 1];) {
      const int32_t sender = list.senders[e];
      int32_t next = e + 1;
      while (next < list.first[i + 1] && list.senders[next] == sender) next++;
      for (int32_t k = e; k < next; k++) list.reverse[k] = cursor_[sender] + (next - 1 - k);
      cursor_[sender] += next - e;
      e = next;
    }
}

}  // namespace painnless
