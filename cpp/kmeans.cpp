#include "kmeans.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "cloud.hpp"
#include "errors.hpp"
#include "kmeans_plusplus.hpp"
#include "load_block.hpp"

namespace mogfit {

namespace {

// The weighted sum of the points of each cluster, then their weight; whole registers for each.
struct Sums {
  Scratch values;
  std::int64_t changed = 0;  // points that changed their cluster
};

class Lloyd {
 public:
  Lloyd(const Cloud& cloud, std::vector<double> centres)
      : cloud_(cloud),
        ngauss_(static_cast<int>(centres.size()) / cloud.d),
        row_(round_up(cloud.d + 1, kNativeDoubles)),
        centres_(std::move(centres)),
        labels_(cloud.n, -1) {}

  // Ends with the labels that belong to the centres.
  void run(int max_iterations, double largest_shift) {
    Sums sums = assign();
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      if (has_empty(sums)) {
        reseed(sums);
        sums = sum_by_label();
      }
      const double shift = move_centres(sums);
      sums = assign();
      if (sums.changed == 0 || shift <= largest_shift) break;
    }
    for (int k = 0; k < ngauss_; ++k) weights_.push_back(weight_of(sums, k));
  }

  const std::vector<double>& centres() const { return centres_; }
  std::vector<std::int32_t>& labels() { return labels_; }
  std::vector<double>& weights() { return weights_; }

 private:
  double weight_of(const Sums& sums, int k) const { return sums.values[k * row_ + cloud_.d]; }

  // The nearest centre of every point of a block, and the squared distance to it.
  template <int D>
  void find_nearest(std::int64_t b, std::int64_t* label, double* square) const {
    for (int at = 0; at < kBlock; at += kGroupPoints) {
      Lane<kGroup> least =
          each<kGroup>([](auto) { return broadcast(std::numeric_limits<double>::infinity()); });
      NativeBits best[kGroup] = {};
      for (int k = 0; k < ngauss_; ++k) {
        const Lane<kGroup> here =
            squared_distance<D>(cloud_.block(b) + at, cloud_.d, centres_.data() + k * cloud_.d);
        const NativeBits index = NativeBits{} + std::int64_t{k};
        static_for<kGroup>([&](auto r) {
          const auto nearer = here.v[r] < least.v[r];
          best[r] = nearer ? index : best[r];
          least.v[r] = nearer ? here.v[r] : least.v[r];
        });
      }
      static_for<kGroup>([&](auto r) {
        std::memcpy(label + at + r * kNativeDoubles, &best[r], sizeof best[r]);
        store(square + at + r * kNativeDoubles, least.v[r]);
      });
    }
  }

  // Adds s_i (x_i, 1) to the sums of the cluster of each point, register by register of columns:
  // squares of registers are transposed into rows.
  void add_block(std::int64_t b, Scratch& sums) const {
    const double* const x = cloud_.block(b);
    const double* const weights = cloud_.weights(b);
    const int rows = rows_of(b);
    for (int i = 0; i < rows; i += kNativeDoubles) {
      const std::int32_t* const labels = labels_.data() + b * kBlock + i;
      const int count = std::min(kNativeDoubles, rows - i);
      for (int j = 0; j < row_; j += kNativeDoubles) {
        Native square[kNativeDoubles];
        static_for<kNativeDoubles>([&](auto c) {
          const int column = j + c;
          square[c] = column < cloud_.d    ? load(x + column * kColumn + i)
                      : column == cloud_.d ? broadcast(1.0)
                                           : Native{};
        });
        transpose(square);
        static_for<kNativeDoubles>([&](auto p) {
          // Points of weight 0 may be anything: 0 * NaN would be NaN.
          if (p >= count || !(weights[i + p] > 0.0)) return;
          double* const target = sums.data() + labels[p] * row_ + j;
          store(target, load(target) + weights[i + p] * square[p]);
        });
      }
    }
  }

  // Sums over all chunks of what body(block, sums) adds and returns to have changed.
  template <typename Body>
  Sums sum_chunks(double work, const Body& body) {
    std::vector<Sums> parts(cloud_.chunks());
    cloud_.for_chunks(work, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
      Sums& part = parts[chunk];
      part.values = Scratch(static_cast<std::size_t>(ngauss_) * row_);
      for (std::int64_t b = first; b < last; ++b) part.changed += body(b, part.values);
    });
    Sums all;
    all.values = Scratch(static_cast<std::size_t>(ngauss_) * row_);
    for (const Sums& part : parts) {
      all.changed += part.changed;
      for (std::size_t m = 0; m < all.values.size(); ++m) all.values[m] += part.values[m];
    }
    return all;
  }

