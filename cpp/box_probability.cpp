#include "box_probability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "box_quadrature.hpp"
#include "errors.hpp"

namespace mogfit {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Bounds of one variable in standard deviations. One with an upper bound alone is reflected.
struct StandardSide {
  double unit;
  Interval side;
};

StandardSide standard_side(double lower, double upper, double mean, double deviation) {
  const Interval side{(lower - mean) / deviation, (upper - mean) / deviation,
                      (upper - lower) / deviation};
  if (side.low > -kInfinity) return {deviation, side};
  return {-deviation, {-side.high, kInfinity, kInfinity}};
}

// Variables of `bounded` that are connected by correlations, in groups.
std::vector<std::vector<int>> connected_groups(const std::vector<int>& bounded,
                                               const Matrix& covariance) {
  std::vector<std::vector<int>> groups;
  std::vector<int> waiting = bounded;
  while (!waiting.empty()) {
    std::vector<int> group{waiting.front()};
    waiting.erase(waiting.begin());
    for (std::size_t next = 0; next < group.size(); ++next) {
      const auto linked = std::stable_partition(
          waiting.begin(), waiting.end(), [&](int j) { return covariance(group[next], j) == 0.0; });
      group.insert(group.end(), linked, waiting.end());
      waiting.erase(linked, waiting.end());
    }
    groups.push_back(group);
  }
  return groups;
}

StandardisedBox::Group make_group(const std::vector<int>& variables, const Box& box,
                                  const Vector& mean, const Matrix& factor) {
  const int n = static_cast<int>(variables.size());
  StandardisedBox::Group group{variables, {}, {{}, Matrix::Zero(n, n)}};
  Matrix rows(n, factor.cols());
  for (int i = 0; i < n; ++i) {
    const int j = variables[i];
    const double deviation = factor.row(j).norm();
    const auto [unit, side] = standard_side(box.lower[j], box.upper[j], mean[j], deviation);
    group.units.push_back(unit);
    group.box.sides.push_back(side);
    rows.row(i) = factor.row(j) / unit;
  }
  // rows rows^T = A A^T, A lower triangular: orthogonalising the rows one after the other loses
  // less than factorising their product.
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) {
      const double along = rows.row(i).dot(rows.row(j));
      group.box.factor(i, j) = along;
      rows.row(i) -= along * rows.row(j);
    }
    const double length = rows.row(i).norm();
    group.box.factor(i, i) = length;
    rows.row(i) /= length;
  }
  return group;
}

// E[x - mu] and E[y y^T] - Sigma of all variables from the moments of the z of one group:
// y = C z + what is independent of the box, C = Sigma_(:,B) units^-1 A^-T.
void add_moments(const StandardisedBox::Group& group, const StandardMoments& moments,
                 const Matrix& covariance, BoxProbability& result) {
  const int n = group.box.size();
  Matrix along(n, covariance.cols());
  for (int i = 0; i < n; ++i) along.row(i) = covariance.row(group.variables[i]) / group.units[i];
  group.box.factor.triangularView<Eigen::Lower>().solveInPlace(along);
  // The bounded variables themselves, without the rounding of the solution.
  for (int i = 0; i < n; ++i)
    along.col(group.variables[i]) = group.units[i] * group.box.factor.row(i).transpose();
  const Vector shift = along.transpose() * moments.mean;
  const Matrix excess = moments.second - Matrix::Identity(n, n);
  // Parts that are independent of each other: of their products the means alone remain.
  result.excess += along.transpose() * excess * along + shift * result.mean.transpose() +
                   result.mean * shift.transpose();
  result.mean += shift;
}

}  // namespace

StandardisedBox standardise(const Box& box, const Vector& mean, const Matrix& factor) {
  std::vector<int> bounded;
  std::vector<double> log_masses(mean.size(), 0.0);
  for (int j = 0; j < mean.size(); ++j) {
    if (!(box.lower[j] > -kInfinity || box.upper[j] < kInfinity)) continue;
    bounded.push_back(j);
    const auto [unit, side] =
        standard_side(box.lower[j], box.upper[j], mean[j], factor.row(j).norm());
    log_masses[j] = normal_interval(side).log_mass;
  }
  const Matrix covariance = factor * factor.transpose();
  StandardisedBox result;
  for (std::vector<int>& variables : connected_groups(bounded, covariance)) {
    if (static_cast<int>(variables.size()) > kMaxBounded)
      throw DomainError("domain: " + std::to_string(variables.size()) +
                        " bounded variables that depend on each other; the most is " +
                        std::to_string(kMaxBounded) + ": leave some of them free");
    std::stable_sort(variables.begin(), variables.end(),
                     [&](int i, int j) { return log_masses[i] < log_masses[j]; });
    result.groups.push_back(make_group(variables, box, mean, factor));
  }
  return result;
}

BoxPlan plan_box(const Box& box, const Vector& mean, const Matrix& factor, double rtol) {
  BoxPlan plan;
  for (const StandardisedBox::Group& group : standardise(box, mean, factor).groups)
    if (group.box.size() > kMaxQuadrature)
      plan.groups.push_back({group.variables, plan_lattice(group.box, rtol)});
  return plan;
}

BoxProbability box_probability(const Box& box, const Vector& mean, const Matrix& factor,
                               const BoxPlan& plan) {
  const auto d = mean.size();
  BoxProbability result{0.0, 0.0, Vector::Zero(d), Matrix::Zero(d, d)};
  const Matrix covariance = factor * factor.transpose();
  const auto add = [&](const StandardisedBox::Group& group, const StandardMoments& moments) {
    result.log_probability += moments.log_mass;
    result.error += moments.error;
    add_moments(group, moments, covariance, result);
  };
  for (const StandardisedBox::Group& group : standardise(box, mean, factor).groups) {
    if (group.box.size() <= kMaxQuadrature) {
      add(group, box_quadrature(group.box));
      continue;
    }
    const auto held =
        std::find_if(plan.groups.begin(), plan.groups.end(), [&](const BoxPlan::Group& planned) {
          return std::is_permutation(planned.variables.begin(), planned.variables.end(),
                                     group.variables.begin(), group.variables.end());
        });
    if (held == plan.groups.end()) {
      add(group, lattice_probability(group.box, plan_lattice(group.box, kBoxTolerance)));
    } else {
      const StandardisedBox::Group ordered = make_group(held->variables, box, mean, factor);
      add(ordered, lattice_probability(ordered.box, held->lattice));
    }
  }
  // Rounding differs between the triangles.
  result.excess.triangularView<Eigen::StrictlyUpper>() = result.excess.transpose();
  return result;
}

void box_log_probabilities(const Box& box, const double* means, std::int64_t n,
                           const Matrix& factor, double* out, int threads,
                           const StopRequested& stop) {
  constexpr std::int64_t kPiece = 256;
  constexpr double kNanoseconds = 1000.0;
  if (n == 0) return;
  const auto d = factor.rows();
  const auto mean = [&](std::int64_t i) -> Vector {
    return Eigen::Map<const Vector>(means + i * d, d);
  };
  const BoxPlan plan = plan_box(box, mean(0), factor);
  const std::int64_t pieces = (n + kPiece - 1) / kPiece;
  const int used = useful_threads(threads, pieces, kPiece * kNanoseconds);
  parallel_for(pieces, used, stop, [&](std::int64_t piece, int) {
    for (std::int64_t i = piece * kPiece; i < std::min(n, (piece + 1) * kPiece); ++i)
      out[i] = box_probability(box, mean(i), factor, plan).log_probability;
  });
}

}  // namespace mogfit
