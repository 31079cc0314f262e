#include "minimax_tilting.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

namespace mogfit {

namespace {

// Of z_i - tilt between the sides i, given z_1, ..., z_(i-1).
NormalInterval side_given(const StandardBox& box, const Matrix& slopes, const Vector& z, int i,
                          double tilt) {
  const Interval& side = box.sides[i];
  const double pivot = box.factor(i, i);
  const double centre = slopes.row(i).head(i).dot(z.head(i)) + tilt;
  return normal_interval(
      {side.low / pivot - centre, side.high / pivot - centre, side.width / pivot});
}

// psi where it is largest over z, for the tilt that makes it so. With e_i the mean and v_i the
// variance of the standard normal between the sides i less tilt_i, and L_ij = A_ij / A_ii,
//   d psi / d z_j = -tilt_j + sum_(i > j) L_ij e_i.
// From the last i to the first, this vanishes for tilt_j = sum_(i > j) L_ij e_i: psi is concave in
// z, so every z leads to a tilt and to a true bound psi(z, tilt(z)). The least one is at the saddle
// point, where the other half of the gradient, d psi / d tilt_i = tilt_i - z_i + e_i, is 0 too.
class Bound {
 public:
  Bound(const StandardBox& box, const Matrix& slopes, const Vector& at)
      : z(at), tilt(Vector::Zero(box.size())), residual(box.size()), variance(box.size()) {
    Vector mean(box.size());
    for (int i = box.size() - 1; i >= 0; --i) {
      const auto inside = box.size() - 1 - i;
      tilt[i] = slopes.col(i).tail(inside).dot(mean.tail(inside));
      const NormalInterval e = side_given(box, slopes, z, i, tilt[i]);
      mean[i] = e.mean;
      variance[i] = std::clamp(e.second - e.mean * e.mean, 0.0, 1.0);
      residual[i] = tilt[i] - z[i] + e.mean;
      value += tilt[i] * (0.5 * tilt[i] - z[i]) + e.log_mass;
    }
  }

  Vector z;
  Vector tilt;
  Vector residual;  // d psi / d tilt
  Vector variance;  // v
  double value = 0.0;
};

// Each z_i the mean of what its sides allow given the ones before.
Vector sequential_means(const StandardBox& box, const Matrix& slopes) {
  Vector z = Vector::Zero(box.size());
  for (int i = 0; i < box.size(); ++i) z[i] = side_given(box, slopes, z, i, 0.0).mean;
  return z;
}

struct NewtonStep {
  Vector direction;
  double decrease;  // of the bound, to first order
};

// The Hessian of psi in (z, tilt) is [[-C, B^T], [B, D]] with B = -(I + (I - D) L) lower
// triangular, C = L^T (I - D) L over all sides and D = diag(v). Newton's step on both halves of the
// gradient, the first of them 0, is dz = B^-1 w with (I + D K) w = -residual, K = B^-T C B^-1. The
// bound changes by residual^T K w <= 0: its gradient in z is (d tilt / d z)^T residual = C B^-1
// residual.
NewtonStep newton_step(const Matrix& slopes, const Bound& at) {
  const auto m = slopes.rows() - 1;
  const Vector remaining = 1.0 - at.variance.array();
  Matrix minus_b = remaining.head(m).asDiagonal() * slopes.topLeftCorner(m, m);
  minus_b.diagonal().array() += 1.0;
  const auto triangle = minus_b.triangularView<Eigen::Lower>();
  Matrix root = remaining.cwiseSqrt().asDiagonal() * slopes.leftCols(m);
  triangle.solveInPlace<Eigen::OnTheRight>(root);
  const Matrix k = root.transpose() * root;
  // w = -(residual - D^(1/2) (I + D^(1/2) K D^(1/2))^-1 D^(1/2) K residual): symmetric, and
  // positive definite.
  const Vector deviation = at.variance.head(m).cwiseSqrt();
  const Matrix system =
      Matrix::Identity(m, m) + deviation.asDiagonal() * k * deviation.asDiagonal();
  const Vector pull = k * at.residual.head(m);
  const Vector solved = system.llt().solve(deviation.cwiseProduct(pull));
  const Vector w = deviation.cwiseProduct(solved) - at.residual.head(m);
  NewtonStep step{Vector::Zero(m + 1), -pull.dot(w)};
  step.direction.head(m) = -triangle.solve(w);
  return step;
}

}  // namespace

Tilting minimax_tilting(const StandardBox& box) {
  constexpr int kMaxSteps = 100;
  constexpr int kMaxHalvings = 40;
  constexpr double kTolerance = 1e-10;
  const int n = box.size();
  Matrix slopes = Matrix::Zero(n, n);  // L: strictly lower
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < i; ++j) slopes(i, j) = box.factor(i, j) / box.factor(i, i);

  Bound best(box, slopes, sequential_means(box, slopes));
  for (int step = 0; step < kMaxSteps && n > 1; ++step) {
    const NewtonStep newton = newton_step(slopes, best);
    if (!(newton.decrease > kTolerance * std::max(1.0, std::abs(best.value)))) break;
    double length = 1.0;
    bool improved = false;
    for (int halving = 0; halving < kMaxHalvings && !improved; ++halving, length *= 0.5) {
      const Bound trial(box, slopes, best.z + length * newton.direction);
      improved = trial.value < best.value - 1e-4 * length * newton.decrease;
      if (improved) best = trial;
    }
    // What is left is rounding.
    if (!improved) break;
  }
  return {best.tilt, best.value};
}

}  // namespace mogfit
