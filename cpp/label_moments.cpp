#include "label_moments.hpp"

#include <algorithm>
#include <numeric>

#include "block_kernel.hpp"
#include "load_block.hpp"
#include "scratch.hpp"

namespace mogfit {

namespace {

// Blocks of a piece of work: at least kMinBlocks, and about kMaxPieces pieces of all the data.
constexpr std::int64_t kMinBlocks = 64;
constexpr std::int64_t kMaxPieces = 256;

// Some blocks of the rows of one label.
struct Piece {
  int label;
  std::int64_t first;
  std::int64_t last;
};

// The rows that count, label after label; those of label k begin at begins[k].
struct Grouping {
  std::vector<std::int64_t> rows;
  std::vector<std::int64_t> begins;
  std::vector<Piece> pieces;

  Grouping(const Points& points, const std::int32_t* labels, const double* weight, int ngauss)
      : begins(ngauss + 1, 0) {
    const auto counts = [&](std::int64_t i) { return weight == nullptr || weight[i] > 0.0; };
    for (std::int64_t i = 0; i < points.n; ++i)
      if (counts(i)) ++begins[labels[i] + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    rows.resize(begins.back());
    std::vector<std::int64_t> next(begins.begin(), begins.end() - 1);
    for (std::int64_t i = 0; i < points.n; ++i)
      if (counts(i)) rows[next[labels[i]]++] = i;
    const std::int64_t size = std::max(kMinBlocks, points.blocks() / kMaxPieces);
    for (int k = 0; k < ngauss; ++k) {
      const std::int64_t blocks = (begins[k + 1] - begins[k] + kBlock - 1) / kBlock;
      for (std::int64_t b = 0; b < blocks; b += size)
        pieces.push_back({k, b, std::min(blocks, b + size)});
    }
  }
};

// Packed moments of every label about the centres, one after the other.
std::vector<double> sum_about(const Matrix& centres, const Points& points, const Grouping& grouping,
                              const double* weight, Scatter scatter, int threads,
                              const StopRequested& stop) {
  const int ngauss = static_cast<int>(centres.rows());
  const int d = points.d;
  // The kernels take the centres from a mixture.
  const Vector no_weights = Vector::Zero(ngauss);
  std::vector<double> factors(static_cast<std::size_t>(ngauss) * d * d, 0.0);
  for (std::size_t j = 0; j < factors.size(); ++j)
    factors[j] = j % (d * d) % (d + 1) == 0 ? 1.0 : 0.0;
  const PreparedMixture mixture =
      PreparedMixture::from_factors(ngauss, d, no_weights.data(), centres.data(), factors.data());
  const BlockKernel kernel = block_kernel(mixture, scatter);
  const std::size_t packed = packed_moments(d, scatter);
  const auto count = static_cast<std::int64_t>(grouping.pieces.size());
  std::vector<double> parts(count * packed);
  const double nanoseconds = kMinBlocks * kBlock * (2.0 * d + 0.05 * d * d);
  parallel_for(count, useful_threads(threads, count, nanoseconds), stop, [&](std::int64_t p, int) {
    const Piece& piece = grouping.pieces[p];
    const std::int64_t begin = grouping.begins[piece.label];
    Points own = points;
    own.rows = grouping.rows.data() + begin;
    own.n = grouping.begins[piece.label + 1] - begin;
    Scratch x(static_cast<std::size_t>(d) * kColumn);
    Scratch workspace(kernel.workspace);
    Scratch sums(kernel.accumulators);
    Scratch ones(kColumn);
    Scratch factor(kColumn);
    std::fill_n(ones.data(), ones.size(), 1.0);
    for (std::int64_t b = piece.first; b < piece.last; ++b) {
      const int rows = own.rows_in_block(b);
      const int registers = (rows + kNativeDoubles - 1) / kNativeDoubles;
      load_block(own, b, x.data());
      for (int i = 0; i < kBlock; ++i)
        factor[i] = i >= rows ? 0.0 : weight ? weight[own.row(b * kBlock + i)] : 1.0;
      kernel.arrange(mixture, x.data(), registers, workspace.data());
      kernel.accumulate(mixture, piece.label, x.data(), registers, ones.data(), factor.data(),
                        sums.data(), workspace.data());
    }
    kernel.reduce(d, sums.data(), parts.data() + p * packed);
  });
  std::vector<double> totals(ngauss * packed, 0.0);
  for (std::int64_t p = 0; p < count; ++p)
    for (std::size_t m = 0; m < packed; ++m)
      totals[grouping.pieces[p].label * packed + m] += parts[p * packed + m];
  return totals;
}

}  // namespace

LabelMoments label_moments(const Points& points, const std::int32_t* labels,
                           const double* sample_weight, int ngauss, Scatter scatter, int threads,
                           const StopRequested& stop) {
  const int d = points.d;
  const Grouping grouping(points, labels, sample_weight, ngauss);
  LabelMoments result{Vector::Zero(ngauss), Matrix::Zero(ngauss, d),
                      std::vector<Matrix>(ngauss, Matrix::Zero(d, d))};
  const auto shift_means = [&](int k, const double* packed) {
    for (int j = 0; j < d; ++j) result.means(k, j) += packed[1 + j] / packed[0];
  };

  // First about a point of each label, which is in the midst of its points, then about the mean.
  points.visit([&](const auto* data) {
    for (int k = 0; k < ngauss; ++k)
      for (int j = 0; j < d && grouping.begins[k] < grouping.begins[k + 1]; ++j)
        result.means(k, j) =
            data[grouping.rows[grouping.begins[k]] * points.row_stride + j * points.column_stride];
  });
  const std::vector<double> about_points =
      sum_about(result.means, points, grouping, sample_weight, Scatter::kDiagonal, threads, stop);
  const std::size_t size = packed_moments(d, Scatter::kDiagonal);
  for (int k = 0; k < ngauss; ++k)
    if (about_points[k * size] > 0.0) shift_means(k, about_points.data() + k * size);

  const std::vector<double> about_means =
      sum_about(result.means, points, grouping, sample_weight, scatter, threads, stop);
  for (int k = 0; k < ngauss; ++k) {
    const double* const packed = about_means.data() + k * packed_moments(d, scatter);
    if (!(packed[0] > 0.0)) continue;
    result.s0[k] = packed[0];
    const double* p = packed + 1 + d;
    for (int j = 0; j < d; ++j)
      for (int l = scatter == Scatter::kFull ? 0 : j; l <= j; ++l)
        result.s2[k](j, l) = result.s2[k](l, j) = *p++ - packed[1 + j] * packed[1 + l] / packed[0];
    shift_means(k, packed);
  }
  return result;
}

}  // namespace mogfit
