#include "kmeans.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "errors.hpp"
#include "load_block.hpp"
#include "random_stream.hpp"
#include "scratch.hpp"

namespace mogfit {

namespace {

// Rows are cut into at most kMaxChunks chunks of at least kMinChunkBlocks blocks.
constexpr std::int64_t kMaxChunks = 64;
constexpr std::int64_t kMinChunkBlocks = 8;

// Registers of points whose distances are computed side by side; whole blocks hold a multiple.
constexpr int kGroup = 4;
constexpr int kGroupPoints = kGroup * kNativeDoubles;
static_assert(kBlock % kGroupPoints == 0);

// The data on common scales in blocks of columns, and the weight of each point. Rows that pad the
// last block repeat one of it, with weight 0.
class Cloud {
 public:
  Cloud(const Points& points, const double* sample_weight, const KMeansOptions& options,
        int threads, const StopRequested& stop)
      : n(points.n),
        d(points.d),
        x_(static_cast<std::size_t>(points.blocks()) * points.d * kColumn),
        weights_(static_cast<std::size_t>(points.blocks()) * kBlock),
        threads_(threads),
        stop_(stop) {
    const std::int64_t blocks = points.blocks();
    per_chunk_ = std::max(kMinChunkBlocks, (blocks + kMaxChunks - 1) / kMaxChunks);
    for_chunks(d, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        const int rows = points.rows_in_block(b);
        double* const target = x_.data() + b * d * kColumn;
        load_block(points, b, target);
        for (int j = 0; j < d; ++j) {
          double* const column = target + j * kColumn;
          std::fill(column + rows, column + kBlock, column[0]);
          for (int i = 0; i < kBlock; ++i)
            column[i] = (column[i] - options.location[j]) / options.scale[j];
        }
        for (int i = 0; i < rows; ++i)
          weights_[b * kBlock + i] = sample_weight ? sample_weight[b * kBlock + i] : 1.0;
      }
    });
    for (std::int64_t b = 0; b < blocks; ++b) {
      block_weights_.push_back(std::accumulate(weights(b), weights(b) + kBlock, 0.0));
      total_weight_ += block_weights_.back();
    }
  }

  const std::int64_t n;
  const int d;

  std::int64_t blocks() const { return (n + kBlock - 1) / kBlock; }
  std::int64_t chunks() const { return (blocks() + per_chunk_ - 1) / per_chunk_; }
  const double* block(std::int64_t b) const { return x_.data() + b * d * kColumn; }
  const double* weights(std::int64_t b) const { return weights_.data() + b * kBlock; }
  double weight(std::int64_t row) const { return weights_[row]; }
  const std::vector<double>& block_weights() const { return block_weights_; }
  double total_weight() const { return total_weight_; }

  void copy_row(std::int64_t row, double* target) const {
    const double* const x = block(row / kBlock) + row % kBlock;
    for (int j = 0; j < d; ++j) target[j] = x[j * kColumn];
  }

  // Calls body(chunk, first block, block after the last); `work` is about what a point takes, in
  // steps of a coordinate.
  void for_chunks(double work,
                  const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) const {
    const double nanoseconds = 0.2 * (work + 10.0) * kBlock * per_chunk_;
    parallel_for(chunks(), useful_threads(threads_, chunks(), nanoseconds), stop_,
                 [&](std::int64_t chunk, int) {
                   const std::int64_t first = chunk * per_chunk_;
                   body(chunk, first, std::min(blocks(), first + per_chunk_));
                 });
  }

 private:
  Scratch x_;
  Scratch weights_;
  std::vector<double> block_weights_;
  double total_weight_ = 0.0;
  std::int64_t per_chunk_;
  int threads_;
  const StopRequested& stop_;
};

// A point of weight 0 counts nothing, however far away.
MOGFIT_INLINE Native mass(Native weight, Native value) {
  return weight > 0.0 ? weight * value : Native{};
}

