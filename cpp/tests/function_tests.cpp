// Fits to functions: the sums over a mesh, the heights, and descents.
#include <algorithm>
#include <cmath>

#include "bump_fit.hpp"
#include "bump_sums.hpp"
#include "check.hpp"
#include "core_tests.hpp"
#include "layouts.hpp"
#include "nonnegative_heights.hpp"
#include "reference.hpp"

namespace mogfit::tests {

namespace {

std::string name_of(int n, int d, int ngauss) {
  return "n=" + std::to_string(n) + " d=" + std::to_string(d) + " K=" + std::to_string(ngauss);
}

// A mesh with weights, values on it, and bumps that overlap.
struct Problem {
  int n;
  std::vector<double> x;
  std::vector<double> values;
  std::vector<double> roots;
  Bumps bumps;

  Problem(int points, int d, int ngauss) : n(points) {
    Numbers numbers(11 * n + 3 * d + ngauss);
    x = numbers.uniforms(static_cast<std::size_t>(n) * d, -2.0, 2.0);
    values = numbers.uniforms(n, -0.5, 1.0);
    roots = numbers.uniforms(n, 0.0, 2.0);
    const Parameters<double> p = numbers.mixture(ngauss, d);
    bumps.means = Eigen::Map<const Matrix>(p.means.data(), ngauss, d);
    for (int k = 0; k < ngauss; ++k) {
      Matrix factor = Matrix::Zero(d, d);
      const auto l = cholesky(widen(p).covariance(k), d);
      for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j) factor(i, j) = static_cast<double>(l[i * d + j]);
      bumps.factors.push_back(factor);
    }
    bumps.heights = Vector::Constant(ngauss, 0.7);
    bumps.shifts = Vector::Zero(ngauss);
  }

  FunctionMesh mesh() const {
    const Layout layout = row_major(x, d());
    return FunctionMesh(layout.points(), values.data(), roots.data());
  }
  int d() const { return bumps.nvars(); }

