// Diagonal mixtures and diagonal scatter: the same bits as the triangular kernels', and the scalar
// reference.
#include "core_tests.hpp"

#include <algorithm>
#include <limits>

#include "check.hpp"
#include "data_pass.hpp"
#include "density.hpp"
#include "layouts.hpp"
#include "reference.hpp"

namespace mogfit::tests {

namespace {

Parameters<double> diagonal_mixture(Numbers& numbers, int ngauss, int d) {
  Parameters<double> p = numbers.mixture(ngauss, d);
  for (int k = 0; k < ngauss; ++k)
    for (int j = 0; j < d * d; ++j)
      if (j % (d + 1) != 0) p.covariances[k * d * d + j] = 0.0;
  return p;
}

// The same density by the triangular kernels: one more component, correlated, without weight.
Parameters<double> with_correlated(Parameters<double> p) {
  const int d = p.nvars;
  p.weights.push_back(0.0);
  for (int j = 0; j < d; ++j) p.means.push_back(0.5);
  for (int i = 0; i < d; ++i)
    for (int j = 0; j < d; ++j) p.covariances.push_back(i == j ? 1.0 : 0.1);
  ++p.ngauss;
  return p;
}

std::vector<double> flatten(const Moments& moments, int ngauss) {
  std::vector<double> all{moments.loglik};
  const Eigen::Index d = moments.s1.cols();
  all.insert(all.end(), moments.s0.data(), moments.s0.data() + ngauss);
  all.insert(all.end(), moments.s1.data(), moments.s1.data() + ngauss * d);
  for (int k = 0; k < ngauss; ++k)
    all.insert(all.end(), moments.s2[k].data(), moments.s2[k].data() + d * d);
  return all;
}

void test_same_bits(int n, int d, int ngauss) {
  const std::string what = "diagonal N=" + std::to_string(n) + " d=" + std::to_string(d);
  Numbers numbers(100 * d + n);
  const Parameters<double> p = diagonal_mixture(numbers, ngauss, d);
  const PreparedMixture diagonal = prepare(p);
  const PreparedMixture triangular = prepare(with_correlated(p));
  check(diagonal.diagonal(), what + " is seen to be diagonal");
  check(triangular.diagonal() == (d == 1), what + " with a correlated one is not");
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, -4.0, 4.0);
  const Layout layout = row_major(x, d);
  const Points points = layout.points();
  std::vector<double> one(n);
  std::vector<double> two(n);
  density(diagonal, points, DensityKind::kLog, one.data(), 1);
  density(triangular, points, DensityKind::kLog, two.data(), 1);
  check_same_bits(one, two, what + " log density");
  check_same_bits(flatten(data_pass(diagonal, points, 1), ngauss),
                  flatten(data_pass(triangular, points, 1), ngauss), what + " pass");
}

// The diagonal of S2 alone, of a diagonal mixture and of a full one.
void test_scatter(int n, int d, int ngauss, bool diagonal) {
  const std::string what = std::string(diagonal ? "diagonal" : "full") +
                           " mixture, scatter N=" + std::to_string(n) + " d=" + std::to_string(d);
  Numbers numbers(7 * d + n);
  const Parameters<double> p =
      diagonal ? diagonal_mixture(numbers, ngauss, d) : numbers.mixture(ngauss, d);
  const PreparedMixture mixture = prepare(p);
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, -4.0, 4.0);
  std::vector<double> weight = numbers.uniforms(n, 0.0, 2.0);
  for (int i = 0; i < n; i += 5) weight[i] = 0.0;
  const Layout layout = row_major(x, d);
  const Observations data{layout.points(), weight.data()};
  const Moments seen = data_pass(mixture, data, 1, {}, Scatter::kDiagonal);
  const ReferencePass expected = reference_pass(widen(p), x, weight);
  check(seen.loglik == log_likelihood(mixture, data, 1), what + " log-likelihood alone");
  const double tolerance = 1e-12 * std::max(1, n);
  for (int k = 0; k < ngauss; ++k) {
    check_close(seen.s0[k], expected.s0[k], tolerance, what + " S0");
    for (int j = 0; j < d; ++j) {
      check_close(seen.s1(k, j), expected.s1[k * d + j], tolerance, what + " S1");
      for (int l = 0; l < d; ++l)
        if (l == j)
          check_close(seen.s2[k](j, j), expected.s2[(k * d + j) * d + j], tolerance, what + " S2");
        else
          check(seen.s2[k](j, l) == 0.0, what + " S2 off the diagonal");
    }
  }
  for (const int threads : {2, 5})
    check_same_bits(flatten(data_pass(mixture, data, threads, {}, Scatter::kDiagonal), ngauss),
                    flatten(seen, ngauss), what + " threads");
}

void test_layouts_and_unusual(int d) {
  const std::string what = "diagonal d=" + std::to_string(d);
  constexpr int kPoints = 300;
  Numbers numbers(d);
  const Parameters<double> p = diagonal_mixture(numbers, 3, d);
  const PreparedMixture mixture = prepare(p);
  std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(kPoints) * d, -4.0, 4.0);
  for (const Layout& layout : all_layouts(x, d)) {
    const Layout plain = row_major(layout.values(), d);
    check_same_bits(flatten(data_pass(mixture, layout.points(), 1, {}, Scatter::kDiagonal), 3),
                    flatten(data_pass(mixture, plain.points(), 1, {}, Scatter::kDiagonal), 3),
                    what + " " + layout.name());
  }
  x[5 * d] = std::numeric_limits<double>::quiet_NaN();
  x[200 * d] = std::numeric_limits<double>::infinity();
  const Layout broken = row_major(x, d);
  std::vector<double> weight(kPoints, 1.0);
  weight[5] = 0.0;
  const Moments seen =
      data_pass(mixture, {broken.points(), weight.data()}, 1, {}, Scatter::kDiagonal);
  check(seen.loglik == -std::numeric_limits<double>::infinity(), what + " infinite point");
  check(seen.s1.allFinite() && std::fabs(seen.s0.sum() - 298.0) < 1e-10, what + " others count");
}

}  // namespace

void test_diagonal() {
  for (int d = 1; d <= 40; ++d) {
    test_same_bits(129 + d, d, 1 + d % 4);
    for (const bool diagonal : {false, true}) test_scatter(130, d, 2, diagonal);
  }
  for (const int n : {0, 1, 7, 128}) {
    test_same_bits(n, 3, 3);
    test_same_bits(n, 17, 3);
    for (const int d : {3, 11, 18}) test_scatter(n, d, 3, true);
  }
  test_scatter(20011, 9, 4, true);
  for (const int d : {1, 2, 3, 9, 16, 17, 33}) test_layouts_and_unusual(d);
}

}  // namespace mogfit::tests
