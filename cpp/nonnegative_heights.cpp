#include "nonnegative_heights.hpp"

#include <Eigen/Cholesky>
#include <cmath>
#include <vector>

namespace mogfit {

namespace {

std::vector<int> numbers(const std::vector<char>& flags) {
  std::vector<int> found;
  for (std::size_t k = 0; k < flags.size(); ++k)
    if (flags[k]) found.push_back(static_cast<int>(k));
  return found;
}

// The part of g h = c that belongs to some heights, the others being 0.
bool solve_part(const Matrix& g, const Vector& c, const std::vector<int>& at, Vector& solution) {
  const int count = static_cast<int>(at.size());
  Matrix part(count, count);
  Vector right(count);
  for (int i = 0; i < count; ++i) {
    right[i] = c[at[i]];
    for (int j = 0; j < count; ++j) part(i, j) = g(at[i], at[j]);
  }
  return solve_scaled(part, right, kRidge, solution);
}

}  // namespace

bool solve_scaled(Matrix a, Vector b, double ridge, Vector& solution) {
  const Vector diagonal = a.diagonal();
  if (!(diagonal.array() > 0.0).all()) return false;
  const Vector unit = diagonal.cwiseSqrt().cwiseInverse();
  a = unit.asDiagonal() * a * unit.asDiagonal();
  a.diagonal().array() += ridge;
  const Eigen::LLT<Matrix> factor(a);
  if (factor.info() != Eigen::Success) return false;
  solution = unit.cwiseProduct(factor.solve(unit.cwiseProduct(b)));
  return solution.allFinite();
}

Vector nonnegative_heights(const Matrix& gram, const Vector& moments, const Vector& guess) {
  const int n = static_cast<int>(moments.size());
  Vector unit(n);
  for (int k = 0; k < n; ++k) unit[k] = gram(k, k) > 0.0 ? 1.0 / std::sqrt(gram(k, k)) : 0.0;
  const Matrix g = unit.asDiagonal() * gram * unit.asDiagonal();
  const Vector c = unit.cwiseProduct(moments);
  const double least = 1e-14 * c.cwiseAbs().maxCoeff();
  Vector h = Vector::Zero(n);
  std::vector<char> active(n, 0);
  std::vector<char> barred(n, 0);  // entered, and driven out at once by rounding
  Vector solution;

  // From the guess: what turns out negative leaves, until nothing does.
  for (int k = 0; k < guess.size(); ++k) active[k] = guess[k] > 0.0 && unit[k] > 0.0;
  for (bool leaves = true; leaves;) {
    leaves = false;
    const std::vector<int> at = numbers(active);
    if (at.empty()) break;
    if (!solve_part(g, c, at, solution)) {
      active.assign(n, 0);
      break;
    }
    for (std::size_t i = 0; i < at.size(); ++i)
      if (solution[i] <= 0.0) {
        active[at[i]] = 0;
        leaves = true;
      }
    if (!leaves)
      for (std::size_t i = 0; i < at.size(); ++i) h[at[i]] = solution[i];
  }

  for (int round = 0; round < 3 * n + 3; ++round) {
    const Vector slope = c - g * h;
    int best = -1;
    for (int k = 0; k < n; ++k)
      if (!active[k] && !barred[k] && unit[k] > 0.0 && slope[k] > least &&
          (best < 0 || slope[k] > slope[best]))
        best = k;
    if (best < 0) break;
    active[best] = 1;
    for (;;) {
      const std::vector<int> at = numbers(active);
      if (!solve_part(g, c, at, solution)) {
        active[best] = 0;
        barred[best] = 1;
        break;
      }
      double reach = 1.0;
      int blocking = -1;
      for (std::size_t i = 0; i < at.size(); ++i)
        if (solution[i] <= 0.0) {
          const double share = h[at[i]] / (h[at[i]] - solution[i]);
          if (blocking < 0 || share < reach) reach = share, blocking = at[i];
        }
      for (std::size_t i = 0; i < at.size(); ++i) h[at[i]] += reach * (solution[i] - h[at[i]]);
      if (blocking < 0) {
        barred.assign(n, 0);
        break;
      }
      h[blocking] = 0.0;
      active[blocking] = 0;
      if (blocking == best) {
        barred[best] = 1;
        break;
      }
    }
  }
  return unit.cwiseProduct(h);
}

}  // namespace mogfit
