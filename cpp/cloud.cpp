#include "cloud.hpp"

#include <algorithm>
#include <numeric>

#include "load_block.hpp"

namespace mogfit {

namespace {

// Rows are cut into at most kMaxChunks chunks of at least kMinChunkBlocks blocks.
constexpr std::int64_t kMaxChunks = 64;
constexpr std::int64_t kMinChunkBlocks = 8;

}  // namespace

Cloud::Cloud(const Points& points, const double* sample_weight, const double* location,
             const double* scale, int threads, const StopRequested& stop)
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
        for (int i = 0; i < kBlock; ++i) column[i] = (column[i] - location[j]) / scale[j];
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

void Cloud::for_chunks(
    double work, const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) const {
  const double nanoseconds = 0.2 * (work + 10.0) * kBlock * per_chunk_;
  parallel_for(chunks(), useful_threads(threads_, chunks(), nanoseconds), stop_,
               [&](std::int64_t chunk, int) {
                 const std::int64_t first = chunk * per_chunk_;
                 body(chunk, first, std::min(blocks(), first + per_chunk_));
               });
}

double Cloud::mean_variance() const {
  // sum_i s_i term(x_ij) of one column
  const auto sum_column = [&](int j, const auto& term) {
    double total = 0.0;
    for (std::int64_t b = 0; b < blocks(); ++b) {
      Native part{};
      for (int i = 0; i < kBlock; i += kNativeDoubles)
        part += mass(load(weights(b) + i), term(load(block(b) + j * kColumn + i)));
      total += sum(part);
    }
    return total;
  };
  double variances = 0.0;
  for (int j = 0; j < d; ++j) {
    const double mean = sum_column(j, [](Native x) { return x; }) / total_weight_;
    variances += sum_column(j, [&](Native x) { return (x - mean) * (x - mean); });
  }
  return variances / (total_weight_ * d);
}

}  // namespace mogfit
