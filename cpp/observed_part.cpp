#include "observed_part.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "box_quadrature.hpp"
#include "errors.hpp"

namespace mogfit {

namespace {

// What the parts of a batch may hold together: 4 MB.
constexpr std::int64_t kBatchDoubles = std::int64_t{1} << 19;

// A value that can be read wherever a row has no noise.
constexpr double kZero = 0.0;

std::vector<int> all_columns(int count) {
  std::vector<int> columns(count);
  for (int j = 0; j < count; ++j) columns[j] = j;
  return columns;
}

// Rows of the lower triangle of L L^T of the variables in another order, with its own factor.
Matrix reordered_factor(const Matrix& factor, const std::vector<int>& order) {
  Matrix rows(order.size(), factor.cols());
  for (std::size_t i = 0; i < order.size(); ++i) rows.row(i) = factor.row(order[i]);
  return lower_factor(std::move(rows));
}

// The seen columns first, then the others.
std::vector<int> seen_first(const std::vector<int>& columns, int nvars) {
  std::vector<int> order = columns;
  std::vector<char> seen(nvars, 0);
  for (const int j : columns) seen[j] = 1;
  for (int j = 0; j < nvars; ++j)
    if (!seen[j]) order.push_back(j);
  return order;
}

// log w_k - log Z_k: components normalised in the domain, but not truncated any more.
Vector untruncated_log_weights(const PreparedMixture& mixture) {
  Vector logs = mixture.log_weights();
  if (mixture.truncation())
    for (int k = 0; k < mixture.ngauss(); ++k) logs[k] -= mixture.box(k).log_probability;
  return logs;
}

// The mixture of the columns seen. With Sigma = L L^T in the order (seen, missing), the seen have
// the factor L_oo, and the missing follow from them by M = L_mo L_oo^-1 with covariance
// L_mm L_mm^T.
void marginalise(const PreparedMixture& mixture, ObservedPart& part) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const int seen = static_cast<int>(part.columns.size());
  const int missing = nvars - seen;
  const std::vector<int> order = seen_first(part.columns, nvars);
  Matrix means(ngauss, seen);
  std::vector<double> factors(static_cast<std::size_t>(ngauss) * seen * seen);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix factor = reordered_factor(mixture.factor(k), order);
    const Matrix outer = factor.topLeftCorner(seen, seen);
    Eigen::Map<Matrix>(factors.data() + static_cast<std::size_t>(k) * seen * seen, seen, seen) =
        outer;
    for (int j = 0; j < seen; ++j) means(k, j) = mixture.means()(k, part.columns[j]);
    Regression regression{Matrix::Zero(nvars, seen), Matrix::Zero(nvars, nvars)};
    // M L_oo = L_mo
    const Matrix slopes = outer.triangularView<Eigen::Lower>()
                              .transpose()
                              .solve(factor.bottomLeftCorner(missing, seen).transpose())
                              .transpose();
    const Matrix inner = factor.bottomRightCorner(missing, missing);
    const Matrix rest = inner * inner.transpose();
    for (int j = 0; j < seen; ++j) regression.gain(part.columns[j], j) = 1.0;
    for (int i = 0; i < missing; ++i) {
      regression.gain.row(order[seen + i]) = slopes.row(i);
      for (int j = 0; j < missing; ++j)
        regression.rest(order[seen + i], order[seen + j]) = rest(i, j);
    }
    part.regressions.push_back(std::move(regression));
  }
  const Vector logs = untruncated_log_weights(mixture);
  part.mixture = std::make_shared<PreparedMixture>(
      PreparedMixture::from_factors(ngauss, seen, logs.data(), means.data(), factors.data()));
}

