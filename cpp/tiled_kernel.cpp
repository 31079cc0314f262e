// Kernels for many variables: triangular products tiled in registers, any dimension.
#include <algorithm>
#include <cmath>
#include <limits>

#include "block_kernel.hpp"
#include "packing.hpp"

namespace mogfit {

namespace {

// z = W y: a tile is kRowTile rows of W times this many registers of points.
constexpr int kGroup = kNativeDoubles == 8 ? 4 : 2;

// S = U^T U: rows of U (points) that are prepared together and stay in the first-level cache.
constexpr int kSubBlock = 32;

// A row of U: the d centred coordinates, then a one that brings S1 and S0 along, then zeros.
constexpr int augmented_width(int nvars) { return round_up(nvars + 1, kNativeDoubles); }

// |W (x - mu)|^2 for kGroup registers of points, subtracted from the log normaliser.
void log_joint(const PreparedMixture& mixture, const double* x, int registers, double* exponents,
               double* largest, double* workspace) {
  const int nvars = mixture.nvars();
  const int rows = round_up(nvars, kRowTile);
  constexpr int kWidth = kGroup * kNativeDoubles;
  double* const y = workspace;
  for (int c = 0; c < registers; c += kGroup) {
    const int offset = c * kNativeDoubles;
    Native most[kGroup];
    static_for<kGroup>([&](auto r) { most[r] = broadcast(std::numeric_limits<double>::lowest()); });
    // Rows that pad y to whole tiles stay zero.
    for (int j = nvars * kWidth; j < rows * kWidth; ++j) y[j] = 0.0;
    for (int k = 0; k < mixture.ngauss(); ++k) {
      const double* const packed = mixture.packed(k);
      const double* const mean = packed + 1;
      const double* tile = packed + 1 + nvars;
      for (int j = 0; j < nvars; ++j) {
        static_for<kGroup>([&](auto r) {
          store(y + j * kWidth + r * kNativeDoubles,
                load(x + j * kColumn + offset + r * kNativeDoubles) - mean[j]);
        });
      }
      Native q[kGroup];
      static_for<kGroup>([&](auto r) { q[r] = broadcast(packed[0]); });
      for (int first = 0; first < nvars; first += kRowTile) {
        Native z[kRowTile][kGroup] = {};
        for (int l = 0; l < first + kRowTile; ++l, tile += kRowTile) {
          Native column[kGroup];
          static_for<kGroup>(
              [&](auto r) { column[r] = load(y + l * kWidth + r * kNativeDoubles); });
          static_for<kRowTile>(
              [&](auto j) { static_for<kGroup>([&](auto r) { z[j][r] += column[r] * tile[j]; }); });
        }
        static_for<kRowTile>(
            [&](auto j) { static_for<kGroup>([&](auto r) { q[r] -= z[j][r] * z[j][r]; }); });
      }
      static_for<kGroup>([&](auto r) {
        store(exponents + k * kColumn + offset + r * kNativeDoubles, q[r]);
        most[r] = max(most[r], q[r]);
      });
    }
    static_for<kGroup>([&](auto r) { store(largest + offset + r * kNativeDoubles, most[r]); });
  }
}

// Workspace: the block row by row with the column of ones (kBlock x width), then U, then one mean.
double* rows_of(double* workspace) { return workspace; }
double* scaled_rows_of(double* workspace, int width) { return workspace + kBlock * width; }
double* mean_of(double* workspace, int width) { return workspace + (kBlock + kSubBlock) * width; }

void arrange(const PreparedMixture& mixture, const double* x, int registers, double* workspace) {
  const int nvars = mixture.nvars();
  const int width = augmented_width(nvars);
  double* const rows = rows_of(workspace);
  for (int i = 0; i < registers * kNativeDoubles; ++i) {
    double* row = rows + i * width;
    for (int j = 0; j < nvars; ++j) row[j] = x[j * kColumn + i];
    row[nvars] = 1.0;
    for (int j = nvars + 1; j < width; ++j) row[j] = 0.0;
  }
}

// sums[t][0..C) += sum_p u_p[row + t] * u_p[column ..] for T rows and C registers of columns.
template <int T, int C>
void rank_update(const double* u, int width, int points, int row, int column, double* sums) {
  Native total[T][C];
  double* const target = sums + static_cast<std::size_t>(row) * width + column;
  static_for<T>([&](auto t) {
    static_for<C>([&](auto c) { total[t][c] = load(target + t * width + c * kNativeDoubles); });
  });
  for (int p = 0; p < points; ++p, u += width) {
    Native right[C];
    static_for<C>([&](auto c) { right[c] = load(u + column + c * kNativeDoubles); });
    static_for<T>(
        [&](auto t) { static_for<C>([&](auto c) { total[t][c] += right[c] * u[row + t]; }); });
  }
  static_for<T>([&](auto t) {
    static_for<C>([&](auto c) { store(target + t * width + c * kNativeDoubles, total[t][c]); });
  });
}

// T rows of the lower triangle of U^T U, columns 0 to the diagonal (rounded up to registers).
template <int T>
void rank_update_rows(const double* u, int width, int points, int row, double* sums) {
  constexpr int kWide = 3 * kNativeDoubles;
  const int columns = round_up(row + T, kNativeDoubles);
  int column = 0;
  for (; column + kWide <= columns; column += kWide)
    rank_update<T, 3>(u, width, points, row, column, sums);
  if (columns - column == 2 * kNativeDoubles)
    rank_update<T, 2>(u, width, points, row, column, sums);
  if (columns - column == kNativeDoubles) rank_update<T, 1>(u, width, points, row, column, sums);
}

// With u = sqrt(r) (y, 1): U^T U holds S2, and in its last row S1 and S0.
void accumulate(const PreparedMixture& mixture, int k, const double*, int registers,
                const double* relative, const double* factor, double* moments, double* workspace) {
  const int nvars = mixture.nvars();
  const int width = augmented_width(nvars);
  const double* const rows = rows_of(workspace);
  double* const u = scaled_rows_of(workspace, width);
  double* const mean = mean_of(workspace, width);
  for (int j = 0; j < nvars; ++j) mean[j] = mixture.packed(k)[1 + j];
  for (int j = nvars; j < width; ++j) mean[j] = 0.0;
  constexpr int kTall = kNativeDoubles == 8 ? 8 : 4;
  const int points = registers * kNativeDoubles;
  for (int first = 0; first < points; first += kSubBlock) {
    const int count = std::min(kSubBlock, points - first);
    for (int p = 0; p < count; ++p) {
      const double root = std::sqrt(relative[first + p] * factor[first + p]);
      const double* const row = rows + (first + p) * width;
      double* const target = u + p * width;
      for (int j = 0; j < width; j += kNativeDoubles)
        store(target + j, (load(row + j) - load(mean + j)) * root);
    }
    int row = 0;
    for (; row + kTall <= nvars + 1; row += kTall)
      rank_update_rows<kTall>(u, width, count, row, moments);
    for (; row + 2 <= nvars + 1; row += 2) rank_update_rows<2>(u, width, count, row, moments);
    if (row <= nvars) rank_update_rows<1>(u, width, count, row, moments);
  }
}

void reduce(int nvars, const double* moments, double* packed) {
  const int width = augmented_width(nvars);
  const double* const last = moments + static_cast<std::size_t>(nvars) * width;
  *packed++ = last[nvars];
  for (int j = 0; j < nvars; ++j) *packed++ = last[j];
  for (int j = 0; j < nvars; ++j)
    for (int l = 0; l <= j; ++l) *packed++ = moments[static_cast<std::size_t>(j) * width + l];
}

}  // namespace

BlockKernel tiled_kernel(int nvars) {
  const int width = augmented_width(nvars);
  BlockKernel kernel;
  kernel.nvars = nvars;
  kernel.registers_per_step = kGroup;
  kernel.workspace = std::max(round_up(nvars, kRowTile) * kGroup * kNativeDoubles,
                              (kBlock + kSubBlock + 1) * width);
  kernel.accumulators = static_cast<std::size_t>(nvars + 1) * width;
  kernel.log_joint = log_joint;
  kernel.arrange = arrange;
  kernel.accumulate = accumulate;
  kernel.reduce = reduce;
  return kernel;
}

}  // namespace mogfit
