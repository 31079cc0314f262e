#include "whitened_coordinates.hpp"

#include <cmath>

#include "errors.hpp"
#include "pullback.hpp"

namespace mogfit {

WhitenedCoordinates::WhitenedCoordinates(PreparedMixture anchor) : anchor_(std::move(anchor)) {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  const Vector& logs = anchor_.log_weights();
  const Vector relative = (logs.array() - logs.maxCoeff()).exp();
  root_weights_ = (relative / relative.sum()).cwiseSqrt();
  if (!(root_weights_.array() > 0.0).all())
    throw InputError("weights: every component must have a positive weight to be fitted");
  // H = I - 2 n n^T with n along e_1 + sqrt(w0): no cancellation, since sqrt(w0_1) > 0.
  normal_ = root_weights_;
  normal_[0] += 1.0;
  normal_.normalize();
  size_ = ngauss - 1 + ngauss * nvars + ngauss * (nvars * (nvars + 1) / 2);
}

void WhitenedCoordinates::reflect(Vector& v) const { v -= 2.0 * normal_.dot(v) * normal_; }

Matrix WhitenedCoordinates::transform(int k, const double* a) const {
  const int nvars = anchor_.nvars();
  const double root = root_weights_[k];
  Matrix t = Matrix::Zero(nvars, nvars);
  for (int i = 0; i < nvars; ++i) {
    for (int j = 0; j < i; ++j) t(i, j) = *a++ / root;
    t(i, i) = std::exp(*a++ / (std::sqrt(2.0) * root));
  }
  return t;
}

PreparedMixture WhitenedCoordinates::mixture(const double* theta) const {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  const int triangle = nvars * (nvars + 1) / 2;

  Vector v = Vector::Zero(ngauss);
  for (int k = 1; k < ngauss; ++k) v[k] = theta[k - 1];
  reflect(v);
  Vector log_weights = 2.0 * root_weights_.array().log() + v.array() / root_weights_.array();
  const double largest = log_weights.maxCoeff();
  log_weights.array() -= largest + std::log((log_weights.array() - largest).exp().sum());

  Matrix means(ngauss, nvars);
  std::vector<double> factors(static_cast<std::size_t>(ngauss) * nvars * nvars);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix& factor = anchor_.factor(k);
    const Eigen::Map<const Vector> u(theta + offset_means() + k * nvars, nvars);
    means.row(k) = anchor_.means().row(k) + (factor * u).transpose() / root_weights_[k];
    Eigen::Map<Matrix>(factors.data() + static_cast<std::size_t>(k) * nvars * nvars, nvars,
                       nvars) = factor * transform(k, theta + offset_factors() + k * triangle);
  }
  return PreparedMixture::from_factors(ngauss, nvars, log_weights.data(), means.data(),
                                       factors.data());
}

Vector WhitenedCoordinates::gradient(const double* theta, const PreparedMixture& at,
                                     const Moments& moments, const Penalty& penalty) const {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  const int triangle = nvars * (nvars + 1) / 2;
  Vector gradient(size_);

  const Vector weights = at.log_weights().array().exp();
  Vector v = (moments.s0 - weights * moments.s0.sum()).cwiseQuotient(root_weights_);
  reflect(v);
  for (int k = 1; k < ngauss; ++k) gradient[k - 1] = v[k];

  for (int k = 0; k < ngauss; ++k) {
    const double root = root_weights_[k];
    const double* a = theta + offset_factors() + k * triangle;
    const Matrix t = transform(k, a);
    // L0^T W^T = T^-T, since W = L^-1 = T^-1 L0^-1.
    const Matrix inverse_transpose = invert_lower(t).transpose();
    const Vector whitened_first = at.whitening(k) * moments.s1.row(k).transpose();
    gradient.segment(offset_means() + k * nvars, nvars) =
        inverse_transpose * whitened_first / root;
    const Matrix full = inverse_transpose * whitened_scatter(at, moments, penalty, k);
    double* target = gradient.data() + offset_factors() + k * triangle;
    for (int i = 0; i < nvars; ++i) {
      for (int j = 0; j < i; ++j) *target++ = full(i, j) / root;
      *target++ = full(i, i) * t(i, i) / (std::sqrt(2.0) * root);
    }
  }
  return gradient;
}

Vector WhitenedCoordinates::reach(double reach) const {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  Vector bound(size_);
  bound.head(ngauss - 1).setConstant(reach * root_weights_.minCoeff());
  double* p = bound.data() + offset_means();
  for (int k = 0; k < ngauss; ++k)
    for (int j = 0; j < nvars; ++j) *p++ = reach * root_weights_[k];
  for (int k = 0; k < ngauss; ++k)
    for (int i = 0; i < nvars; ++i) {
      for (int j = 0; j < i; ++j) *p++ = reach * root_weights_[k];
      *p++ = 0.5 * reach * std::sqrt(2.0) * root_weights_[k];
    }
  return bound;
}

}  // namespace mogfit
