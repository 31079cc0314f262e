#include "whitened_coordinates.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "errors.hpp"
#include "pullback.hpp"

namespace mogfit {

namespace {

constexpr double kMaxShift = 2.0;
constexpr double kMaxStretch = 1.0;
constexpr double kMaxLogit = 2.0;

}  // namespace

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
    Eigen::Map<Matrix>(factors.data() + static_cast<std::size_t>(k) * nvars * nvars, nvars, nvars) =
        factor * transform(k, theta + offset_factors() + k * triangle);
  }
  return PreparedMixture::from_factors(ngauss, nvars, log_weights.data(), means.data(),
                                       factors.data(), anchor_.truncation());
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
    const Vector whitened_first = at.whitening(k) * first_moment(at, moments, k);
    gradient.segment(offset_means() + k * nvars, nvars) = inverse_transpose * whitened_first / root;
    const Matrix full = inverse_transpose * whitened_scatter(at, moments, penalty, k);
    double* target = gradient.data() + offset_factors() + k * triangle;
    for (int i = 0; i < nvars; ++i) {
      for (int j = 0; j < i; ++j) *target++ = full(i, j) / root;
      *target++ = full(i, i) * t(i, i) / (std::sqrt(2.0) * root);
    }
  }
  return gradient;
}

double WhitenedCoordinates::longest_step(const Vector& theta, const Vector& direction) const {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  // Each entry is a displacement relative to what it may be.
  double longest = 0.0;
  const auto limit = [&](double displacement, double most) {
    longest = std::max(longest, std::abs(displacement) / most);
  };
  Vector v = Vector::Zero(ngauss);
  for (int k = 1; k < ngauss; ++k) v[k] = direction[k - 1];
  reflect(v);
  const double* u = direction.data() + offset_means();
  const double* a = direction.data() + offset_factors();
  const double* at = theta.data() + offset_factors();
  for (int k = 0; k < ngauss; ++k) {
    const double root = root_weights_[k];
    limit(v[k] / root, kMaxLogit);
    // How wide the component is at theta, in units of the anchor's width.
    double widest = 1.0;
    for (int i = 0; i < nvars; ++i) {
      a += i;
      at += i;
      limit(*a / (std::sqrt(2.0) * root), kMaxStretch);
      widest = std::max(widest, std::exp(*at / (std::sqrt(2.0) * root)));
      ++a;
      ++at;
    }
    for (int i = 0; i < nvars; ++i) limit(*u++ / root, kMaxShift * widest);
    a -= nvars * (nvars + 1) / 2;
    for (int i = 0; i < nvars; ++i) {
      for (int j = 0; j < i; ++j) limit(*a++ / root, kMaxShift * widest);
      ++a;
    }
  }
  return longest > 0.0 ? 1.0 / longest : 1.0;
}

}  // namespace mogfit
