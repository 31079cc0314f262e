#include "pullback.hpp"

#include <cmath>

namespace mogfit {

namespace {

// w_k / sum(w), from logs.
Vector normalised_weights(const PreparedMixture& mixture) {
  const Vector& logs = mixture.log_weights();
  const Vector relative = (logs.array() - logs.maxCoeff()).exp();
  return relative / relative.sum();
}

}  // namespace

Vector first_moment(const PreparedMixture& mixture, const Moments& moments, int k) {
  Vector first = moments.s1.row(k).transpose();
  if (mixture.truncation()) first -= moments.s0[k] * mixture.box(k).mean;
  return first;
}

Matrix second_moment(const PreparedMixture& mixture, const Moments& moments, int k) {
  Matrix second = moments.s2[k];
  if (mixture.truncation()) second -= moments.s0[k] * mixture.box(k).excess;
  return second;
}

Vector mean_pull(const PreparedMixture& mixture, const Moments& moments, const Model& model,
                 int k) {
  Vector first = first_moment(mixture, moments, k);
  if (model.prior) first += model.mean_count() * model.mean_offset(mixture.means().row(k));
  return first;
}

Matrix whitened_scatter(const PreparedMixture& mixture, const Moments& moments, const Model& model,
                        int k) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const Matrix& w = mixture.whitening(k);
  Matrix scatter = second_moment(mixture, moments, k) + model.covariance_scatter(ngauss, nvars);
  if (model.prior) {
    const Vector offset = model.mean_offset(mixture.means().row(k));
    scatter += model.mean_count() * offset * offset.transpose();
  }
  if (model.ridge > 0.0)
    scatter.diagonal().array() +=
        model.ridge * model.penalty.total * normalised_weights(mixture)[k];
  Matrix a = w * scatter * w.transpose();
  a.diagonal().array() -= moments.s0[k] + model.covariance_count(ngauss);
  return a;
}

Vector weight_pull(const PreparedMixture& mixture, const Moments& moments, const Model& model) {
  Vector pull = moments.s0;
  for (int k = 0; k < mixture.ngauss(); ++k) pull[k] += model.weight_count(k);
  if (model.ridge > 0.0) {
    const Vector weights = normalised_weights(mixture);
    for (int k = 0; k < mixture.ngauss(); ++k)
      pull[k] -=
          0.5 * model.ridge * model.penalty.total * weights[k] * mixture.whitening(k).squaredNorm();
  }
  return pull;
}

FactorGradient gradient_factors(const PreparedMixture& mixture, const Moments& moments,
                                const Penalty& penalty) {
  const Model model(penalty);
  FactorGradient gradient;
  gradient.log_weights = moments.s0 - normalised_weights(mixture) * moments.s0.sum();
  gradient.means.resize(mixture.ngauss(), mixture.nvars());
  gradient.factors.resize(mixture.ngauss());
  for (int k = 0; k < mixture.ngauss(); ++k) {
    const Matrix& w = mixture.whitening(k);
    gradient.means.row(k) = w.transpose() * (w * first_moment(mixture, moments, k));
    const Matrix full = w.transpose() * whitened_scatter(mixture, moments, model, k);
    gradient.factors[k] = full.triangularView<Eigen::Lower>();
  }
  return gradient;
}

StdcorrGradient gradient_stdcorr(const PreparedMixture& mixture, const Moments& moments,
                                 const Penalty& penalty) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const Model model(penalty);
  StdcorrGradient gradient;
  const Vector weights = normalised_weights(mixture);
  gradient.weights = moments.s0.array() / weights.array() - moments.s0.sum();
  gradient.mus.resize(ngauss, nvars);
  gradient.sigmas.resize(ngauss, nvars);
  gradient.rhos.resize(ngauss, nvars * (nvars - 1) / 2);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix& w = mixture.whitening(k);
    gradient.mus.row(k) = w.transpose() * (w * first_moment(mixture, moments, k));
    // twice d loglik / d Sigma
    const Matrix g = w.transpose() * whitened_scatter(mixture, moments, model, k) * w;
    const Matrix covariance = mixture.covariance(k);
    const Vector sigma = covariance.diagonal().cwiseSqrt();
    gradient.sigmas.row(k) =
        g.cwiseProduct(covariance).rowwise().sum().cwiseQuotient(sigma).transpose();
    int pair = 0;
    for (int i = 0; i < nvars; ++i)
      for (int j = i + 1; j < nvars; ++j) gradient.rhos(k, pair++) = g(i, j) * sigma[i] * sigma[j];
  }
  return gradient;
}

}  // namespace mogfit
