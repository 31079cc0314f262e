#include "em.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "errors.hpp"
#include "pullback.hpp"

namespace mogfit {

namespace {

// S0_k and what is known of the weights beforehand, divided among the weights that are free.
Vector weights_of(const PreparedMixture& mixture, const Moments& moments, const Model& model) {
  const int ngauss = mixture.ngauss();
  Vector weights(ngauss);
  double held = 0.0;
  double free = 0.0;
  for (int k = 0; k < ngauss; ++k) {
    if (model.held.weight(k)) {
      weights[k] = std::exp(mixture.log_weights()[k] - mixture.log_total_weight());
      held += weights[k];
    } else {
      weights[k] = moments.s0[k] + model.weight_count(k);
      free += weights[k];
    }
  }
  const double share = held > 0.0 ? std::max(0.0, 1.0 - held) : 1.0;
  for (int k = 0; k < ngauss; ++k)
    if (!model.held.weight(k)) weights[k] = free > 0.0 ? share * (weights[k] / free) : 0.0;
  return weights;
}

}  // namespace

PreparedMixture maximise(const PreparedMixture& mixture, const Moments& moments, const Model& model,
                         StepLength length) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const double at_mean = model.mean_count();
  const double scattered = model.covariance_count(ngauss);
  const Matrix scatter_of_model = model.covariance_scatter(ngauss, nvars);
  Matrix means = mixture.means();
  std::vector<Matrix> scatter(ngauss);
  Vector counts(ngauss);
  Vector insides = Vector::Ones(ngauss);  // the part of each component that the box holds
  for (int k = 0; k < ngauss; ++k) {
    const double count = moments.s0[k];
    if (!(count > 0.0) && !model.prior) {
      scatter[k] = Matrix::Zero(nvars, nvars);
      counts[k] = 0.0;
      continue;
    }
    const bool shorter = mixture.truncation() && length == StepLength::kMonotone;
    const double t = shorter ? std::exp(mixture.box(k).log_probability) : 1.0;
    Vector shift = Vector::Zero(nvars);
    const double located = count + t * at_mean;
    const Vector offset = model.mean_offset(mixture.means().row(k));
    if (!model.held.mean(k) && located > 0.0) {
      shift = t * (first_moment(mixture, moments, k) + at_mean * offset) / located;
      means.row(k) += shift.transpose();
    }
    scatter[k] = t * second_moment(mixture, moments, k) - located * shift * shift.transpose();
    if (at_mean > 0.0) scatter[k] += t * at_mean * offset * offset.transpose();
    if (shorter) scatter[k] += count * (1.0 - t) * mixture.covariance(k);
    // Of count / t points in all, those outside the box included.
    scatter[k] += t * scatter_of_model;
    counts[k] = count + t * scattered;
    insides[k] = t;
  }
  // One covariance of all counts points outside the box too: count / t of each component, here in
  // units of the largest 1 / t. Steps of components alone need no common unit.
  const double least = insides.minCoeff();
  for (int k = 0; k < ngauss && model.tied(); ++k) {
    if (!(least < insides[k])) continue;
    scatter[k] *= least / insides[k];
    counts[k] *= least / insides[k];
  }
  return assemble(weights_of(mixture, moments, model), means,
                  constrain(model, mixture, scatter, counts), mixture);
}

PreparedMixture em_step(const PreparedMixture& mixture, const Moments& moments,
                        const Model& model) {
  if (!mixture.truncation()) return maximise(mixture, moments, model);
  try {
    return maximise(mixture, moments, model);
  } catch (const DegenerateError&) {
    return maximise(mixture, moments, model, StepLength::kMonotone);
  }
}

EmResult em_run(PreparedMixture mixture, const Observations& observations, const Model& model,
                int steps, double tolerance, int threads, const StopRequested& stop,
                double previous) {
  struct Visited {
    PreparedMixture mixture;
    Moments moments;
  };
  std::optional<Visited> before;  // of the last full step of a truncated mixture
  std::vector<double> logliks;
  while (static_cast<int>(logliks.size()) < steps) {
    Moments moments = data_pass(mixture, observations, threads, stop, model.scatter());
    const double loglik = moments.loglik + model.added(mixture);
    if (!std::isfinite(loglik)) throw InputError("data: the log-likelihood is not finite");
    if (before && loglik < previous) {
      logliks.push_back(previous);
      mixture = maximise(before->mixture, before->moments, model, StepLength::kMonotone);
      before.reset();
      continue;
    }
    const bool little = std::abs(loglik - previous) < tolerance * moments.s0.sum();
    logliks.push_back(loglik);
    previous = loglik;
    PreparedMixture next = em_step(mixture, moments, model);
    if (mixture.truncation()) before = Visited{std::move(mixture), std::move(moments)};
    mixture = std::move(next);
    if (little) break;
  }
  return {std::move(mixture), std::move(logliks)};
}

}  // namespace mogfit
