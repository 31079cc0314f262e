#include "prepared_mixture.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "errors.hpp"

namespace mogfit {

namespace {

constexpr double kLog2Pi = 1.8378770664093454836;

// Asymmetry up to this part of sqrt(S_ii S_jj) is rounding, and averaged away.
constexpr double kAsymmetry = 1e-10;

std::string component(int k) { return "component " + std::to_string(k); }

}  // namespace

Matrix invert_lower(const Matrix& lower) {
  return lower.triangularView<Eigen::Lower>().solve(Matrix::Identity(lower.rows(), lower.cols()));
}

PreparedMixture::PreparedMixture(int ngauss, int nvars, const double* log_weights,
                                 const double* means)
    : ngauss_(ngauss),
      nvars_(nvars),
      log_weights_(Eigen::Map<const Vector>(log_weights, ngauss)),
      means_(Eigen::Map<const Matrix>(means, ngauss, nvars)),
      factors_(ngauss),
      whitenings_(ngauss),
      log_normalisers_(ngauss) {
  for (int k = 0; k < ngauss; ++k) {
    if (!means_.row(k).allFinite())
      throw InputError("mus: the mean of " + component(k) + " is not finite");
    if (std::isnan(log_weights_[k]) || log_weights_[k] == std::numeric_limits<double>::infinity())
      throw InputError("weights: " + component(k) + " has a weight that is not a finite number");
  }
  if (log_weights_.maxCoeff() == -std::numeric_limits<double>::infinity())
    throw InputError("weights: all are 0; at least one must be positive");
}

PreparedMixture PreparedMixture::from_covariances(int ngauss, int nvars, const double* weights,
                                                  const double* means, const double* covariances,
                                                  std::shared_ptr<const Truncation> truncation) {
  Vector log_weights(ngauss);
  for (int k = 0; k < ngauss; ++k) {
    if (!(weights[k] >= 0.0))
      throw InputError("weights: " + component(k) + " has weight " + std::to_string(weights[k]) +
                       "; weights must be 0 or more");
    log_weights[k] = std::log(weights[k]);
  }
  PreparedMixture mixture(ngauss, nvars, log_weights.data(), means);
  mixture.truncation_ = std::move(truncation);
  for (int k = 0; k < ngauss; ++k) {
    const Eigen::Map<const Matrix> sigma(covariances + static_cast<std::size_t>(k) * nvars * nvars,
                                         nvars, nvars);
    if (!sigma.allFinite())
      throw InputError("Sigmas: " + component(k) + " holds values that are not finite");
    const Vector scale = sigma.diagonal().cwiseSqrt();
    if (!(scale.array() > 0.0).all())
      throw DegenerateError("Sigmas: " + component(k) +
                            " has a variance that is not positive; every variance must be > 0");
    const Vector inverse_scale = scale.cwiseInverse();
    Matrix correlation = inverse_scale.asDiagonal() * sigma * inverse_scale.asDiagonal();
    if ((correlation - correlation.transpose()).cwiseAbs().maxCoeff() > kAsymmetry)
      throw InputError("Sigmas: the covariance of " + component(k) +
                       " is not symmetric; give symmetric matrices, for example (S + S.T) / 2");
    correlation = 0.5 * (correlation + correlation.transpose()).eval();
    const Eigen::LLT<Matrix> llt(correlation);
    const Matrix unit_factor = llt.matrixL();
    // A pivot of the size of its rounding error is no pivot.
    const double smallest = nvars * std::numeric_limits<double>::epsilon();
    if (llt.info() != Eigen::Success || !(unit_factor.diagonal().array().square() > smallest).all())
      throw DegenerateError("Sigmas: the covariance of " + component(k) +
                            " is singular or not positive definite");
    mixture.set_component(k, scale.asDiagonal() * unit_factor,
                          invert_lower(unit_factor) * inverse_scale.asDiagonal());
  }
  mixture.pack();
  return mixture;
}

PreparedMixture PreparedMixture::from_factors(int ngauss, int nvars, const double* log_weights,
                                              const double* means, const double* factors,
                                              std::shared_ptr<const Truncation> truncation) {
  PreparedMixture mixture(ngauss, nvars, log_weights, means);
  mixture.truncation_ = std::move(truncation);
  for (int k = 0; k < ngauss; ++k) {
    const Eigen::Map<const Matrix> given(factors + static_cast<std::size_t>(k) * nvars * nvars,
                                         nvars, nvars);
    const Matrix factor = given;
    if (!factor.isLowerTriangular(0.0))
      throw InputError("factors: that of " + component(k) + " is not lower triangular");
    if (!factor.allFinite() || !(factor.diagonal().array() > 0.0).all())
      throw DegenerateError("factors: the Cholesky factor of " + component(k) +
                            " must be finite with a positive diagonal");
    // Rows scaled to unit length: the inverse is as accurate as that of the correlation's factor.
    const Vector scale = factor.rowwise().norm();
    const Matrix unit_factor = scale.cwiseInverse().asDiagonal() * factor;
    Matrix whitening = invert_lower(unit_factor) * scale.cwiseInverse().asDiagonal();
    mixture.set_component(k, factor, std::move(whitening));
  }
  mixture.pack();
  return mixture;
}

PreparedMixture PreparedMixture::with_log_weights(const double* log_weights) const {
  PreparedMixture mixture(ngauss_, nvars_, log_weights, means_.data());
  mixture.truncation_ = truncation_;
  mixture.boxes_ = boxes_;
  for (int k = 0; k < ngauss_; ++k) mixture.set_component(k, factors_[k], whitenings_[k]);
  mixture.pack();
  return mixture;
}

PreparedMixture PreparedMixture::with_box(const Box& box, double rtol) const {
  auto truncation = std::make_shared<Truncation>();
  truncation->box = box;
  for (int k = 0; k < ngauss_; ++k)
    truncation->plans.push_back(plan_box(box, means_.row(k), factors_[k], rtol));
  PreparedMixture mixture(ngauss_, nvars_, log_weights_.data(), means_.data());
  mixture.truncation_ = std::move(truncation);
  for (int k = 0; k < ngauss_; ++k) mixture.set_component(k, factors_[k], whitenings_[k]);
  mixture.pack();
  return mixture;
}

double PreparedMixture::log_total_weight() const {
  const double largest = log_weights_.maxCoeff();
  return largest + std::log((log_weights_.array() - largest).exp().sum());
}

PreparedMixture PreparedMixture::without_box(const double* log_weights) const {
  PreparedMixture mixture(ngauss_, nvars_, log_weights, means_.data());
  for (int k = 0; k < ngauss_; ++k) mixture.set_component(k, factors_[k], whitenings_[k]);
  mixture.pack();
  return mixture;
}

PreparedMixture PreparedMixture::with_fresh_plans() const {
  return truncation_ ? with_box(truncation_->box) : *this;
}

void PreparedMixture::set_component(int k, Matrix factor, Matrix whitening) {
  double log_normaliser =
      log_weights_[k] - factor.diagonal().array().log().sum() - 0.5 * nvars_ * kLog2Pi;
  if (truncation_) {
    if (static_cast<int>(boxes_.size()) <= k) {
      boxes_.push_back(
          box_probability(truncation_->box, means_.row(k), factor, truncation_->plans[k]));
      if (!std::isfinite(boxes_[k].log_probability))
        throw DegenerateError("domain: " + component(k) + " has no mass inside the domain");
    }
    log_normaliser -= boxes_[k].log_probability;
  }
  log_normalisers_[k] = log_normaliser;
  factors_[k] = std::move(factor);
  whitenings_[k] = std::move(whitening);
}

void PreparedMixture::pack() {
  diagonal_ = std::all_of(whitenings_.begin(), whitenings_.end(),
                          [](const Matrix& whitening) { return whitening.isDiagonal(0.0); });
  const std::size_t size = packed_size(nvars_, diagonal_);
  packed_.resize(ngauss_ * size);
  for (int k = 0; k < ngauss_; ++k)
    pack_component(log_normalisers_[k], means_.row(k), whitenings_[k], diagonal_,
                   packed_.data() + k * size);
}

}  // namespace mogfit
