#include "em.hpp"

#include <cmath>
#include <limits>
#include <optional>

#include "errors.hpp"
#include "pullback.hpp"

namespace mogfit {

PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments,
                         const Penalty& penalty, StepLength length) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const double pseudo = penalty.pseudo_points();
  const Vector weights = moments.s0 / moments.s0.sum();
  Matrix means = mixture.means();
  std::vector<double> covariances(static_cast<std::size_t>(ngauss) * nvars * nvars);
  for (int k = 0; k < ngauss; ++k) {
    Eigen::Map<Matrix> covariance(covariances.data() + static_cast<std::size_t>(k) * nvars * nvars,
                                  nvars, nvars);
    const double count = moments.s0[k];
    if (!(count > 0.0)) {
      covariance = mixture.covariance(k);
      continue;
    }
    const bool shorter = mixture.truncation() && length == StepLength::kMonotone;
    const double t = shorter ? std::exp(mixture.box(k).log_probability) : 1.0;
    const Vector shift = t * first_moment(mixture, moments, k) / count;
    means.row(k) += shift.transpose();
    covariance = t * second_moment(mixture, moments, k) - count * shift * shift.transpose();
    if (shorter) covariance += count * (1.0 - t) * mixture.covariance(k);
    // Of count / t points in all, those outside the box included.
    if (pseudo > 0.0) covariance += t * pseudo * penalty.reference;
    covariance /= count + t * pseudo;
    // Rounding differs between the triangles, and cancellation could make it show.
    covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
  }
  return PreparedMixture::from_covariances(ngauss, nvars, weights.data(), means.data(),
                                           covariances.data(), mixture.truncation());
}

PreparedMixture em_step(const PreparedMixture& mixture, const Moments& moments,
                        const Penalty& penalty) {
  if (!mixture.truncation()) return maximise(mixture, moments, penalty);
  try {
    return maximise(mixture, moments, penalty);
  } catch (const DegenerateError&) {
    return maximise(mixture, moments, penalty, StepLength::kMonotone);
  }
}

EmResult em_run(PreparedMixture mixture, const Observations& observations, const Penalty& penalty,
                int steps, double tolerance, int threads, const StopRequested& stop) {
  struct Visited {
    PreparedMixture mixture;
    Moments moments;
  };
  std::optional<Visited> before;  // of the last full step of a truncated mixture
  double previous = -std::numeric_limits<double>::infinity();
  int done = 0;
  while (done < steps) {
    Moments moments = data_pass(mixture, observations, threads, stop);
    const double loglik = moments.loglik - penalty.value(mixture);
    if (!std::isfinite(loglik)) throw InputError("data: the log-likelihood is not finite");
    ++done;
    if (before && loglik < previous) {
      mixture = maximise(before->mixture, before->moments, penalty, StepLength::kMonotone);
      before.reset();
      continue;
    }
    const bool small_gain = loglik - previous < tolerance * moments.s0.sum();
    previous = loglik;
    PreparedMixture next = em_step(mixture, moments, penalty);
    if (mixture.truncation()) before = Visited{std::move(mixture), std::move(moments)};
    mixture = std::move(next);
    if (small_gain) break;
  }
  return {std::move(mixture), previous, done};
}

}  // namespace mogfit
