// One pass over the data with the mixture held fixed: everything a fit needs.
#pragma once

#include <vector>

#include "packing.hpp"
#include "points.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// With sample weights s_i and responsibilities r_ik = w_k N_k(x_i) / p(x_i), y_ik = x_i - mu_k:
//   loglik = sum_i s_i log p(x_i),
//   s0_k = sum_i s_i r_ik,  s1_k = sum_i s_i r_ik y_ik,  s2_k = sum_i s_i r_ik y_ik y_ik^T.
// Additive over chunks of the data. Centred at the component's mean: nothing cancels.
struct Moments {
  double loglik = 0.0;
  Vector s0;
  Matrix s1;
  std::vector<Matrix> s2;
};

// sample_weight: n values >= 0, contiguous, or null for ones; a point of weight 0 counts as absent.
// Rows are cut into chunks that depend on n, K and d alone, a chunk adds its blocks in order and
// chunks are combined pairwise, so the result has the same bits for any number of threads.
// A point that is not finite makes loglik NaN (NaN) or -inf (+-inf) and adds nothing to the
// moments.
Moments data_pass(const PreparedMixture& mixture, const Points& points, const double* sample_weight,
                  int threads, const StopRequested& stop = {});

// The log-likelihood alone, the same bits as data_pass gives.
double log_likelihood(const PreparedMixture& mixture, const Points& points,
                      const double* sample_weight, int threads, const StopRequested& stop = {});

}  // namespace mogfit