  // 1, u_j, u_i u_j of bump k at point i, times its value there.
  std::vector<Real> columns(int i, int k) const {
    std::vector<Real> u(d());
    Real q = 0.0L;
    for (int j = 0; j < d(); ++j) {
      Real sum = static_cast<Real>(x[i * d() + j]) - bumps.means(k, j);
      for (int m = 0; m < j; ++m) sum -= bumps.factors[k](j, m) * u[m];
      u[j] = sum / bumps.factors[k](j, j);
      q += u[j] * u[j];
    }
    const Real b = roots[i] * std::exp(bumps.shifts[k] - 0.5L * q);
    std::vector<Real> c{b};
    for (int j = 0; j < d(); ++j) c.push_back(b * u[j]);
    for (int j = 0; j < d(); ++j)
      for (int l = 0; l <= j; ++l) c.push_back(b * u[j] * u[l]);
    return c;
  }
};

void test_sums(int n, int d, int ngauss) {
  const std::string name = name_of(n, d, ngauss);
  const Problem problem(n, d, ngauss);
  const FunctionMesh mesh = problem.mesh();
  const BumpSums sums = bump_sums(mesh, problem.bumps, true, 1, {});
  const int m = bump_columns(d);
  std::vector<Real> gram(static_cast<std::size_t>(ngauss) * m * ngauss * m, 0.0L);
  std::vector<Real> moments(static_cast<std::size_t>(ngauss) * m, 0.0L);
  std::vector<Real> curvature(static_cast<std::size_t>(ngauss) * m * m, 0.0L);
  Real total = 0.0L;
  for (int i = 0; i < n; ++i) {
    std::vector<Real> all;
    Real r = static_cast<Real>(problem.roots[i]) * problem.values[i];
    for (int k = 0; k < ngauss; ++k) {
      const std::vector<Real> c = problem.columns(i, k);
      r -= problem.bumps.heights[k] * c[0];
      all.insert(all.end(), c.begin(), c.end());
    }
    total += r * r;
    for (std::size_t a = 0; a < all.size(); ++a) {
      moments[a] += r * all[a];
      for (std::size_t b = 0; b < all.size(); ++b) gram[a * all.size() + b] += all[a] * all[b];
    }
    for (int k = 0; k < ngauss; ++k) {
      const Real b = all[k * m];
      if (b == 0.0L) continue;
      for (int p = 0; p < m; ++p)
        for (int q = 0; q < m; ++q)
          curvature[(k * m + p) * m + q] += r * all[k * m + p] * all[k * m + q] / b;
    }
  }
  const double tolerance = 1e-14 * n;
  check_close(sums.residual, total, tolerance, name + " residual");
  for (int a = 0; a < ngauss * m; ++a) {
    check_close(sums.moments[a], moments[a], tolerance, name + " moments");
    for (int b = 0; b < ngauss * m; ++b)
      check_close(sums.gram(a, b), gram[a * ngauss * m + b], tolerance, name + " gram");
  }
  for (int k = 0; k < ngauss; ++k)
    for (int p = 0; p < m; ++p)
      for (int q = 0; q < m; ++q)
        check_close(sums.curvature[k](p, q), curvature[(k * m + p) * m + q], tolerance,
                    name + " curvature");
}

// However many threads there are.
void test_threads() {
  const Problem problem(20000, 2, 3);
  const FunctionMesh mesh = problem.mesh();
  const auto bits = [&](int threads) {
    const BumpSums sums = bump_sums(mesh, problem.bumps, true, threads, {});
    std::vector<double> all(sums.gram.data(), sums.gram.data() + sums.gram.size());
    all.insert(all.end(), sums.moments.data(), sums.moments.data() + sums.moments.size());
    all.push_back(sums.residual);
    return all;
  };
  const std::vector<double> one = bits(1);
  for (const int threads : {2, 3, 7}) check_same_bits(bits(threads), one, "bump_sums on threads");
}

// A bump whose mean lies far outside has the value 1 at the nearest point.
void test_shifts() {
  Problem problem(300, 1, 1);
  problem.bumps.means(0, 0) = 60.0;
  problem.bumps.factors[0](0, 0) = 0.5;
  const FunctionMesh mesh = problem.mesh();
  set_shifts(mesh, problem.bumps, 1, {});
  const double nearest = *std::max_element(problem.x.begin(), problem.x.end());
  const Real u = (60.0L - nearest) / 0.5L;
  check_close(problem.bumps.shifts[0], 0.5L * u * u, 1e-14, "shift");
  problem.bumps.heights[0] = 1.0;
  std::vector<double> values(problem.n);
  bump_values(mesh, problem.bumps, values.data(), 1, {});
  check_close(*std::max_element(values.begin(), values.end()), 1.0L, 1e-12, "largest value");
}

// Karush, Kuhn and Tucker: slopes are 0 where a height is positive, and not positive elsewhere.
void test_heights() {
  for (int seed = 0; seed < 200; ++seed) {
    Numbers numbers(seed);
    const int ngauss = 1 + seed % 8;
    const int rows = 3 + seed % 20;
    Matrix b(rows, ngauss);
    Vector f(rows);
    for (int i = 0; i < rows; ++i) {
      f[i] = numbers.uniform(-0.5, 1.0);
      for (int k = 0; k < ngauss; ++k) b(i, k) = numbers.uniform(0.0, 1.0);
    }
    // Equal columns are told apart by nobody.
    if (seed % 5 == 0 && ngauss > 1) b.col(1) = b.col(0);
    const Matrix gram = b.transpose() * b;
    const Vector moments = b.transpose() * f;
    Vector guess(seed % 2 ? 0 : ngauss);
    for (int k = 0; k < guess.size(); ++k) guess[k] = numbers.uniform(-1.0, 1.0);
    const Vector h = nonnegative_heights(gram, moments, guess);
    const Vector slopes = moments - gram * h;
    bool holds = true;
    for (int k = 0; k < ngauss; ++k) {
      const double tolerance = 1e-9 * (1.0 + gram.norm());
      holds = holds && h[k] >= 0.0 &&
              (h[k] > 0.0 ? std::fabs(slopes[k]) <= tolerance : slopes[k] <= tolerance);
    }
    check(holds, "nonnegative_heights, seed " + std::to_string(seed));
  }
}

// sum_i r_i b_i after changes a and T of a bump, T lower, row by row, its diagonal in logarithms.
Real changed_sum(const std::vector<std::vector<Real>>& u, const std::vector<Real>& r, int d,
                 const std::vector<Real>& change) {
  Real total = 0.0L;
  for (std::size_t i = 0; i < u.size(); ++i) {
    std::vector<Real> v(d);
    Real q = 0.0L;
    int p = d;
    for (int j = 0; j < d; ++j) {
      v[j] = u[i][j] - change[j];
      for (int l = 0; l < j; ++l) v[j] -= change[p++] * v[l];
      v[j] /= std::exp(change[p++]);
      q += v[j] * v[j];
    }
    total += r[i] * std::exp(-0.5L * q);
  }
  return total;
}

void test_second_derivatives(int d) {
  Numbers numbers(d);
  const int m = bump_columns(d);
  std::vector<std::vector<Real>> u;
  std::vector<Real> r;
  Matrix q = Matrix::Zero(m, m);
  for (int i = 0; i < 40; ++i) {
    std::vector<Real> p{1.0L};
    Real square = 0.0L;
    for (int j = 0; j < d; ++j) p.push_back(numbers.uniform(-2.0, 2.0));
    for (int j = 1; j <= d; ++j) square += p[j] * p[j];
    for (int j = 1; j <= d; ++j)
      for (int l = 1; l <= j; ++l) p.push_back(p[j] * p[l]);
    u.emplace_back(p.begin() + 1, p.begin() + 1 + d);
    r.push_back(numbers.uniform(-1.0, 1.0));
    for (int a = 0; a < m; ++a)
      for (int b = 0; b < m; ++b)
        q(a, b) += static_cast<double>(r.back() * std::exp(-0.5L * square) * p[a] * p[b]);
  }
  const Matrix second = second_derivatives(q, d);
  const Real step = 1e-4L;
  const auto at = [&](int a, Real by_a, int b, Real by_b) {
    std::vector<Real> change(m - 1, 0.0L);
    change[a] += by_a * step;
    change[b] += by_b * step;
    return changed_sum(u, r, d, change);
  };
  for (int a = 0; a < m - 1; ++a)
    for (int b = 0; b < m - 1; ++b) {
      const Real expected =
          (at(a, 1, b, 1) - at(a, 1, b, -1) - at(a, -1, b, 1) + at(a, -1, b, -1)) /
          (4.0L * step * step);
      check_close(second(1 + a, 1 + b), expected, 1e-6,
                  "second derivatives d=" + std::to_string(d));
    }
}

BumpFitSettings settings_for(int d) {
  BumpFitSettings settings;
  settings.narrowest = Vector::Constant(d, 1e-3);
  settings.widest = Vector::Constant(d, 10.0);
  return settings;
}

// Bumps that made the values are found again from other ones.
void test_descent(int d) {
  Problem problem(2000, d, 2);
  problem.roots.assign(problem.n, 1.0);
  const FunctionMesh any = problem.mesh();
  bump_values(any, problem.bumps, problem.values.data(), 1, {});
  Real norm = 0.0L;
  for (const double v : problem.values) norm += static_cast<Real>(v) * v;
  for (double& v : problem.values) v /= static_cast<double>(std::sqrt(norm));
  const FunctionMesh mesh = problem.mesh();
  Bumps start = problem.bumps;
  start.means.array() += 0.15;
  for (Matrix& factor : start.factors) factor *= 1.2;
  const BumpFit fit = fit_bumps(mesh, start, settings_for(d), 1, {});
  const std::string name = "descent d=" + std::to_string(d);
  check(fit.ending == BumpEnding::kConverged, name + " converges");
  check(fit.loss < 1e-24, name + " is exact");
  check((fit.bumps.means - problem.bumps.means).cwiseAbs().maxCoeff() < 1e-9, name + " means");
  for (int k = 0; k < 2; ++k)
    check((fit.bumps.factors[k] - problem.bumps.factors[k]).cwiseAbs().maxCoeff() < 1e-9,
          name + " factors");
  BumpFitSettings fixed = settings_for(d);
  fixed.fixed_means = true;
  const BumpFit held = fit_bumps(mesh, start, fixed, 1, {});
  check(held.bumps.means == start.means, name + " holds means");
  int calls = 0;
  const BumpFit stopped = fit_bumps(mesh, start, settings_for(d), 1, {},
                                    [&](int, double, const Bumps&) { return ++calls < 2; });
  check(stopped.ending == BumpEnding::kStopped && stopped.iterations == 2, name + " stops");
}

}  // namespace

void test_functions() {
  for (const int n : {1, 2, 7, 127, 128, 129, 1000, 5000}) test_sums(n, 1, 3);
  for (const int d : {2, 3, 4, 6}) test_sums(300, d, 2);
  test_sums(300, 1, 1);
  test_sums(700, 2, 9);
  test_threads();
  test_shifts();
  test_heights();
  for (const int d : {1, 2, 3, 4}) test_second_derivatives(d);
  for (const int d : {1, 2, 3}) test_descent(d);
}

}  // namespace mogfit::tests
