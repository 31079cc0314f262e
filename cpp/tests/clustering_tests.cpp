// K-means and the moments of labels, against plain loops.
#include "core_tests.hpp"

#include <limits>

#include "check.hpp"
#include "errors.hpp"
#include "kmeans.hpp"
#include "label_moments.hpp"
#include "layouts.hpp"
#include "reference.hpp"

namespace mogfit::tests {

namespace {

struct Scales {
  std::vector<double> location;
  std::vector<double> scale;
  explicit Scales(int d) : location(d, 6.5), scale(d, 0.8) {}
};

KMeansOptions options_of(const Scales& scales, int iterations, double tolerance = 0.0) {
  return {scales.location.data(), scales.scale.data(), iterations, tolerance};
}

void test_clusters(int n, int d, int ngauss, bool weighted) {
  const std::string what = "k-means N=" + std::to_string(n) + " d=" + std::to_string(d) +
                           " K=" + std::to_string(ngauss) + (weighted ? " weighted" : "");
  Numbers numbers(n + 10 * d + ngauss);
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, 5.0, 9.0);
  std::vector<double> weight(n, 1.0);
  if (weighted) weight = numbers.uniforms(n, 0.0, 2.0);
  for (int i = 1; weighted && i < n; i += 3) weight[i] = 0.0;
  const double* const weights = weighted ? weight.data() : nullptr;
  const Scales scales(d);
  const Layout layout = row_major(x, d);
  const Clusters seen = kmeans(layout.points(), weights, ngauss, options_of(scales, 300), 1, 2, 1);

  // Every point has the nearest centre, and every centre is the mean of its points.
  std::vector<Real> sums(static_cast<std::size_t>(ngauss) * d, 0.0L);
  std::vector<Real> totals(ngauss, 0.0L);
  for (int i = 0; i < n; ++i) {
    const int label = seen.labels[i];
    check(label >= 0 && label < ngauss, what + " label");
    Real own = 0.0L;
    Real least = std::numeric_limits<Real>::infinity();
    for (int k = 0; k < ngauss; ++k) {
      Real square = 0.0L;
      for (int j = 0; j < d; ++j)
        square += std::pow(static_cast<Real>(x[i * d + j]) - seen.centres(k, j), 2.0L);
      least = std::fmin(least, square);
      if (k == label) own = square;
    }
    check(own <= least * (1.0L + 1e-12L) + 1e-25L, what + " nearest centre");
    totals[label] += weight[i];
    for (int j = 0; j < d; ++j) sums[label * d + j] += weight[i] * x[i * d + j];
  }
  for (int k = 0; k < ngauss; ++k) {
    check_close(seen.weights[k], totals[k], 1e-12, what + " weight");
    for (int j = 0; j < d && totals[k] > 0.0L; ++j)
      check_close(seen.centres(k, j), sums[k * d + j] / totals[k], 1e-12, what + " centroid");
  }

