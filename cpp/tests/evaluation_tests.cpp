// Mixtures, densities and the data pass, against the scalar reference.
#include "core_tests.hpp"

#include <algorithm>
#include <limits>

#include "check.hpp"
#include "data_pass.hpp"
#include "density.hpp"
#include "errors.hpp"
#include "finite.hpp"
#include "layouts.hpp"
#include "reference.hpp"

namespace mogfit::tests {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Rounding of log densities of size 1 to 100 at the condition numbers of Numbers::mixture.
constexpr double kTolerance = 1e-12;

std::string name_of(int n, int d, int ngauss) {
  return "N=" + std::to_string(n) + " d=" + std::to_string(d) + " K=" + std::to_string(ngauss);
}

// Every number of a pass in one row.
std::vector<double> flatten(const Moments& moments) {
  std::vector<double> all{moments.loglik};
  all.insert(all.end(), moments.s0.data(), moments.s0.data() + moments.s0.size());
  all.insert(all.end(), moments.s1.data(), moments.s1.data() + moments.s1.size());
  for (const Matrix& s2 : moments.s2) all.insert(all.end(), s2.data(), s2.data() + s2.size());
  return all;
}

std::vector<double> log_densities(const PreparedMixture& mixture, const Points& points,
                                  int threads = 1) {
  std::vector<double> out(points.n);
  density(mixture, points, DensityKind::kLog, out.data(), threads);
  return out;
}

void check_densities(const PreparedMixture& mixture, const Points& points,
                     const ReferencePass& expected, const std::string& what) {
  const std::size_t n = points.n;
  const std::size_t ngauss = mixture.ngauss();
  const std::vector<double> log_density = log_densities(mixture, points);
  std::vector<double> linear(n);
  std::vector<double> by_component(n * ngauss);
  std::vector<double> shares(n * ngauss);
  density(mixture, points, DensityKind::kLinear, linear.data(), 1);
  component_log_density(mixture, points, by_component.data(), 1);
  responsibilities(mixture, points, shares.data(), 1);
  for (std::size_t i = 0; i < n; ++i) {
    check_close(log_density[i], expected.log_density[i], kTolerance, what + " log density");
    check_close(linear[i], std::exp(expected.log_density[i]), kTolerance, what + " density");
    double sum = 0.0;
    for (std::size_t k = 0; k < ngauss; ++k) {
      check_close(by_component[i * ngauss + k], expected.component_log[i * ngauss + k], kTolerance,
                  what + " component density");
      check_close(shares[i * ngauss + k], expected.responsibilities[i * ngauss + k], kTolerance,
                  what + " responsibility");
      sum += shares[i * ngauss + k];
    }
    check_close(sum, 1.0L, 1e-14, what + " sum of responsibilities");
  }
}

void check_moments(const Moments& seen, const ReferencePass& expected, int n,
                   const std::string& what) {
  const double tolerance = kTolerance * std::max(1, n);
  check_close(seen.loglik, expected.loglik, kTolerance, what + " log-likelihood");
  const int ngauss = static_cast<int>(seen.s0.size());
  const int d = static_cast<int>(seen.s1.cols());
  for (int k = 0; k < ngauss; ++k) {
    check_close(seen.s0[k], expected.s0[k], tolerance, what + " S0");
    for (int j = 0; j < d; ++j) {
      check_close(seen.s1(k, j), expected.s1[k * d + j], tolerance, what + " S1");
      for (int l = 0; l < d; ++l)
        check_close(seen.s2[k](j, l), expected.s2[(k * d + j) * d + l], tolerance, what + " S2");
    }
    check(seen.s2[k] == seen.s2[k].transpose(), what + " S2 is symmetric");
  }
}

void test_shapes(int n, int d, int ngauss) {
  const std::string what = name_of(n, d, ngauss);
  Numbers numbers(1000 * d + 10 * ngauss);
  const Parameters<double> p = numbers.mixture(ngauss, d);
  const PreparedMixture mixture = prepare(p);
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, -4.0, 4.0);
  const Layout layout = row_major(x, d);
  const ReferencePass expected = reference_pass(widen(p), x);
  check_densities(mixture, layout.points(), expected, what);
  const Moments moments = data_pass(mixture, {layout.points(), nullptr}, 1);
  check_moments(moments, expected, n, what);
  check(log_likelihood(mixture, {layout.points(), nullptr}, 1) == moments.loglik,
        what + " log-likelihood alone");

  std::vector<double> weight = numbers.uniforms(n, 0.0, 3.0);
  for (int i = 0; i < n; i += 3) weight[i] = 0.0;
  check_moments(data_pass(mixture, {layout.points(), weight.data()}, 1),
                reference_pass(widen(p), x, weight), n, what + " weighted");
}

