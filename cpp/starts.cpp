#include "starts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "random_stream.hpp"

namespace mogfit {

namespace {

// The data standardised, column by column, and the weight of each point.
struct Cloud {
  std::int64_t n;
  int d;
  std::vector<double> columns;
  std::vector<double> weights;
  const double* column(int j) const { return columns.data() + j * n; }
  double at(std::int64_t i, int j) const { return columns[j * n + i]; }
};

Cloud standardise(const Points& points, const double* sample_weight, const StartOptions& options) {
  Cloud cloud{points.n, points.d, std::vector<double>(points.n * points.d),
              std::vector<double>(points.n, 1.0)};
  points.visit([&](const auto* data) {
    for (int j = 0; j < points.d; ++j)
      for (std::int64_t i = 0; i < points.n; ++i)
        cloud.columns[j * points.n + i] =
            (data[i * points.row_stride + j * points.column_stride] - options.location[j]) /
            options.scale[j];
  });
  if (sample_weight != nullptr) cloud.weights.assign(sample_weight, sample_weight + points.n);
  return cloud;
}

void squared_distances(const Cloud& cloud, const double* centre, std::vector<double>& distance) {
  std::fill(distance.begin(), distance.end(), 0.0);
  double* const out = distance.data();
  for (int j = 0; j < cloud.d; ++j) {
    const double* const x = cloud.column(j);
    for (std::int64_t i = 0; i < cloud.n; ++i) out[i] += (x[i] - centre[j]) * (x[i] - centre[j]);
  }
}

// result[i] = min(nearest[i], |x_i - centre|^2); returns sum_i s_i result_i.
double update_nearest(const Cloud& cloud, const double* centre, const std::vector<double>& nearest,
                      std::vector<double>& result) {
  squared_distances(cloud, centre, result);
  for (std::int64_t i = 0; i < cloud.n; ++i) result[i] = std::min(nearest[i], result[i]);
  return std::inner_product(result.begin(), result.end(), cloud.weights.begin(), 0.0);
}

// The row at which the running sum of s_i nearest_i reaches `target`.
std::int64_t row_at(const Cloud& cloud, const std::vector<double>& nearest, double target) {
  std::int64_t last = 0;
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    const double mass = cloud.weights[i] * nearest[i];
    if (!(mass > 0.0)) continue;
    last = i;
    if (target < mass) break;
    target -= mass;
  }
  return last;
}

// Centres, row by row: the first drawn in proportion to the weights, each next one the best of
// several candidates drawn in proportion to weight times squared distance to the nearest so far.
std::vector<double> kmeans_plusplus(const Cloud& cloud, int ngauss, RandomStream& random,
                                    const StopRequested& stop) {
  const int d = cloud.d;
  const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(ngauss)));
  std::vector<double> nearest(cloud.n, 1.0);
  std::vector<double> trial(cloud.n);
  std::vector<double> best(cloud.n);
  std::vector<double> centres;
  std::vector<double> candidate(d);
  const auto draw = [&](double total) {
    const std::int64_t row = row_at(cloud, nearest, random.uniform() * total);
    for (int j = 0; j < d; ++j) candidate[j] = cloud.at(row, j);
  };
  draw(std::accumulate(cloud.weights.begin(), cloud.weights.end(), 0.0));
  centres = candidate;
  std::fill(nearest.begin(), nearest.end(), std::numeric_limits<double>::infinity());
  double total = update_nearest(cloud, centres.data(), nearest, best);
  nearest.swap(best);
  while (static_cast<int>(centres.size()) < ngauss * d) {
    if (!(total > 0.0)) {
      // Every point is a centre already: the data hold fewer distinct rows than components.
      const auto row = static_cast<std::int64_t>(random.below(cloud.n));
      for (int j = 0; j < d; ++j) centres.push_back(cloud.at(row, j));
      continue;
    }
    double best_total = std::numeric_limits<double>::infinity();
    std::vector<double> best_candidate;
    for (int c = 0; c < candidates; ++c) {
      check_stop(stop);
      draw(total);
      const double reached = update_nearest(cloud, candidate.data(), nearest, trial);
      if (reached < best_total) {
        best_total = reached;
        best_candidate = candidate;
        best.swap(trial);
      }
    }
    centres.insert(centres.end(), best_candidate.begin(), best_candidate.end());
    nearest.swap(best);
    total = best_total;
  }
  return centres;
}

