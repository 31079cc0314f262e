#include "em.hpp"

#include <cmath>
#include <limits>

#include "errors.hpp"

namespace mogfit {

PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments,
                         const Penalty& penalty) {
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
    const Vector shift = moments.s1.row(k).transpose() / count;
    means.row(k) += shift.transpose();
    covariance = moments.s2[k] - count * shift * shift.transpose();
    if (pseudo > 0.0) covariance += pseudo * penalty.reference;
    covariance /= count + pseudo;
    // Rounding differs between the triangles, and cancellation could make it show.
    covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
  }
  return PreparedMixture::from_covariances(ngauss, nvars, weights.data(), means.data(),
                                           covariances.data());
}

EmResult em_run(PreparedMixture mixture, const Points& points, const double* sample_weight,
                const Penalty& penalty, int steps, double tolerance, int threads,
                const StopRequested& stop) {
  double previous = -std::numeric_limits<double>::infinity();
  double total = 0.0;
  int done = 0;
  while (done < steps) {
    const Moments moments = data_pass(mixture, points, sample_weight, threads, stop);
    const double loglik = moments.loglik - penalty.value(mixture);
    if (!std::isfinite(loglik)) throw InputError("data: the log-likelihood is not finite");
    total = moments.s0.sum();
    mixture = maximise(mixture, moments, penalty);
    ++done;
    const bool small_gain = loglik - previous < tolerance * total;
    previous = loglik;
    if (small_gain) break;
  }
  return {std::move(mixture), previous, done};
}

}  // namespace mogfit