void test_layouts(int n, int d, int ngauss) {
  Numbers numbers(77 * d + ngauss);
  const Parameters<double> p = numbers.mixture(ngauss, d);
  const PreparedMixture mixture = prepare(p);
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, -4.0, 4.0);
  for (const Layout& layout : all_layouts(x, d)) {
    const std::string what = name_of(n, d, ngauss) + " " + layout.name();
    const Layout plain = row_major(layout.values(), d);
    check_same_bits(log_densities(mixture, layout.points()), log_densities(mixture, plain.points()),
                    what + " log density");
    check_same_bits(flatten(data_pass(mixture, {layout.points(), nullptr}, 1)),
                    flatten(data_pass(mixture, {plain.points(), nullptr}, 1)), what + " moments");
    const NonFinite found = count_nonfinite(layout.points(), 1);
    check(found.nan == 0 && found.infinite == 0 && found.first_row == -1, what + " finite");
  }
}

// Many chunks and pieces: combined rightly, and in the same way by any number of threads.
void test_threads() {
  constexpr int kPoints = 20011;
  for (const int d : {2, 5, 17}) {
    Numbers numbers(d);
    const Parameters<double> p = numbers.mixture(9, d);
    const PreparedMixture mixture = prepare(p);
    const std::vector<double> x = numbers.uniforms(kPoints * d, -4.0, 4.0);
    const Layout layout = row_major(x, d);
    const std::vector<double> weight = numbers.uniforms(kPoints, 0.0, 2.0);
    const Points points = layout.points();
    const std::string what = "threads d=" + std::to_string(d);
    const auto one = flatten(data_pass(mixture, {points, weight.data()}, 1));
    const auto alone = log_densities(mixture, points, 1);
    check_moments(data_pass(mixture, {points, weight.data()}, 1),
                  reference_pass(widen(p), x, weight), kPoints, what);
    for (const int threads : {2, 3, 7}) {
      check_same_bits(flatten(data_pass(mixture, {points, weight.data()}, threads)), one,
                      what + " moments");
      check_same_bits(log_densities(mixture, points, threads), alone, what + " density");
      check(log_likelihood(mixture, {points, weight.data()}, threads) == one[0],
            what + " log-likelihood");
    }
  }
}

void test_nonfinite(int d) {
  const std::string what = "not finite, d=" + std::to_string(d);
  constexpr int kPoints = 300;
  Numbers numbers(31 * d);
  const Parameters<double> p = numbers.mixture(4, d);
  const PreparedMixture mixture = prepare(p);
  std::vector<double> x = numbers.uniforms(kPoints * d, -3.0, 3.0);
  const auto at = [&](int i, int j) -> double& { return x[i * d + j]; };
  at(3, d - 1) = kNan;
  at(130, 0) = -kInf;
  at(299, 0) = kNan;
  at(299, d - 1) = kInf;  // at d = 1 this replaces the NaN
  const Layout layout = row_major(x, d);
  const auto log_density = log_densities(mixture, layout.points());
  check(std::isnan(log_density[3]), what + ": NaN");
  check(log_density[130] == -kInf, what + ": -inf");
  check(d == 1 ? log_density[299] == -kInf : std::isnan(log_density[299]), what + ": both");
  std::vector<double> shares(kPoints * 4);
  std::vector<double> by_component(kPoints * 4);
  responsibilities(mixture, layout.points(), shares.data(), 1);
  component_log_density(mixture, layout.points(), by_component.data(), 1);
  for (int k = 0; k < 4; ++k) {
    check(std::isnan(shares[3 * 4 + k]) && std::isnan(shares[130 * 4 + k]), what + ": shares");
    check(std::isnan(by_component[3 * 4 + k]) && by_component[130 * 4 + k] == -kInf,
          what + ": component densities");
  }

  const NonFinite found = count_nonfinite(layout.points(), 1);
  check(found.nan == (d == 1 ? 1 : 2) && found.infinite == 2, what + ": counts");
  check(found.first_row == 3 && found.first_column == d - 1, what + ": first place");

  // Weight 0 makes them absent; weight 1 makes the log-likelihood what it must be.
  std::vector<double> weight(kPoints, 1.0);
  for (const int i : {3, 130, 299}) weight[i] = 0.0;
  std::vector<double> finite = x;
  for (const int i : {3, 130, 299})
    for (int j = 0; j < d; ++j) finite[i * d + j] = 0.0;
  const ReferencePass expected = reference_pass(widen(p), finite, weight);
  check_moments(data_pass(mixture, {layout.points(), weight.data()}, 1), expected, kPoints,
                what + " weight 0");
  Moments with_all = data_pass(mixture, {layout.points(), nullptr}, 1);
  check(std::isnan(with_all.loglik), what + ": log-likelihood with NaN");
  with_all.loglik = static_cast<double>(expected.loglik);
  check_moments(with_all, expected, kPoints, what + " moments");
  weight[130] = 1.0;
  check(log_likelihood(mixture, {layout.points(), weight.data()}, 1) == -kInf,
        what + ": log-likelihood with inf");
}

