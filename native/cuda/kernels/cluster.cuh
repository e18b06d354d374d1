#pragma once
// Blocks that run at once and pass numbers to each other: within a cluster from shared memory to shared memory, between clusters by mail in global
// memory. Who waits too long for what may not come gives up and says so: nothing may hang a card. emulator/cluster.h has the same for a host compiler.
#include "prelude.cuh"

#if !defined(__CUDACC__)
#include "../emulator/cluster.h"
#else
namespace painnless::cuda {

/// Counts what arrives in a block's shared memory: it is complete when all who were to announce or end something have, and as many bytes have come as were announced.
struct alignas(8) Arrivals {
  unsigned long long state;
};

/// A cell of mail: three numbers and the turn they belong to, which come and go as one.
struct alignas(16) Letter {
  real v[3];
  unsigned turn;
};

__device__ unsigned shared_address(const void* at) { return static_cast<unsigned>(__cvta_generic_to_shared(at)); }
__device__ unsigned address_in(const void* at, unsigned block) {
  unsigned there;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(shared_address(at)), "r"(block));
  return there;
}

__device__ void arrive_at_cluster() { asm volatile("barrier.cluster.arrive.release.aligned;" ::: "memory"); }
/// Where nothing but cleared counters is to be seen by who waits.
__device__ void arrive_at_cluster_unseen() { asm volatile("barrier.cluster.arrive.relaxed.aligned;" ::: "memory"); }
__device__ void wait_for_cluster() { asm volatile("barrier.cluster.wait.acquire.aligned;" ::: "memory"); }
/// The first `threads` of a block meet.
__device__ void meet_first(int threads) { asm volatile("bar.sync 1, %0;" ::"r"(threads) : "memory"); }

__device__ void clear(Arrivals& arrivals, unsigned expected) { asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(shared_address(&arrivals)), "r"(expected) : "memory"); }
/// After clear, before anything may arrive.
__device__ void publish_arrivals() { asm volatile("fence.mbarrier_init.release.cluster;\nfence.proxy.async.shared::cta;" ::: "memory"); }
__device__ void announce(Arrivals& arrivals, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(shared_address(&arrivals)), "r"(bytes) : "memory");
}
/// What this thread has written can be seen by those who wait.
__device__ void arrive(Arrivals& arrivals) { asm volatile("mbarrier.arrive.shared.b64 _, [%0];" ::"r"(shared_address(&arrivals)) : "memory"); }
__device__ bool complete(const Arrivals& arrivals, unsigned parity) {
  unsigned done;
  asm volatile(
      "{\n.reg .pred p;\nmbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
      : "=r"(done)
      : "r"(shared_address(&arrivals)), "r"(parity)
      : "memory");
  return done != 0;
}

/// Without patience: for what is sent by who runs at the same time and waits for nobody else, as at a barrier.
__device__ void await(Arrivals& arrivals, unsigned parity) {
  while (!complete(arrivals, parity)) {
  }
}

/// Into another block of the cluster (or this one): `to` and `arrivals` are this block's own addresses of the places meant.
__device__ void send(real* to, unsigned block, const Pack<4>& value, Arrivals& arrivals) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.f32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(address_in(to, block)),
               "f"(value.v[0]), "f"(value.v[1]), "f"(value.v[2]), "f"(value.v[3]), "r"(address_in(&arrivals, block))
               : "memory");
}
__device__ void send(real* to, unsigned block, const Pack<2>& value, Arrivals& arrivals) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v2.f32 [%0], {%1, %2}, [%3];" ::"r"(address_in(to, block)), "f"(value.v[0]),
               "f"(value.v[1]), "r"(address_in(&arrivals, block))
               : "memory");
}
/// A stretch of global memory into this block's; both whole packs of four.
__device__ void bring(real* to, const real* from, unsigned bytes, Arrivals& arrivals) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(shared_address(to)),
               "l"(__cvta_generic_to_global(from)), "r"(bytes), "r"(shared_address(&arrivals))
               : "memory");
}

__device__ void post(Letter* to, real a, real b, real c, unsigned turn) {
  asm volatile("st.relaxed.gpu.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)), "f"(a), "f"(b), "f"(c), "f"(__uint_as_float(turn))
               : "memory");
}
__device__ Letter look(const Letter* at) {
  float a, b, c, turn;
  asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];" : "=f"(a), "=f"(b), "=f"(c), "=f"(turn) : "l"(__cvta_generic_to_global(at)) : "memory");
  return {{a, b, c}, __float_as_uint(turn)};
}

__device__ unsigned long long nanoseconds() {
  unsigned long long now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
}
constexpr unsigned long long patience = 4'000'000'000ull;  // nanoseconds; an evaluation takes some 40,000

/// Until ready(): false where that does not come, or somebody has given up already.
template <class Ready> __device__ bool wait_until(Ready ready, int* given_up) {
  unsigned long long begin = 0;
  for (unsigned tries = 1; !ready(); tries++) {
    if (tries % 4096 != 0) continue;
    if (begin == 0) begin = nanoseconds();
    if (nanoseconds() - begin > patience) atomicExch(given_up, 1);
    if (*static_cast<volatile int*>(given_up) != 0) return false;
  }
  return true;
}

}  // namespace painnless::cuda
#endif
