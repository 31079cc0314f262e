// Expectation-maximisation with the same pass (Dempster, Laird & Rubin 1977).
#pragma once

#include <limits>
#include <vector>

#include "data_pass.hpp"
#include "model.hpp"

namespace mogfit {

// The M-step from the moments of the E-step at `mixture`:
//   w_k = S0_k / sum(S0),  mu_k += S1_k / S0_k,
//   Sigma_k = (S2_k - S0_k delta delta^T) / S0_k,  delta = S1_k / S0_k,
// then the member of the model's family nearest to these covariances. Prior and penalty add points
// of their own: a_k - 1 to S0_k in the weights, kappa at m to the means, and scatter matrices. A
// component that no point belongs to (S0 = 0) keeps its place with weight 0; what the model holds
// stays. Throws DegenerateError when a covariance becomes singular.
//
// Truncated to a box, with m1 = E_k[y] and M2 = E_k[y y^T] there and a step length t in [Z_k, 1]:
//   delta = t (S1_k / S0_k - m1),  Sigma_k += t (S2_k / S0_k - M2) - delta delta^T.
// t = Z_k is EM with the points that fell outside the box as missing data, and never lowers the
// likelihood; t = 1 is the fixed-point step of Lee & Scott (2012), faster when much is outside.
enum class StepLength { kFull, kMonotone };
PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments, const Model& model,
                         StepLength length = StepLength::kFull);

// A full step, or a monotone one where a full one leaves the positive definite matrices.
PreparedMixture em_step(const PreparedMixture& mixture, const Moments& moments, const Model& model);

struct EmResult {
  PreparedMixture mixture;
  // With what the model adds, at the mixture before each step.
  std::vector<double> logliks;

  double loglik() const { return logliks.back(); }
  int steps() const { return static_cast<int>(logliks.size()); }
};

// Up to `steps` steps, one at least; ends early when a step changes what is maximised by less than
// `tolerance` * sum(s) (a negative tolerance never does), the first one seen from `previous`. A
// full step of a truncated mixture that lowers the likelihood is taken back and replaced by a
// monotone one.
EmResult em_run(PreparedMixture mixture, const Observations& observations, const Model& model,
                int steps, double tolerance, int threads, const StopRequested& stop = {},
                double previous = -std::numeric_limits<double>::infinity());

}  // namespace mogfit