// Noise that is the same for all rows widens the components: T = Sigma + S, and
//   E[x - mu | y] = Sigma T^-1 (y - mu),  Cov[x | y] = Sigma - Sigma T^-1 Sigma.
void convolve(const Eigen::Ref<const Matrix>& shared, ObservedPart& part) {
  const PreparedMixture& clean = *part.mixture;
  const int ngauss = clean.ngauss();
  const int seen = clean.nvars();
  const bool partial = !part.regressions.empty();
  std::vector<double> factors(static_cast<std::size_t>(ngauss) * seen * seen);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix& l = clean.factor(k);
    const Matrix covariance = l * l.transpose() + shared;
    // Correlations, so that units far apart cost no accuracy.
    const Vector unit = covariance.diagonal().cwiseSqrt().cwiseInverse();
    const Eigen::LLT<Matrix> llt(unit.asDiagonal() * covariance * unit.asDiagonal());
    if (llt.info() != Eigen::Success)
      throw DegenerateError("errors: the noise and the covariance of component " +
                            std::to_string(k) + " together are singular");
    const Matrix lower = llt.matrixL();
    Eigen::Map<Matrix>(factors.data() + static_cast<std::size_t>(k) * seen * seen, seen, seen) =
        unit.cwiseInverse().asDiagonal() * lower;
    // P = T^-1 S and G = T^-1 Sigma, K = G^T: Sigma - K Sigma = P^T Sigma P + G^T S G keeps its
    // digits however small the noise, or large.
    const auto solve = [&](const Matrix& right) -> Matrix {
      const Matrix half = lower.triangularView<Eigen::Lower>().solve(unit.asDiagonal() * right);
      return unit.asDiagonal() *
             Matrix(lower.triangularView<Eigen::Lower>().transpose().solve(half));
    };
    const Matrix clean_covariance = l * l.transpose();
    const Matrix p = solve(shared);
    const Matrix g = solve(clean_covariance);
    const Matrix gain = g.transpose();
    const Matrix rest = p.transpose() * clean_covariance * p + g.transpose() * shared * g;
    if (partial) {
      Regression& r = part.regressions[k];
      r.rest += r.gain * rest * r.gain.transpose();
      r.gain = (r.gain * gain).eval();
    } else {
      part.regressions.push_back({gain, rest});
    }
  }
  part.mixture = std::make_shared<PreparedMixture>(PreparedMixture::from_factors(
      ngauss, seen, clean.log_weights().data(), clean.means().data(), factors.data()));
}

// Views of the errors and of the projection of the rows of this part, of the columns seen.
void view_noise(const Observations& o, const std::vector<int>& columns, const std::int64_t* rows,
                ObservedPart& part) {
  const int width = o.points.d;
  const int seen = static_cast<int>(columns.size());
  part.noise = o.noise;
  part.errors = part.points;
  part.errors.scalar = Points::Scalar::kFloat64;
  part.errors.rows = rows;
  if (o.noise == Noise::kNone || o.noise == Noise::kDeviations) {
    part.noise = Noise::kDeviations;
    const bool none = o.noise == Noise::kNone;
    part.errors.data = none ? &kZero : o.errors;
    part.errors.row_stride = none ? 0 : width;
    for (const int j : columns) part.error_columns.push_back(none ? 0 : j);
  } else {
    const bool shared = o.noise == Noise::kShared;
    part.noise = Noise::kCovariances;
    part.errors.data = o.errors;
    part.errors.row_stride = shared ? 0 : width * width;
    for (int j = 0; j < seen; ++j)
      for (int l = 0; l <= j; ++l) part.error_columns.push_back(columns[j] * width + columns[l]);
  }
  part.errors.d = static_cast<int>(part.error_columns.size());
  part.errors.columns = part.error_columns.data();
  if (o.projection == nullptr) return;
  part.projection = part.errors;
  part.projection.data = o.projection;
  part.projection.row_stride = o.projection_stride;
  for (const int j : columns)
    for (int v = 0; v < o.projected_nvars; ++v)
      part.projection_columns.push_back(j * o.projected_nvars + v);
  part.projection.d = static_cast<int>(part.projection_columns.size());
  part.projection.columns = part.projection_columns.data();
}

// Whether a bounded variable is not known exactly from what was seen; refuses too many of them.
bool needs_box(const PreparedMixture& mixture, const Observations& o,
               const std::vector<int>& columns) {
  if (!mixture.truncation()) return false;
  const Box& box = mixture.truncation()->box;
  std::vector<char> known(mixture.nvars(), 0);
  if (o.projection == nullptr)
    for (const int j : columns) known[j] = o.noisy.empty() || !o.noisy[j];
  int unknown = 0;
  for (int j = 0; j < mixture.nvars(); ++j)
    unknown += !known[j] && (std::isfinite(box.lower[j]) || std::isfinite(box.upper[j]));
  if (unknown > kMaxQuadrature)
    throw NotImplementedError(
        "domain: " + std::to_string(unknown) +
        " bounded variables of a point are missing, noisy or projected; their probability inside "
        "the domain is computed for up to " +
        std::to_string(kMaxQuadrature) + "; leave out the domain of some, or such rows");
  return unknown > 0;
}

