#include "starts.hpp"

#include <numeric>
#include <vector>

#include "kmeans.hpp"
#include "label_moments.hpp"

namespace mogfit {

PreparedMixture kmeans_start(const Points& points, const double* sample_weight, int ngauss,
                             const StartOptions& options, std::uint64_t seed, std::uint64_t stream,
                             const StopRequested& stop) {
  const int d = points.d;
  const KMeansOptions lloyd{options.location, options.scale, options.lloyd_iterations, -1.0};
  const Clusters clusters =
      kmeans(points, sample_weight, ngauss, lloyd, seed, stream, /*threads=*/1, stop);
  LabelMoments moments = label_moments(points, clusters.labels.data(), sample_weight, ngauss,
                                       Scatter::kFull, /*threads=*/1, stop);
  std::vector<double> counts(ngauss);
  std::vector<double> covariances(static_cast<std::size_t>(ngauss) * d * d);
  for (int k = 0; k < ngauss; ++k) {
    if (!(moments.s0[k] > 0.0)) moments.means.row(k) = clusters.centres.row(k);
    Eigen::Map<Matrix>(covariances.data() + static_cast<std::size_t>(k) * d * d, d, d) =
        (moments.s2[k] + options.shrinkage * *options.covariance) /
        (moments.s0[k] + options.shrinkage);
    // Every component must be able to grow.
    counts[k] = moments.s0[k] + 1.0;
  }
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (double& count : counts) count /= total;
  return PreparedMixture::from_covariances(ngauss, d, counts.data(), moments.means.data(),
                                           covariances.data());
}

}  // namespace mogfit
