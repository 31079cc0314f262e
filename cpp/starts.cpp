#include "starts.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "random_stream.hpp"

namespace mogfit {

namespace {

// Rows of the data, standardised and contiguous, and the weight of each.
struct Cloud {
  std::int64_t n;
  int d;
  std::vector<double> values;
  std::vector<double> weights;
  const double* row(std::int64_t i) const { return values.data() + i * d; }
};

Cloud standardise(const Points& points, const double* sample_weight, const StartOptions& options) {
  Cloud cloud{points.n, points.d, std::vector<double>(points.n * points.d),
              std::vector<double>(points.n, 1.0)};
  points.visit([&](const auto* data) {
    for (std::int64_t i = 0; i < points.n; ++i)
      for (int j = 0; j < points.d; ++j)
        cloud.values[i * points.d + j] =
            (data[i * points.row_stride + j * points.column_stride] - options.location[j]) /
            options.scale[j];
  });
  if (sample_weight != nullptr) cloud.weights.assign(sample_weight, sample_weight + points.n);
  return cloud;
}

double squared_distance(const double* a, const double* b, int d) {
  double sum = 0.0;
  for (int j = 0; j < d; ++j) sum += (a[j] - b[j]) * (a[j] - b[j]);
  return sum;
}

// result[i] = min(nearest[i], |x_i - centre|^2); returns sum_i s_i result_i.
double update_nearest(const Cloud& cloud, const double* centre,
                      const std::vector<double>& nearest, std::vector<double>& result) {
  double total = 0.0;
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    result[i] = std::min(nearest[i], squared_distance(cloud.row(i), centre, cloud.d));
    total += cloud.weights[i] * result[i];
  }
  return total;
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

// Rows chosen as centres: the first in proportion to its weight, each next one the best of several
// candidates drawn in proportion to weight times squared distance to the nearest centre so far.
std::vector<std::int64_t> kmeans_plusplus(const Cloud& cloud, int ngauss, RandomStream& random) {
  const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(ngauss)));
  std::vector<double> nearest(cloud.n, 1.0);
  std::vector<double> trial(cloud.n);
  std::vector<double> best(cloud.n);
  double total = std::accumulate(cloud.weights.begin(), cloud.weights.end(), 0.0);
  std::vector<std::int64_t> centres{row_at(cloud, nearest, random.uniform() * total)};

  std::fill(nearest.begin(), nearest.end(), std::numeric_limits<double>::infinity());
  total = update_nearest(cloud, cloud.row(centres[0]), nearest, best);
  nearest.swap(best);
  while (static_cast<int>(centres.size()) < ngauss) {
    if (!(total > 0.0)) {
      // Every row is a centre already: the data hold fewer distinct rows than components.
      centres.push_back(static_cast<std::int64_t>(random.below(cloud.n)));
      continue;
    }
    double best_total = std::numeric_limits<double>::infinity();
    std::int64_t best_row = 0;
    for (int c = 0; c < candidates; ++c) {
      const std::int64_t row = row_at(cloud, nearest, random.uniform() * total);
      const double reached = update_nearest(cloud, cloud.row(row), nearest, trial);
      if (reached < best_total) {
        best_total = reached;
        best_row = row;
        best.swap(trial);
      }
    }
    centres.push_back(best_row);
    nearest.swap(best);
    total = best_total;
  }
  return centres;
}

// The nearest centre of each row.
void assign(const Cloud& cloud, const std::vector<double>& centres, std::vector<int>& labels) {
  const int ngauss = static_cast<int>(centres.size()) / cloud.d;
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    double least = std::numeric_limits<double>::infinity();
    for (int k = 0; k < ngauss; ++k) {
      const double distance =
          squared_distance(cloud.row(i), centres.data() + k * cloud.d, cloud.d);
      if (distance < least) {
        least = distance;
        labels[i] = k;
      }
    }
  }
}

// Weights and, for clusters that hold some, means of the rows with each label.
std::vector<double> cluster_means(const Cloud& cloud, const std::vector<int>& labels,
                                  std::vector<double>& means) {
  const int d = cloud.d;
  std::vector<double> counts(means.size() / d, 0.0);
  std::vector<double> sums(means.size(), 0.0);
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    counts[labels[i]] += cloud.weights[i];
    for (int j = 0; j < d; ++j) sums[labels[i] * d + j] += cloud.weights[i] * cloud.row(i)[j];
  }
  for (std::size_t k = 0; k < counts.size(); ++k)
    for (int j = 0; j < d && counts[k] > 0.0; ++j) means[k * d + j] = sums[k * d + j] / counts[k];
  return counts;
}

}  // namespace

PreparedMixture kmeans_start(const Points& points, const double* sample_weight, int ngauss,
                             const StartOptions& options, std::uint64_t seed,
                             std::uint64_t stream) {
  const Cloud cloud = standardise(points, sample_weight, options);
  const int d = cloud.d;
  RandomStream random(seed, stream);
  std::vector<double> means;
  for (const std::int64_t row : kmeans_plusplus(cloud, ngauss, random))
    means.insert(means.end(), cloud.row(row), cloud.row(row) + d);
  std::vector<int> labels(cloud.n, 0);
  assign(cloud, means, labels);
  for (int iteration = 0; iteration < options.lloyd_iterations; ++iteration) {
    cluster_means(cloud, labels, means);
    assign(cloud, means, labels);
  }
  std::vector<double> counts = cluster_means(cloud, labels, means);

  // Back in the data's units, with the scatter of each cluster about its mean.
  const Eigen::Map<const Vector> scale(options.scale, d);
  const Eigen::Map<const Vector> location(options.location, d);
  std::vector<Matrix> scatter(ngauss, Matrix::Zero(d, d));
  Vector y(d);
  for (std::int64_t i = 0; i < cloud.n; ++i) {
    const int k = labels[i];
    for (int j = 0; j < d; ++j) y[j] = cloud.row(i)[j] - means[k * d + j];
    scatter[k] += cloud.weights[i] * y * y.transpose();
  }
  std::vector<double> covariances(static_cast<std::size_t>(ngauss) * d * d);
  Matrix user_means(ngauss, d);
  for (int k = 0; k < ngauss; ++k) {
    const Matrix user_scatter = scale.asDiagonal() * scatter[k] * scale.asDiagonal();
    Eigen::Map<Matrix>(covariances.data() + static_cast<std::size_t>(k) * d * d, d, d) =
        (user_scatter + options.shrinkage * *options.covariance) /
        (counts[k] + options.shrinkage);
    for (int j = 0; j < d; ++j) user_means(k, j) = location[j] + scale[j] * means[k * d + j];
    // Every component must be able to grow.
    counts[k] += 1.0;
  }
  return PreparedMixture::from_covariances(ngauss, d, counts.data(), user_means.data(),
                                           covariances.data());
}

}  // namespace mogfit
