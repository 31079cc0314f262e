// Densities of the mixture and of its components at many points.
#pragma once

#include "observations.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// Of points of which only a part was seen, or through noise, the densities are those of what was
// seen; weights do not count.

// out[i] = log p(x_i), or p(x_i). NaN where a coordinate is NaN, -inf (0) where one is infinite.
enum class DensityKind { kLog, kLinear };
void density(const PreparedMixture& mixture, const Observations& observations, DensityKind kind,
             double* out, int threads, const StopRequested& stop = {});

// out[i * K + k] = log N(x_i; mu_k, Sigma_k), without the weight.
void component_log_density(const PreparedMixture& mixture, const Observations& observations,
                           double* out, int threads, const StopRequested& stop = {});

// out[i * K + k] = w_k N_k(x_i) / p(x_i); rows sum to 1. NaN where a coordinate is not finite, or
// so far away that every component's density overflows the exponent of its logarithm.
void responsibilities(const PreparedMixture& mixture, const Observations& observations, double* out,
                      int threads, const StopRequested& stop = {});

}  // namespace mogfit
