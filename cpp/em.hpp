// Expectation-maximisation with the same pass (Dempster, Laird & Rubin 1977).
#pragma once

#include "data_pass.hpp"
#include "penalty.hpp"

namespace mogfit {

// The M-step from the moments of the E-step at `mixture`:
//   w_k = S0_k / sum(S0),  mu_k += S1_k / S0_k,
//   Sigma_k = (S2_k - S0_k delta delta^T + 2 p n S) / (S0_k + 2 p n),  delta = S1_k / S0_k,
// with the penalty's pseudo-points. A component that no point belongs to (S0 = 0) keeps its place
// with weight 0. Throws DegenerateError when a covariance becomes singular.
PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments,
                         const Penalty& penalty);

struct EmResult {
  PreparedMixture mixture;
  double loglik;  // penalised, at the mixture before the last step
  int steps;
};

// Up to `steps` steps; ends early when the penalised log-likelihood gains less than
// `tolerance` * sum(s) in a step (a negative tolerance never does).
EmResult em_run(PreparedMixture mixture, const Points& points, const double* sample_weight,
                const Penalty& penalty, int steps, double tolerance, int threads,
                const StopRequested& stop = {});

}  // namespace mogfit
