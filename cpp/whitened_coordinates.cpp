#include "whitened_coordinates.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "errors.hpp"
#include "pullback.hpp"

namespace mogfit {

namespace {

constexpr double kMaxShift = 2.0;
constexpr double kMaxStretch = 1.0;
constexpr double kMaxLogit = 2.0;

bool has_shape(const Matrix& factor, Shape shape) {
  if (shape == Shape::kFull) return true;
  if (!factor.isDiagonal(0.0)) return false;
  return shape == Shape::kDiagonal || (factor.diagonal().array() == factor(0, 0)).all();
}

void require_family(const PreparedMixture& mixture, const Model& model) {
  for (int k = 0; k < mixture.ngauss(); ++k) {
    if (model.held.covariance(k)) continue;
    if (!has_shape(mixture.factor(k), model.shape()) ||
        (model.tied() && mixture.factor(k) != mixture.factor(0)))
      throw InputError("start: the covariance of component " + std::to_string(k) +
                       " is not of the structure to be fitted");
  }
}

}  // namespace

WhitenedCoordinates::WhitenedCoordinates(PreparedMixture anchor, const Model& model)
    : anchor_(std::move(anchor)), structure_(model.structure) {
  model.check(anchor_);
  require_family(anchor_, model);
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();
  const Vector& logs = anchor_.log_weights();
  const Vector relative = (logs.array() - logs.maxCoeff()).exp();
  root_weights_ = (relative / relative.sum()).cwiseSqrt();
  if (!(root_weights_.array() > 0.0).all())
    throw InputError("weights: every component must have a positive weight to be fitted");

  // What the prior counts as points of a component adds to its weight.
  const double total = model.penalty.total;
  const double at_mean = total > 0.0 ? model.mean_count() / total : 0.0;
  const double scattered = total > 0.0 ? model.prior_scatter_count(ngauss) / total : 0.0;
  const Vector weights = root_weights_.cwiseAbs2();
  root_means_ = (weights.array() + at_mean).sqrt();

  double held_share = 0.0;
  for (int k = 0; k < ngauss; ++k) {
    if (model.held.weight(k))
      held_share += weights[k];
    else
      free_weights_.push_back(k);
    if (!model.held.mean(k)) free_means_.push_back(k);
  }
  const int free = static_cast<int>(free_weights_.size());
  free_share_ = free == ngauss ? 1.0 : std::max(0.0, 1.0 - held_share);
  normal_.resize(free);
  for (int f = 0; f < free; ++f) normal_[f] = root_weights_[free_weights_[f]];
  if (free > 0) {
    // H = I - 2 n n^T with n along e_1 + sqrt(w0): no cancellation, since sqrt(w0_1) > 0.
    if (free < ngauss) normal_.normalize();
    normal_[0] += 1.0;
    normal_.normalize();
  }
  offset_means_ = std::max(0, free - 1);
  size_ = offset_means_ + static_cast<int>(free_means_.size()) * nvars;
  const auto add_group = [&](std::vector<int> components, double root) {
    groups_.push_back({std::move(components), root, size_});
    size_ += values_of_t();
  };
  if (tied(structure_)) {
    std::vector<int> all(ngauss);
    for (int k = 0; k < ngauss; ++k) all[k] = k;
    if (!model.held.covariance(0)) add_group(std::move(all), std::sqrt(1.0 + ngauss * scattered));
  } else {
    for (int k = 0; k < ngauss; ++k)
      if (!model.held.covariance(k)) add_group({k}, std::sqrt(weights[k] + scattered));
  }
}

void WhitenedCoordinates::reflect(Vector& v) const { v -= 2.0 * normal_.dot(v) * normal_; }

int WhitenedCoordinates::values_of_t() const {
  const int nvars = anchor_.nvars();
  switch (shape_of(structure_)) {
    case Shape::kFull: return nvars * (nvars + 1) / 2;
    case Shape::kDiagonal: return nvars;
    default: return 1;
  }
}

int WhitenedCoordinates::diagonal_value(int i) const {
  switch (shape_of(structure_)) {
    case Shape::kFull: return i * (i + 3) / 2;
    case Shape::kDiagonal: return i;
    default: return 0;
  }
}

double WhitenedCoordinates::stretch(const Group& group) const {
  const double equal = shape_of(structure_) == Shape::kSpherical ? anchor_.nvars() : 1.0;
  return std::sqrt(2.0 * equal) * group.root;
}

Matrix WhitenedCoordinates::transform(const Group& group, const double* a) const {
  const int nvars = anchor_.nvars();
  Matrix t = Matrix::Zero(nvars, nvars);
  for (int i = 0; i < nvars; ++i) t(i, i) = std::exp(a[diagonal_value(i)] / stretch(group));
  if (shape_of(structure_) == Shape::kFull)
    for (int i = 0; i < nvars; ++i, ++a)
      for (int j = 0; j < i; ++j) t(i, j) = *a++ / group.root;
  return t;
}

Vector WhitenedCoordinates::logits(const double* v) const {
  Vector all = Vector::Zero(anchor_.ngauss());
  const int free = static_cast<int>(free_weights_.size());
  if (free < 2) return all;
  Vector reflected = Vector::Zero(free);
  for (int f = 1; f < free; ++f) reflected[f] = v[f - 1];
  reflect(reflected);
  for (int f = 0; f < free; ++f) {
    const int k = free_weights_[f];
    all[k] = reflected[f] / root_weights_[k];
  }
  return all;
}

PreparedMixture WhitenedCoordinates::mixture(const double* theta) const {
  const int ngauss = anchor_.ngauss();
  const int nvars = anchor_.nvars();

  Vector log_weights = 2.0 * root_weights_.array().log() + logits(theta).array();
  if (!free_weights_.empty()) {
    double largest = log_weights[free_weights_[0]];
    for (const int k : free_weights_) largest = std::max(largest, log_weights[k]);
    double sum = 0.0;
    for (const int k : free_weights_) sum += std::exp(log_weights[k] - largest);
    const double excess = largest + std::log(sum) - std::log(free_share_);
    for (const int k : free_weights_) log_weights[k] -= excess;
  }

  Matrix means = anchor_.means();
  const double* u = theta + offset_means_;
  for (const int k : free_means_) {
    means.row(k) +=
        (anchor_.factor(k) * Eigen::Map<const Vector>(u, nvars)).transpose() / root_means_[k];
    u += nvars;
  }

  std::vector<double> factors(static_cast<std::size_t>(ngauss) * nvars * nvars);
  const auto factor = [&](int k) {
    return Eigen::Map<Matrix>(factors.data() + static_cast<std::size_t>(k) * nvars * nvars, nvars,
                              nvars);
  };
  for (int k = 0; k < ngauss; ++k) factor(k) = anchor_.factor(k);
  for (const Group& group : groups_) {
    const Matrix t = transform(group, theta + group.offset);
    for (const int k : group.components) factor(k) = anchor_.factor(k) * t;
  }
  return PreparedMixture::from_factors(ngauss, nvars, log_weights.data(), means.data(),
                                       factors.data(), anchor_.truncation());
}

Vector WhitenedCoordinates::gradient(const double* theta, const PreparedMixture& at,
                                     const Moments& moments, const Model& model) const {
  const int nvars = anchor_.nvars();
  Vector gradient(size_);

  if (offset_means_ > 0) {
    const Vector pull = weight_pull(at, moments, model);
    double total = 0.0;
    for (const int k : free_weights_) total += pull[k];
    Vector v(free_weights_.size());
    for (std::size_t f = 0; f < free_weights_.size(); ++f) {
      const int k = free_weights_[f];
      const double share = std::exp(at.log_weights()[k]) / free_share_;
      v[f] = (pull[k] - share * total) / root_weights_[k];
    }
    reflect(v);
    gradient.head(offset_means_) = v.tail(offset_means_);
  }

  // L0^T W^T = T^-T, since W = L^-1 = T^-1 L0^-1; where T is held it is the identity.
  double* target = gradient.data() + offset_means_;
  std::vector<Matrix> inverse_transposes(anchor_.ngauss(), Matrix::Identity(nvars, nvars));
  for (const Group& group : groups_) {
    const Matrix t = transform(group, theta + group.offset);
    const Matrix inverse_transpose = invert_lower(t).transpose();
    Matrix full = Matrix::Zero(nvars, nvars);
    for (const int k : group.components) {
      inverse_transposes[k] = inverse_transpose;
      full += inverse_transpose * whitened_scatter(at, moments, model, k);
    }
    double* const values = gradient.data() + group.offset;
    std::fill_n(values, values_of_t(), 0.0);
    for (int i = 0; i < nvars; ++i)
      values[diagonal_value(i)] += full(i, i) * t(i, i) / stretch(group);
    if (shape_of(structure_) == Shape::kFull)
      for (int i = 1; i < nvars; ++i)
        for (int j = 0; j < i; ++j) values[i * (i + 1) / 2 + j] = full(i, j) / group.root;
  }
  for (const int k : free_means_) {
    Eigen::Map<Vector>(target, nvars) = inverse_transposes[k] *
                                        (at.whitening(k) * mean_pull(at, moments, model, k)) /
                                        root_means_[k];
    target += nvars;
  }
  return gradient;
}

double WhitenedCoordinates::longest_step(const Vector& theta, const Vector& direction) const {
  const int nvars = anchor_.nvars();
  // Each entry is a displacement relative to what it may be.
  double longest = 0.0;
  const auto limit = [&](double displacement, double most) {
    longest = std::max(longest, std::abs(displacement) / most);
  };
  for (const double logit : logits(direction.data())) limit(logit, kMaxLogit);
  // How wide each component is at theta, in units of the anchor's width.
  std::vector<double> widest(anchor_.ngauss(), 1.0);
  for (const Group& group : groups_) {
    const double* const a = direction.data() + group.offset;
    const double* const at = theta.data() + group.offset;
    double wide = 1.0;
    for (int i = 0; i < nvars; ++i) {
      limit(a[diagonal_value(i)] / stretch(group), kMaxStretch);
      wide = std::max(wide, std::exp(at[diagonal_value(i)] / stretch(group)));
    }
    for (const int k : group.components) widest[k] = wide;
    if (shape_of(structure_) != Shape::kFull) continue;
    for (int i = 1; i < nvars; ++i)
      for (int j = 0; j < i; ++j) limit(a[i * (i + 1) / 2 + j] / group.root, kMaxShift * wide);
  }
  const double* u = direction.data() + offset_means_;
  for (const int k : free_means_)
    for (int i = 0; i < nvars; ++i) limit(*u++ / root_means_[k], kMaxShift * widest[k]);
  return longest > 0.0 ? 1.0 / longest : 1.0;
}

}  // namespace mogfit
