#include "portions.h"

#include <algorithm>

#include "launcher.h"

namespace painnless::cuda {

Portion::Portion(const Batch& whole, int first, int last) : place{first, whole.offsets[static_cast<size_t>(first)]} {
  const auto s = static_cast<size_t>(first), structures = static_cast<size_t>(last - first), begin = static_cast<size_t>(place.atom),
             atoms = static_cast<size_t>(whole.offsets[static_cast<size_t>(last)]) - begin;
  of_whole_ = {whole.numbers.subspan(begin, atoms), whole.positions.subspan(3 * begin, 3 * atoms), {}, whole.cells.subspan(9 * s, 9 * structures),
               whole.pbc.subspan(3 * s, 3 * structures)};
  for (const int32_t offset : whole.offsets.subspan(s, structures + 1)) offsets_.push_back(offset - place.atom);
}

std::vector<Portion> portions_of(const Batch& batch, int least) {
  const int64_t count = std::max(1, batch.atoms() / least);
  std::vector<Portion> portions;
  for (int first = 0, last = 1; last <= batch.structures(); last++) {
    const int64_t here = static_cast<int64_t>(portions.size()) + 1;
    if (last < batch.structures() && (here == count || batch.offsets[static_cast<size_t>(last)] * count < batch.atoms() * here)) continue;
    portions.emplace_back(batch, first, last);
    first = last;
  }
  return portions;
}

/// Fewer than two: it goes in one.
template <class Real> std::vector<Portion> Launcher<Real>::cut(const Batch& batch) const {
  return batch.structures() == 1 || batch.atoms() / 2 < shape_.tuning.portion_atoms ? std::vector<Portion>() : portions_of(batch, shape_.tuning.portion_atoms);
}

/// While one portion is computed, the host reads the answer of the one before, and writes the request of the next.
template <class Real>
void Launcher<Real>::answer_in_portions(const Batch& whole, const std::vector<Portion>& portions, Want want, Evaluation& result, Trace* trace) {
  int atoms = 0, structures = 0;
  for (const Portion& each : portions) atoms = std::max(atoms, each.batch().atoms()), structures = std::max(structures, each.batch().structures());
  reserve(capacity_for(atoms, structures));
  courier_.reserve(request_bytes(atoms, structures), answer_bytes(atoms, structures));
  const auto read = [&](size_t k, const Errand& errand) {
    const std::byte* answer = await(errand);
    const double begin = trace ? trace->now() : 0;
    read_answer(answer, want, errand.batch.atoms(), errand.batch.structures(), result, portions[k].place.atom, portions[k].place.structure);
    if (trace) (*trace)[k].read = {begin, trace->now()};
  };

  turn_ = 0;  // so that a portion's turn is its number
  Errand before = carry(portions[0].batch(), steps_for(want), trace);
  make_room(result, want, whole.atoms(), whole.structures());  // takes its time, which the card has something to do in
  for (size_t k = 1; k < portions.size(); k++) {
    const Errand next = carry(portions[k].batch(), steps_for(want), trace);
    read(k - 1, before);
    before = next;
  }
  read(portions.size() - 1, before);
}

template <class Real> std::vector<CudaProfile::Portion> Launcher<Real>::trace_portions(const Batch& batch, Want want, int rounds) {
  const auto portions = cut(batch);
  if (portions.size() <= 1) return {};
  std::vector<std::vector<CudaProfile::Portion>> traces;
  for (int round = -1; round < rounds; round++) {  // the first takes memory and records
    Evaluation result;
    Trace trace(*device_, portions.size());
    answer_in_portions(batch, portions, want, result, &trace);
    if (round >= 0) traces.push_back(trace.portions());
  }
  const auto middle = traces.begin() + rounds / 2;
  std::nth_element(traces.begin(), middle, traces.end(), [](const auto& a, const auto& b) { return a.back().read.end < b.back().read.end; });
  for (size_t k = 0; k < portions.size(); k++) (*middle)[k].structures = portions[k].batch().structures(), (*middle)[k].atoms = portions[k].batch().atoms();
  return *middle;
}

template std::vector<Portion> Launcher<float>::cut(const Batch&) const;
template std::vector<Portion> Launcher<double>::cut(const Batch&) const;
template void Launcher<float>::answer_in_portions(const Batch&, const std::vector<Portion>&, Want, Evaluation&, Trace*);
template void Launcher<double>::answer_in_portions(const Batch&, const std::vector<Portion>&, Want, Evaluation&, Trace*);
template std::vector<CudaProfile::Portion> Launcher<float>::trace_portions(const Batch&, Want, int);
template std::vector<CudaProfile::Portion> Launcher<double>::trace_portions(const Batch&, Want, int);

}  // namespace painnless::cuda
