// The two sweeps over one block of points, for every dimension: exponents, then moments.
//
// Up to kMaxUnrolled variables the dimension is a template parameter and every small loop unrolls;
// beyond, register-tiled triangular products take over. Both stream through the components while
// the block's points stay in the first-level cache.
#pragma once

#include <cstddef>

#include "points.hpp"
#include "prepared_mixture.hpp"
#include "scatter.hpp"

namespace mogfit {

struct BlockKernel {
  int nvars = 0;
  int registers_per_step = 1;    // registers each step of log_joint fills
  std::size_t workspace = 0;     // doubles of scratch both sweeps need
  std::size_t accumulators = 0;  // doubles of running moments for one component

  // exponents[k * kColumn + i] = log2 w_k N_k(x_i) and largest[i] = max_k of it, for the first
  // `registers` registers of points of the block x.
  void (*log_joint)(const PreparedMixture& mixture, const double* x, int registers,
                    double* exponents, double* largest, double* workspace) = nullptr;

  // Once per block, before `accumulate`.
  void (*arrange)(const PreparedMixture& mixture, const double* x, int registers,
                  double* workspace) = nullptr;

  // Adds to the running moments of component k: point i counts relative[i] * factor[i].
  void (*accumulate)(const PreparedMixture& mixture, int k, const double* x, int registers,
                     const double* relative, const double* factor, double* moments,
                     double* workspace) = nullptr;

  // Running moments -> S0, S1, S2 (packed_moments doubles of the scatter asked for).
  void (*reduce)(int nvars, const double* moments, double* packed) = nullptr;

  // Registers that hold `rows` points, rounded up to whole steps.
  int registers_for(int rows) const {
    const int step = registers_per_step * kNativeDoubles;
    return (rows + step - 1) / step * registers_per_step;
  }
};

// The fastest for these components and the moments wanted of them.
BlockKernel block_kernel(const PreparedMixture& mixture, Scatter scatter);
BlockKernel unrolled_kernel(int nvars);
BlockKernel tiled_kernel(int nvars);

// Replaces the sweep over exponents by one that reads diagonal whitening matrices, and the sweep
// over moments by one that sums the diagonal of S2 only.
void use_diagonal_densities(BlockKernel& kernel);
void use_diagonal_scatter(BlockKernel& kernel);

}  // namespace mogfit
