#pragma once
// Where the answer is put together (signatures.h, ResultArguments).
#include "prelude.cuh"

namespace painnless::cuda {

struct Answer {
  Sizes* sizes;
  double *energies, *stress;  // (structures), (structures, 6)
  int* edges;                 // (structures)
  double *atom_energies, *forces;
  __device__ Answer(unsigned char* begin, const Request& request) : sizes(reinterpret_cast<Sizes*>(begin)) {
    energies = reinterpret_cast<double*>(begin + (sizeof(Sizes) + 7) / 8 * 8);
    stress = energies + request.structures;
    edges = reinterpret_cast<int*>(stress + 6 * request.structures);
    atom_energies = reinterpret_cast<double*>(edges + (request.structures + 1) / 2 * 2);
    forces = atom_energies + request.atoms;
  }
};

}  // namespace painnless::cuda
