// The order in which the kernels stream through the parameters of one component.
//
// In base 2, with s = sqrt(log2(e) / 2), so that log2(w N(x)) is c - sum_j z_j^2, z = s W (x - mu):
//   c log2(e), mu (d values), then s W: its diagonal where every component's is diagonal, or else
//   its lower triangle row by row up to kMaxUnrolled variables, beyond it in tiles of kRowTile
//   rows, column by column, the upper triangle of a tile zero.
#pragma once

#include <cmath>
#include <cstddef>

#include <Eigen/Core>

namespace mogfit {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;

// Dimensions whose kernels are unrolled: 1 to this.
inline constexpr int kMaxUnrolled = 16;

inline constexpr int kRowTile = 4;

inline constexpr double kLog2E = 1.4426950408889634074;
inline constexpr double kLn2 = 0.69314718055994530942;

inline std::size_t packed_size(int nvars, bool diagonal) {
  const std::size_t d = nvars;
  if (diagonal) return 1 + 2 * d;
  if (nvars <= kMaxUnrolled) return 1 + d + d * (d + 1) / 2;
  const std::size_t tiles = (d + kRowTile - 1) / kRowTile;
  return 1 + d + kRowTile * kRowTile * tiles * (tiles + 1) / 2;
}

template <typename Mean>
void pack_component(double log_normaliser, const Mean& mean, const Matrix& whitening, bool diagonal,
                    double* p) {
  const int nvars = static_cast<int>(whitening.rows());
  const double scale = std::sqrt(0.5 * kLog2E);
  *p++ = log_normaliser * kLog2E;
  for (int j = 0; j < nvars; ++j) *p++ = mean[j];
  if (diagonal) {
    for (int j = 0; j < nvars; ++j) *p++ = scale * whitening(j, j);
    return;
  }
  if (nvars <= kMaxUnrolled) {
    for (int j = 0; j < nvars; ++j)
      for (int l = 0; l <= j; ++l) *p++ = scale * whitening(j, l);
    return;
  }
  for (int first = 0; first < nvars; first += kRowTile)
    for (int l = 0; l < first + kRowTile; ++l)
      for (int j = first; j < first + kRowTile; ++j)
        *p++ = j < nvars && l <= j ? scale * whitening(j, l) : 0.0;
}

}  // namespace mogfit
