// What was seen of a point tells the rest of it: regression, imputation, deconvolution.
#pragma once

#include <cstdint>
#include <vector>

#include "observations.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// E[x_i | seen] of U of the variables, in increasing order, into means (N x U), and Cov[x_i | seen]
// into covariances (N x U x U) unless null.
// With the responsibilities r_ik of what was seen, and m_ik and C_ik the mean and covariance of
// component k given it:  E = sum_k r_ik m_ik,
//   Cov = sum_k r_ik (C_ik + (m_ik - E) (m_ik - E)^T).
// Values seen without noise are given back as they are. NaN where the responsibilities are.
void posterior(const PreparedMixture& mixture, const Observations& observations,
               const std::vector<int>& variables, double* means, double* covariances, int threads,
               const StopRequested& stop = {});

// One draw from p(x_i | seen) for every row (N x V). Each row has a random stream of its own.
void posterior_draws(const PreparedMixture& mixture, const Observations& observations,
                     std::uint64_t seed, double* draws, int threads,
                     const StopRequested& stop = {});

}  // namespace mogfit
