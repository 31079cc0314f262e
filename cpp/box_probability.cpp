#include "box_probability.hpp"

#include <algorithm>

#include "box_quadrature.hpp"

namespace mogfit {

namespace {

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
      const StandardisedBox::Group ordered = standardise_group(held->variables, box, mean, factor);
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
