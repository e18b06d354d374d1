#pragma once
// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011): four random words as a function of a counter and a key. Read by the host's compiler and
// by NVRTC, as all of formulas/ is: plain types, no headers but those of mathematics.
#if defined(__CUDACC__)
#define FORMULA __device__ inline
#else
#include <cmath>
#define FORMULA inline
#endif

namespace painnless {

struct PhiloxCounter {
  unsigned word[4];
};
struct PhiloxKey {
  unsigned word[2];
};

FORMULA PhiloxCounter philox(PhiloxCounter counter, PhiloxKey key) {
  unsigned(&c)[4] = counter.word;
  unsigned(&k)[2] = key.word;
  for (int round = 0; round < 10; round++) {
    const unsigned long long even = 0xD2511F53ull * c[0], odd = 0xCD9E8D57ull * c[2];
    c[0] = static_cast<unsigned>(odd >> 32) ^ c[1] ^ k[0];
    c[1] = static_cast<unsigned>(odd);
    c[2] = static_cast<unsigned>(even >> 32) ^ c[3] ^ k[1];
    c[3] = static_cast<unsigned>(even);
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return counter;
}

}  // namespace painnless
