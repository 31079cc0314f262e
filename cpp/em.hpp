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
//
// Truncated to a box, with m1 = E_k[y] and M2 = E_k[y y^T] there and a step length t in [Z_k, 1]:
//   delta = t (S1_k / S0_k - m1),  Sigma_k += t (S2_k / S0_k - M2) - delta delta^T.
// t = Z_k is EM with the points that fell outside the box as missing data, and never lowers the
// likelihood; t = 1 is the fixed-point step of Lee & Scott (2012), faster when much is outside.
enum class StepLength { kFull, kMonotone };
PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments,
                         const Penalty& penalty, StepLength length = StepLength::kFull);

// A full step, or a monotone one where a full one leaves the positive definite matrices.
PreparedMixture em_step(const PreparedMixture& mixture, const Moments& moments,
                        const Penalty& penalty);

struct EmResult {
  PreparedMixture mixture;
  double loglik;  // penalised, at the mixture before the last step
  int steps;
};

// Up to `steps` steps; ends early when the penalised log-likelihood gains less than
// `tolerance` * sum(s) in a step (a negative tolerance never does). A full step of a truncated
// mixture that lowers the likelihood is taken back and replaced by a monotone one.
EmResult em_run(PreparedMixture mixture, const Observations& observations, const Penalty& penalty,
                int steps, double tolerance, int threads, const StopRequested& stop = {});

}  // namespace mogfit