// |x - centre|^2 of kGroup registers of points.
MOGFIT_INLINE Lane<kGroup> squared_distance(const double* x, int d, const double* centre) {
  Lane<kGroup> square{};
  for (int j = 0; j < d; ++j)
    static_for<kGroup>([&](auto r) {
      const Native y = load(x + j * kColumn + r * kNativeDoubles) - centre[j];
      square.v[r] += y * y;
    });
  return square;
}

// The choice of centres: each point's squared distance to the nearest one so far.
class Seeding {
 public:
  Seeding(const Cloud& cloud, RandomStream& random)
      : cloud_(cloud),
        random_(random),
        nearest_(cloud.blocks() * kBlock),
        block_masses_(cloud.blocks()) {}

  // Centres, row by row: the first drawn in proportion to the weights, each next one the best of
  // several candidates drawn in proportion to weight times squared distance to the nearest so far.
  std::vector<double> centres(int ngauss) {
    const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(ngauss)));
    std::fill_n(nearest_.data(), nearest_.size(), std::numeric_limits<double>::infinity());
    std::vector<double> chosen;
    take(draw_by_weight(), chosen);
    while (static_cast<int>(chosen.size()) < ngauss * cloud_.d) {
      const double total = std::accumulate(block_masses_.begin(), block_masses_.end(), 0.0);
      if (!(total > 0.0)) {
        // Every point is a centre already: the data hold fewer distinct points than clusters.
        take(draw_by_weight(), chosen);
        continue;
      }
      std::vector<std::int64_t> rows(candidates);
      for (std::int64_t& row : rows) row = draw(block_masses_, total, nearest_.data());
      const std::vector<double> masses = masses_with(rows);
      const auto best = std::min_element(masses.begin(), masses.end()) - masses.begin();
      take(rows[best], chosen);
    }
    return chosen;
  }

 private:
  std::int64_t draw_by_weight() {
    return draw(cloud_.block_weights(), cloud_.total_weight(), nullptr);
  }

  // The row at which the running sum of weight * nearest (or of weights) reaches a random part of
  // the total.
  std::int64_t draw(const std::vector<double>& block_masses, double total, const double* nearest) {
    double target = random_.uniform() * total;
    std::int64_t block = 0;
    for (std::int64_t b = 0; b < cloud_.blocks(); ++b) {
      if (!(block_masses[b] > 0.0)) continue;
      block = b;
      if (target < block_masses[b]) break;
      target -= block_masses[b];
    }
    std::int64_t row = block * kBlock;
    for (std::int64_t i = row; i < std::min(cloud_.n, (block + 1) * kBlock); ++i) {
      const double mass = cloud_.weight(i) * (nearest ? nearest[i] : 1.0);
      if (!(mass > 0.0)) continue;
      row = i;
      if (target < mass) break;
      target -= mass;
    }
    return row;
  }

  // sum_i s_i min(nearest_i, |x_i - c|^2), c being each of these rows.
  std::vector<double> masses_with(const std::vector<std::int64_t>& rows) const {
    const int d = cloud_.d;
    const int count = static_cast<int>(rows.size());
    std::vector<double> trials(rows.size() * d);
    for (int c = 0; c < count; ++c) cloud_.copy_row(rows[c], trials.data() + c * d);
    std::vector<double> parts(cloud_.chunks() * count);
    cloud_.for_chunks(d * count, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
      Scratch sums(count * kNativeDoubles);
      for (std::int64_t b = first; b < last; ++b) {
        const double* const weights = cloud_.weights(b);
        for (int at = 0; at < kBlock; at += kGroupPoints)
          for (int c = 0; c < count; ++c) {
            const Lane<kGroup> square =
                squared_distance(cloud_.block(b) + at, d, trials.data() + c * d);
            Native sum = load(sums.data() + c * kNativeDoubles);
            static_for<kGroup>([&](auto r) {
              const int i = at + r * kNativeDoubles;
              const Native before = load(nearest_.data() + b * kBlock + i);
              const Native least = square.v[r] < before ? square.v[r] : before;
              sum += mass(load(weights + i), least);
            });
            store(sums.data() + c * kNativeDoubles, sum);
          }
      }
      for (int c = 0; c < count; ++c)
        parts[chunk * count + c] = sum(load(sums.data() + c * kNativeDoubles));
    });
    std::vector<double> masses(count, 0.0);
    for (std::size_t p = 0; p < parts.size(); ++p) masses[p % count] += parts[p];
    return masses;
  }

  // Makes a row a centre.
  void take(std::int64_t row, std::vector<double>& chosen) {
    chosen.resize(chosen.size() + cloud_.d);
    const double* const centre = chosen.data() + chosen.size() - cloud_.d;
    cloud_.copy_row(row, chosen.data() + chosen.size() - cloud_.d);
    cloud_.for_chunks(cloud_.d, [&](std::int64_t, std::int64_t first, std::int64_t last) {
      for (std::int64_t b = first; b < last; ++b) {
        Native total{};
        for (int at = 0; at < kBlock; at += kGroupPoints) {
          const Lane<kGroup> square = squared_distance(cloud_.block(b) + at, cloud_.d, centre);
          static_for<kGroup>([&](auto r) {
            const int i = at + r * kNativeDoubles;
            double* const nearest = nearest_.data() + b * kBlock + i;
            const Native before = load(nearest);
            const Native least = square.v[r] < before ? square.v[r] : before;
            store(nearest, least);
            total += mass(load(cloud_.weights(b) + i), least);
          });
        }
        block_masses_[b] = sum(total);
      }
    });
  }

  const Cloud& cloud_;
  RandomStream& random_;
  Scratch nearest_;
  std::vector<double> block_masses_;
};

