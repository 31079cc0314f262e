// One pass over the data with the mixture held fixed: everything a fit needs.
#pragma once

#include <vector>

#include "observations.hpp"
#include "packing.hpp"
#include "prepared_mixture.hpp"
#include "scatter.hpp"
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

// Of points of which only a part was seen the sums are expectations: with y_ik = x_i - mu_k,
//   s1_k = sum_i s_i r_ik E[y_ik | seen],  s2_k = sum_i s_i r_ik E[y_ik y_ik^T | seen].
// By Fisher's identity they lead to the gradient and to the step of EM in the same way.
//
// The diagonal of S2 alone is the cheaper the more variables there are; the log-likelihood has the
// same bits.
//
// Rows are cut into chunks that depend on their number, K and d alone, a chunk adds its blocks in
// order and chunks are combined pairwise, so the result has the same bits for any number of
// threads. A point that is not finite makes loglik NaN (NaN) or -inf (+-inf) and adds nothing to
// the moments.
Moments data_pass(const PreparedMixture& mixture, const Observations& observations, int threads,
                  const StopRequested& stop = {}, Scatter scatter = Scatter::kFull);

// The log-likelihood alone: the same bits as data_pass gives, but for those of noise.
double log_likelihood(const PreparedMixture& mixture, const Observations& observations, int threads,
                      const StopRequested& stop = {});

}  // namespace mogfit