  for (const int threads : {2, 3}) {
    const Clusters other =
        kmeans(layout.points(), weights, ngauss, options_of(scales, 300), 1, 2, threads);
    check(other.labels == seen.labels && other.centres == seen.centres, what + " threads");
  }
  for (const Layout& lying : all_layouts(x, d)) {
    const Layout plain = row_major(lying.values(), d);
    const auto options = options_of(scales, 3);
    check(kmeans(lying.points(), weights, ngauss, options, 5, 0, 1).labels ==
              kmeans(plain.points(), weights, ngauss, options, 5, 0, 1).labels,
          what + " " + lying.name());
  }
}

void test_few_distinct_points() {
  const std::vector<double> x{1, 1, 1, 1, 4, 4, 4, 4, 9, 9};  // 3 distinct points, twice or once
  const Layout layout = row_major(x, 2);
  const Scales scales(2);
  for (std::uint64_t seed = 0; seed < 8; ++seed)
    for (const int ngauss : {3, 4, 7}) {
      const Clusters seen =
          kmeans(layout.points(), nullptr, ngauss, options_of(scales, 50), seed, 0, 1);
      for (int i = 0; i < 5; ++i)
        for (int j = 0; j < 2; ++j)
          check_close(seen.centres(seen.labels[i], j), x[2 * i + j], 1e-14, "few distinct points");
    }
  // A point without weight may be anything, and is never a centre.
  std::vector<double> broken = x;
  broken[4] = broken[5] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> weight{1, 1, 0, 1, 1};
  const Layout lying = row_major(broken, 2);
  const Clusters seen = kmeans(lying.points(), weight.data(), 4, options_of(scales, 50), 3, 0, 1);
  check(seen.centres.allFinite(), "a point without weight");
  const std::vector<double> none(5, 0.0);
  check_throws<InputError>(
      [&] { kmeans(layout.points(), none.data(), 2, options_of(scales, 5), 0, 0, 1); }, "weight",
      "no weight at all");
}

void test_moments_of_labels(int n, int d, int ngauss, double offset) {
  const std::string what = "label moments N=" + std::to_string(n) + " d=" + std::to_string(d);
  Numbers numbers(n + d);
  std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, -1.0, 1.0);
  for (double& value : x) value += offset;
  std::vector<double> weight = numbers.uniforms(n, 0.0, 2.0);
  std::vector<std::int32_t> labels(n);
  // The last label has no points.
  for (int i = 0; i < n; ++i)
    labels[i] = static_cast<std::int32_t>(numbers.uniform(0.0, ngauss - 1.0));
  if (n > 0) weight[0] = 0.0;
  std::vector<double> broken = x;
  if (n > 0) broken[0] = std::numeric_limits<double>::quiet_NaN();
  const Layout layout = row_major(broken, d);
  for (const Scatter scatter : {Scatter::kFull, Scatter::kDiagonal}) {
    const LabelMoments seen =
        label_moments(layout.points(), labels.data(), weight.data(), ngauss, scatter, 1);
    for (int k = 0; k < ngauss; ++k) {
      Real total = 0.0L;
      std::vector<Real> mean(d, 0.0L);
      std::vector<Real> second(d * d, 0.0L);
      for (int i = 0; i < n; ++i)
        if (labels[i] == k) {
          total += weight[i];
          for (int j = 0; j < d; ++j) mean[j] += static_cast<Real>(weight[i]) * x[i * d + j];
        }
      if (total > 0.0L)
        for (Real& value : mean) value /= total;
      for (int i = 0; i < n; ++i)
        for (int j = 0; j < d && labels[i] == k; ++j)
          for (int l = 0; l < d; ++l)
            second[j * d + l] += weight[i] * (x[i * d + j] - mean[j]) * (x[i * d + l] - mean[l]);
      check_close(seen.s0[k], total, 1e-13 * n, what + " weight");
      for (int j = 0; j < d; ++j) {
        check_close(seen.means(k, j), mean[j], 1e-15, what + " mean");
        for (int l = 0; l < d; ++l)
          check_close(seen.s2[k](j, l),
                      scatter == Scatter::kFull || j == l ? second[j * d + l] : 0.0L, 1e-13 * n,
                      what + " scatter");
      }
    }
    for (const int threads : {2, 3}) {
      const LabelMoments other =
          label_moments(layout.points(), labels.data(), weight.data(), ngauss, scatter, threads);
      check(other.means == seen.means && other.s2 == seen.s2, what + " threads");
    }
  }
}

}  // namespace

void test_clustering() {
  for (const auto& [n, d] : {std::pair{1, 1}, {5, 2}, {129, 3}, {300, 5}, {300, 17}})
    for (const int ngauss : {1, 2, 9})
      for (const bool weighted : {false, true}) test_clusters(n, d, ngauss, weighted);
  test_clusters(20011, 4, 6, true);
  test_few_distinct_points();
  for (const auto& [n, d] : {std::pair{0, 2}, {1, 1}, {7, 3}, {300, 2}, {300, 9}, {300, 18}})
    test_moments_of_labels(n, d, 4, 1e8);
  test_moments_of_labels(40000, 3, 3, 0.0);
}

}  // namespace mogfit::tests