// The weight of each cluster, then the weighted sum of its points.
struct Sums {
  std::vector<double> values;
  std::int64_t changed = 0;  // points that changed their cluster
};

class Lloyd {
 public:
  Lloyd(const Cloud& cloud, std::vector<double> centres)
      : cloud_(cloud),
        ngauss_(static_cast<int>(centres.size()) / cloud.d),
        row_(1 + cloud.d),
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
    for (int k = 0; k < ngauss_; ++k) weights_.push_back(sums.values[k * row_]);
  }

  const std::vector<double>& centres() const { return centres_; }
  std::vector<std::int32_t>& labels() { return labels_; }
  std::vector<double>& weights() { return weights_; }

 private:
  // The nearest centre of every point of a block, and the squared distance to it.
  void find_nearest(std::int64_t b, std::int64_t* label, double* square) const {
    for (int at = 0; at < kBlock; at += kGroupPoints) {
      Lane<kGroup> least =
          each<kGroup>([](auto) { return broadcast(std::numeric_limits<double>::infinity()); });
      NativeBits best[kGroup] = {};
      for (int k = 0; k < ngauss_; ++k) {
        const Lane<kGroup> here =
            squared_distance(cloud_.block(b) + at, cloud_.d, centres_.data() + k * cloud_.d);
        const NativeBits index = NativeBits{} + std::int64_t{k};
        static_for<kGroup>([&](auto r) {
          const auto nearer = here.v[r] < least.v[r];
          best[r] = nearer ? index : best[r];
          least.v[r] = nearer ? here.v[r] : least.v[r];
        });
      }
      static_for<kGroup>([&](auto r) {
        std::memcpy(label + at + r * kNativeDoubles, &best[r], sizeof best[r]);
        if (square) store(square + at + r * kNativeDoubles, least.v[r]);
      });
    }
  }

  void add_block(std::int64_t b, double* sums) const {
    const double* const x = cloud_.block(b);
    const int rows = rows_of(b);
    for (int i = 0; i < rows; ++i) {
      const double weight = cloud_.weights(b)[i];
      double* const target = sums + labels_[b * kBlock + i] * row_;
      target[0] += weight;
      for (int j = 0; j < cloud_.d; ++j) target[1 + j] += weight * x[j * kColumn + i];
    }
  }

  // Sums over all chunks of what body(block, sums) adds and returns to have changed.
  template <typename Body>
  Sums sum_chunks(double work, const Body& body) {
    std::vector<Sums> parts(cloud_.chunks());
    cloud_.for_chunks(work, [&](std::int64_t chunk, std::int64_t first, std::int64_t last) {
      Sums& part = parts[chunk];
      part.values.assign(ngauss_ * row_, 0.0);
      for (std::int64_t b = first; b < last; ++b) part.changed += body(b, part.values.data());
    });
    Sums all;
    all.values.assign(ngauss_ * row_, 0.0);
    for (const Sums& part : parts) {
      all.changed += part.changed;
      for (std::size_t m = 0; m < all.values.size(); ++m) all.values[m] += part.values[m];
    }
    return all;
  }

  Sums assign() {
    return sum_chunks(static_cast<double>(ngauss_) * cloud_.d, [&](std::int64_t b, double* sums) {
      alignas(kAlignment) std::int64_t nearest[kBlock];
      find_nearest(b, nearest, nullptr);
      std::int32_t* const labels = labels_.data() + b * kBlock;
      std::int64_t changed = 0;
      for (int i = 0; i < rows_of(b); ++i) {
        changed += labels[i] != nearest[i];
        labels[i] = static_cast<std::int32_t>(nearest[i]);
      }
      add_block(b, sums);
      return changed;
    });
  }

  Sums sum_by_label() {
    return sum_chunks(cloud_.d, [&](std::int64_t b, double* sums) {
      add_block(b, sums);
      return 0;
    });
  }

  bool has_empty(const Sums& sums) const {
    for (int k = 0; k < ngauss_; ++k)
      if (!(sums.values[k * row_] > 0.0)) return true;
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
                          find_nearest(b, nearest, square);
                          std::copy_n(square, kBlock, squares.data() + b * kBlock);
                        }
                      });
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < cloud_.n; ++i)
      if (cloud_.weight(i) > 0.0 && squares[i] > 0.0) rows.push_back(i);
    std::vector<std::int32_t> empty;
    for (int k = 0; k < ngauss_; ++k)
      if (!(sums.values[k * row_] > 0.0)) empty.push_back(k);
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
      for (int j = 0; j < cloud_.d && sum[0] > 0.0; ++j) {
        double& centre = centres_[k * cloud_.d + j];
        const double after = sum[1 + j] / sum[0];
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

// The mean over the columns of their weighted variances.
double mean_variance(const Cloud& cloud) {
  // sum_i s_i term(x_ij) of one column
  const auto sum_column = [&](int j, const auto& term) {
    double total = 0.0;
    for (std::int64_t b = 0; b < cloud.blocks(); ++b) {
      Native part{};
      for (int i = 0; i < kBlock; i += kNativeDoubles)
        part += mass(load(cloud.weights(b) + i), term(load(cloud.block(b) + j * kColumn + i)));
      total += sum(part);
    }
    return total;
  };
  double variances = 0.0;
  for (int j = 0; j < cloud.d; ++j) {
    const double mean = sum_column(j, [](Native x) { return x; }) / cloud.total_weight();
    variances += sum_column(j, [&](Native x) { return (x - mean) * (x - mean); });
  }
  return variances / (cloud.total_weight() * cloud.d);
}

}  // namespace

Clusters kmeans(const Points& points, const double* sample_weight, int ngauss,
                const KMeansOptions& options, std::uint64_t seed, std::uint64_t stream, int threads,
                const StopRequested& stop) {
  const Cloud cloud(points, sample_weight, options, threads, stop);
  if (!(cloud.total_weight() > 0.0))
    throw InputError("data: no row has a weight above 0; at least one is needed");
  RandomStream random(seed, stream);
  Lloyd lloyd(cloud, Seeding(cloud, random).centres(ngauss));
  const double largest_shift =
      options.tolerance > 0.0 ? options.tolerance * mean_variance(cloud) : options.tolerance;
  lloyd.run(options.max_iterations, largest_shift);
  Clusters clusters{std::move(lloyd.labels()), Matrix(ngauss, cloud.d), std::move(lloyd.weights())};
  for (int k = 0; k < ngauss; ++k)
    for (int j = 0; j < cloud.d; ++j)
      clusters.centres(k, j) =
          options.location[j] + options.scale[j] * lloyd.centres()[k * cloud.d + j];
  return clusters;
}

}  // namespace mogfit