void test_counts() {
  // Several pieces, the first place in a later one.
  constexpr int kRows = 40000;
  std::vector<double> x(kRows * 2, 1.0);
  x[2 * 20000 + 1] = kInf;
  x[2 * 20001] = kNan;
  x[2 * 39999 + 1] = kNan;
  const Layout layout = row_major(x, 2);
  for (const int threads : {1, 3}) {
    const NonFinite found = count_nonfinite(layout.points(), threads);
    check(found.nan == 2 && found.infinite == 1, "counts over pieces");
    check(found.first_row == 20000 && found.first_column == 1, "first place over pieces");
  }
}

void test_far_tails() {
  // 1e6 standard deviations away, and two components whose densities both vanish.
  const Parameters<double> p{2, 1, {0.25, 0.75}, {0.0, 1.0}, {1.0, 4.0}};
  const std::vector<double> x{1e6, -1e6, 40.0, 1e150};
  const Layout layout = row_major(x, 1);
  check_densities(prepare(p), layout.points(), reference_pass(widen(p), x), "far tails");
  const Parameters<double> none{2, 1, {1.0, 0.0}, {0.0, 1.0}, {1.0, 4.0}};
  check_densities(prepare(none), layout.points(), reference_pass(widen(none), x), "zero weight");
}

void test_scales() {
  // Units 24 orders of magnitude apart, with strong correlation.
  const double small = 1e-12;
  const double large = 1e12;
  const Parameters<double> p{
      1,
      2,
      {1.0},
      {0.0, 0.0},
      {small * small, 0.9 * small * large, 0.9 * small * large, large * large}};
  const std::vector<double> x{0.3 * small, -2.0 * large, small, large};
  const Layout layout = row_major(x, 2);
  const ReferencePass expected = reference_pass(widen(p), x);
  const PreparedMixture mixture = prepare(p);
  check_densities(mixture, layout.points(), expected, "scales");
  std::vector<double> factors(mixture.factor(0).data(), mixture.factor(0).data() + 4);
  const double zero = 0.0;
  const PreparedMixture again =
      PreparedMixture::from_factors(1, 2, &zero, p.means.data(), factors.data());
  check_densities(again, layout.points(), expected, "scales, from factors");
}

void test_degenerate() {
  const auto covariances = [](std::vector<double> sigma) {
    sigma.insert(sigma.begin(), {1.0, 0.0, 0.0, 1.0});
    return [sigma] { prepare({2, 2, {0.5, 0.5}, {0, 0, 0, 0}, sigma}); };
  };
  const std::string named = "component 1";
  check_throws<DegenerateError>(covariances({1, 0, 0, 0}), named, "zero variance");
  check_throws<DegenerateError>(covariances({1, 0, 0, -1}), named, "negative variance");
  check_throws<DegenerateError>(covariances({1, 1, 1, 1}), named, "perfect correlation");
  check_throws<DegenerateError>(covariances({1, 2, 2, 1}), named, "indefinite");
  check_throws<DegenerateError>(covariances({0, 0, 0, 0}), named, "all zero");
  check_throws<InputError>(covariances({1, kNan, kNan, 1}), named, "NaN covariance");
  check_throws<InputError>(covariances({kInf, 0, 0, 1}), named, "infinite covariance");
  const auto weights = [](double w) { return [w] { prepare({2, 1, {1.0, w}, {0, 0}, {1, 1}}); }; };
  check_throws<InputError>(weights(-0.1), named, "negative weight");
  check_throws<InputError>(weights(kNan), named, "NaN weight");
  check_throws<InputError>(weights(kInf), named, "infinite weight");
  check_throws<InputError>([] { prepare({1, 1, {1}, {kNan}, {1}}); }, "component 0", "NaN mean");
  const auto factor = [](double diagonal) {
    return [diagonal] {
      const double log_weight = 0.0;
      const double mean[2] = {0.0, 0.0};
      const double l[4] = {1.0, 0.0, 0.5, diagonal};
      PreparedMixture::from_factors(1, 2, &log_weight, mean, l);
    };
  };
  for (const double diagonal : {0.0, -1.0, kNan, kInf})
    check_throws<DegenerateError>(factor(diagonal), "component 0", "factor's diagonal");
}

}  // namespace

void test_evaluation() {
  for (int d = 1; d <= 20; ++d)
    for (const int n : {0, 1, 7, 127, 128, 129}) test_shapes(n, d, 1 + (d + n) % 9);
  for (int ngauss = 1; ngauss <= 9; ++ngauss)
    for (const int d : {1, 3, 16, 17, 33}) test_shapes(d > 16 ? 130 : 1025, d, ngauss);
  for (const int d : {1, 2, 3, 4, 5, 8, 16, 17, 20, 33})
    for (const int n : {0, 1, 7, 129, 300}) test_layouts(n, d, 3);
  test_threads();
  for (const int d : {1, 2, 3, 16, 17, 33}) test_nonfinite(d);
  test_counts();
  test_far_tails();
  test_scales();
  test_degenerate();
}

}  // namespace mogfit::tests