// The nearest centre of each point.
void assign(const Cloud& cloud, const std::vector<double>& centres, const StopRequested& stop,
            std::vector<int>& labels) {
  const int ngauss = static_cast<int>(centres.size()) / cloud.d;
  std::vector<double> least(cloud.n, std::numeric_limits<double>::infinity());
  std::vector<double> distance(cloud.n);
  for (int k = 0; k < ngauss; ++k) {
    check_stop(stop);
    squared_distances(cloud, centres.data() + k * cloud.d, distance);
    for (std::int64_t i = 0; i < cloud.n; ++i) {
      labels[i] = distance[i] < least[i] ? k : labels[i];
      least[i] = std::min(least[i], distance[i]);
    }
  }
}

// The weight of each cluster; clusters that hold any weight move their means to their centroids.
std::vector<double> update_means(const Cloud& cloud, const std::vector<int>& labels,
                                 std::vector<double>& means) {
  const int d = cloud.d;
  std::vector<double> counts(means.size() / d, 0.0);
  std::vector<double> sums(means.size(), 0.0);
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    counts[labels[i]] += cloud.weights[i];
    for (int j = 0; j < d; ++j) sums[labels[i] * d + j] += cloud.weights[i] * cloud.at(i, j);
  }
  for (std::size_t k = 0; k < counts.size(); ++k)
    for (int j = 0; j < d && counts[k] > 0.0; ++j) means[k * d + j] = sums[k * d + j] / counts[k];
  return counts;
}

}  // namespace

PreparedMixture kmeans_start(const Points& points, const double* sample_weight, int ngauss,
                             const StartOptions& options, std::uint64_t seed, std::uint64_t stream,
                             const StopRequested& stop) {
  const Cloud cloud = standardise(points, sample_weight, options);
  const int d = cloud.d;
  RandomStream random(seed, stream);
  std::vector<double> means = kmeans_plusplus(cloud, ngauss, random, stop);
  std::vector<int> labels(cloud.n, 0);
  assign(cloud, means, stop, labels);
  for (int iteration = 0; iteration < options.lloyd_iterations; ++iteration) {
    update_means(cloud, labels, means);
    assign(cloud, means, stop, labels);
  }
  std::vector<double> counts = update_means(cloud, labels, means);

  // Back in the data's units, with the scatter of each cluster about its mean.
  const Eigen::Map<const Vector> scale(options.scale, d);
  const Eigen::Map<const Vector> location(options.location, d);
  std::vector<Matrix> scatter(ngauss, Matrix::Zero(d, d));
  Vector y(d);
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    const int k = labels[i];
    for (int j = 0; j < d; ++j) y[j] = cloud.at(i, j) - means[k * d + j];
    scatter[k] += cloud.weights[i] * y * y.transpose();
  }
  std::vector<double> covariances(static_cast<std::size_t>(ngauss) * d * d);
  Matrix user_means(ngauss, d);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix user_scatter = scale.asDiagonal() * scatter[k] * scale.asDiagonal();
    Eigen::Map<Matrix>(covariances.data() + static_cast<std::size_t>(k) * d * d, d, d) =
        (user_scatter + options.shrinkage * *options.covariance) / (counts[k] + options.shrinkage);
    for (int j = 0; j < d; ++j) user_means(k, j) = location[j] + scale[j] * means[k * d + j];
    // Every component must be able to grow.
    counts[k] += 1.0;
  }
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (double& count : counts) count /= total;
  return PreparedMixture::from_covariances(ngauss, d, counts.data(), user_means.data(),
                                           covariances.data());
}

}  // namespace mogfit