  Sums assign() {
    Sums sums;
    with_dimension(cloud_.d, [&](auto dimension) {
      sums = sum_chunks(static_cast<double>(ngauss_) * cloud_.d, [&](std::int64_t b, Scratch& to) {
        alignas(kAlignment) std::int64_t nearest[kBlock];
        alignas(kAlignment) double square[kBlock];
        find_nearest<dimension>(b, nearest, square);
        std::int32_t* const labels = labels_.data() + b * kBlock;
        std::int64_t changed = 0;
        for (int i = 0; i < rows_of(b); ++i) {
          changed += labels[i] != nearest[i];
          labels[i] = static_cast<std::int32_t>(nearest[i]);
        }
        add_block(b, to);
        return changed;
      });
    });
    return sums;
  }

  Sums sum_by_label() {
    return sum_chunks(cloud_.d, [&](std::int64_t b, Scratch& to) {
      add_block(b, to);
      return 0;
    });
  }

  bool has_empty(const Sums& sums) const {
    for (int k = 0; k < ngauss_; ++k)
      if (!(weight_of(sums, k) > 0.0)) return true;
    return false;
  }

  // Every cluster without weight gets one of the points farthest from their centres.
  void reseed(const Sums& sums) {
    std::vector<double> squares(cloud_.blocks() * kBlock);
    cloud_.for_chunks(static_cast<double>(ngauss_) * cloud_.d,
                      [&](std::int64_t, std::int64_t first, std::int64_t last) {
                        alignas(kAlignment) std::int64_t nearest[kBlock];
                        alignas(kAlignment) double square[kBlock];
                        for (std::int64_t b = first; b < last; ++b) {
                          find_nearest<0>(b, nearest, square);
                          std::copy_n(square, kBlock, squares.data() + b * kBlock);
                        }
                      });
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < cloud_.n; ++i)
      if (cloud_.weight(i) > 0.0 && squares[i] > 0.0) rows.push_back(i);
    std::vector<std::int32_t> empty;
    for (int k = 0; k < ngauss_; ++k)
      if (!(weight_of(sums, k) > 0.0)) empty.push_back(k);
    const std::size_t count = std::min(rows.size(), empty.size());
    std::partial_sort(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(count), rows.end(),
                      [&](std::int64_t a, std::int64_t b) {
                        return squares[a] > squares[b] || (squares[a] == squares[b] && a < b);
                      });
    for (std::size_t e = 0; e < count; ++e) labels_[rows[e]] = empty[e];
  }

  // To the centroids of the clusters that hold any weight; returns the squared shift of all.
  double move_centres(const Sums& sums) {
    double shift = 0.0;
    for (int k = 0; k < ngauss_; ++k) {
      const double* const sum = sums.values.data() + k * row_;
      const double weight = weight_of(sums, k);
      for (int j = 0; j < cloud_.d && weight > 0.0; ++j) {
        double& centre = centres_[k * cloud_.d + j];
        const double after = sum[j] / weight;
        shift += (after - centre) * (after - centre);
        centre = after;
      }
    }
    return shift;
  }

  int rows_of(std::int64_t b) const {
    return static_cast<int>(std::min<std::int64_t>(kBlock, cloud_.n - b * kBlock));
  }

  const Cloud& cloud_;
  const int ngauss_;
  const int row_;
  std::vector<double> centres_;
  std::vector<std::int32_t> labels_;
  std::vector<double> weights_;
};

}  // namespace

Clusters kmeans(const Points& points, const double* sample_weight, int ngauss,
                const KMeansOptions& options, std::uint64_t seed, std::uint64_t stream, int threads,
                const StopRequested& stop) {
  const Cloud cloud(points, sample_weight, options.location, options.scale, threads, stop);
  if (!(cloud.total_weight() > 0.0))
    throw InputError("data: no row has a weight above 0; at least one is needed");
  RandomStream random(seed, stream);
  Lloyd lloyd(cloud, kmeans_plusplus(cloud, ngauss, random));
  const double largest_shift =
      options.tolerance > 0.0 ? options.tolerance * cloud.mean_variance() : options.tolerance;
  lloyd.run(options.max_iterations, largest_shift);
  Clusters clusters{std::move(lloyd.labels()), Matrix(ngauss, cloud.d), std::move(lloyd.weights())};
  for (int k = 0; k < ngauss; ++k)
    for (int j = 0; j < cloud.d; ++j)
      clusters.centres(k, j) =
          options.location[j] + options.scale[j] * lloyd.centres()[k * cloud.d + j];
  return clusters;
}

}  // namespace mogfit
