#include "standard_box.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

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

}  // namespace

// Orthogonalising the rows one after the other loses less than factorising their product.
Matrix lower_factor(Matrix rows) {
  const auto n = rows.rows();
  Matrix factor = Matrix::Zero(n, n);
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < i; ++j) {
      const double along = rows.row(i).dot(rows.row(j));
      factor(i, j) = along;
      rows.row(i) -= along * rows.row(j);
    }
    factor(i, i) = rows.row(i).norm();
    rows.row(i) /= factor(i, i);
  }
  return factor;
}

StandardisedBox::Group standardise_group(const std::vector<int>& variables, const Box& box,
                                         const Vector& mean, const Matrix& factor) {
  const int n = static_cast<int>(variables.size());
  StandardisedBox::Group group{variables, {}, {{}, Matrix()}};
  Matrix rows(n, factor.cols());
  for (int i = 0; i < n; ++i) {
    const int j = variables[i];
    const double deviation = factor.row(j).norm();
    const auto [unit, side] = standard_side(box.lower[j], box.upper[j], mean[j], deviation);
    group.units.push_back(unit);
    group.box.sides.push_back(side);
    rows.row(i) = factor.row(j) / unit;
  }
  group.box.factor = lower_factor(std::move(rows));
  return group;
}

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
    result.groups.push_back(standardise_group(variables, box, mean, factor));
  }
  return result;
}

}  // namespace mogfit