ObservedPart observe_part(const PreparedMixture& mixture, const Observations& o,
                          const Pattern* pattern) {
  ObservedPart part;
  part.weight = o.weight;
  part.points = o.points;
  const std::int64_t* const rows = pattern ? pattern->rows.data() : nullptr;
  const std::vector<int> columns = pattern ? pattern->columns : all_columns(o.points.d);
  const bool complete = static_cast<int>(columns.size()) == o.points.d;
  if (pattern) {
    part.points.n = static_cast<std::int64_t>(pattern->rows.size());
    part.points.d = static_cast<int>(columns.size());
    part.points.rows = rows;
    if (!complete) {
      for (const int j : columns) part.point_columns.push_back(j * o.points.column_stride);
      part.points.columns = part.point_columns.data();
    }
  }
  // As long as the caller's mixture, which outlives every pass.
  part.mixture = std::shared_ptr<const PreparedMixture>(std::shared_ptr<void>(), &mixture);
  if (o.projection == nullptr) part.columns = columns;
  if (part.blank()) return part;
  if (needs_box(mixture, o, columns)) {
    part.box = mixture.truncation()->box;
    part.mixture = std::make_shared<PreparedMixture>(
        mixture.without_box(untruncated_log_weights(mixture).data()));
    view_noise(o, columns, rows, part);
    part.seen_exactly = o.noise == Noise::kNone && o.projection == nullptr;
    return part;
  }
  if (o.projection == nullptr) {
    if (mixture.truncation()) {
      const Box& box = mixture.truncation()->box;
      part.lower.resize(columns.size());
      part.upper.resize(columns.size());
      for (std::size_t j = 0; j < columns.size(); ++j) {
        part.lower[j] = box.lower[columns[j]];
        part.upper[j] = box.upper[columns[j]];
      }
    }
    if (!complete) marginalise(mixture, part);
    if (o.noise == Noise::kNone) return part;
    if (complete && mixture.truncation())
      part.mixture = std::make_shared<PreparedMixture>(
          mixture.without_box(untruncated_log_weights(mixture).data()));
    if (o.noise == Noise::kShared) {
      Matrix shared(columns.size(), columns.size());
      for (std::size_t i = 0; i < columns.size(); ++i)
        for (std::size_t j = 0; j < columns.size(); ++j)
          shared(i, j) = o.errors[columns[i] * o.points.d + columns[j]];
      convolve(shared, part);
      return part;
    }
  } else if (mixture.truncation()) {
    // Unbounded, but for the normalisation.
    part.mixture = std::make_shared<PreparedMixture>(
        mixture.without_box(untruncated_log_weights(mixture).data()));
  }
  view_noise(o, columns, rows, part);
  return part;
}

}  // namespace

void for_each_batch(const PreparedMixture& mixture, const Observations& observations, int threads,
                    const StopRequested& stop,
                    const std::function<void(const std::vector<ObservedPart>&)>& body) {
  std::vector<ObservedPart> parts;
  if (!observations.patterns) {
    parts.push_back(observe_part(mixture, observations, nullptr));
    return body(parts);
  }
  const std::vector<Pattern>& patterns = *observations.patterns;
  const auto count = static_cast<std::int64_t>(patterns.size());
  // Factor, whitening and packed parameters of what was seen, gain and rest, of each component.
  const std::int64_t doubles =
      std::int64_t{5} * mixture.ngauss() * mixture.nvars() * mixture.nvars();
  const std::int64_t most = std::clamp<std::int64_t>(kBatchDoubles / doubles, 8, 1024);
  const double work = 300.0 * mixture.ngauss() * mixture.nvars() * mixture.nvars();
  for (std::int64_t first = 0; first < count; first += most) {
    const std::int64_t size = std::min(most, count - first);
    parts.clear();
    parts.resize(size);
    parallel_for(size, useful_threads(threads, size, work), stop, [&](std::int64_t p, int) {
      parts[p] = observe_part(mixture, observations, &patterns[first + p]);
    });
    body(parts);
  }
}

void add_moments(const ObservedPart& part, const PreparedMixture& mixture, Moments seen,
                 Moments& total) {
  total.loglik += seen.loglik;
  total.s0 += seen.s0;
  if (part.regressions.empty()) {
    total.s1 += seen.s1;
    for (int k = 0; k < mixture.ngauss(); ++k) total.s2[k] += seen.s2[k];
    return;
  }
  for (int k = 0; k < mixture.ngauss(); ++k) {
    const auto& [gain, rest] = part.regressions[k];
    total.s1.row(k) += (gain * seen.s1.row(k).transpose()).transpose();
    const Matrix second = gain * seen.s2[k] * gain.transpose() + seen.s0[k] * rest;
    // Rounding differs between the triangles.
    total.s2[k] += Matrix(second.selfadjointView<Eigen::Lower>());
  }
}

}  // namespace mogfit
