// Points: the user's N x d array, read where it lies, in any layout, as float64 or float32.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "lanes.hpp"

namespace mogfit {

// Rows handled together: their coordinates and exponents stay in the first-level cache. A multiple
// of every lane width. (Measured: 128 is within 3 % of the best of 64, 128, 256, 512 for every d.)
inline constexpr int kBlock = 128;

// Distance between columns of a block: one cache line more than the rows, so that equal rows of
// many columns do not fall into the same few sets of the cache.
inline constexpr int kColumn = kBlock + 8;

// A strided view; strides are in elements and may be zero or negative.
struct Points {
  enum class Scalar { kFloat64, kFloat32 };

  const void* data = nullptr;
  Scalar scalar = Scalar::kFloat64;
  std::int64_t n = 0;
  int d = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;

  std::int64_t blocks() const { return (n + kBlock - 1) / kBlock; }
  int rows_in_block(std::int64_t block) const {
    return static_cast<int>(std::min<std::int64_t>(kBlock, n - block * kBlock));
  }

  template <typename Visitor>
  auto visit(Visitor&& visitor) const {
    return scalar == Scalar::kFloat64 ? visitor(static_cast<const double*>(data))
                                      : visitor(static_cast<const float*>(data));
  }
};

namespace detail {

// Writes rows as columns of the block: x[j * kColumn + i] = points[first + i, j].
template <typename T>
void transpose_rows(const T* source, std::int64_t row_stride, std::int64_t column_stride, int rows,
                    int d, double* x) {
  const auto copy = [&](auto stride) {
    for (int j = 0; j < d; ++j) {
      const T* column = source + j * column_stride;
      double* target = x + j * kColumn;
      for (int i = 0; i < rows; ++i) target[i] = static_cast<double>(column[i * stride]);
    }
  };
  // A stride the compiler knows lets it vectorise the usual row-major cases.
  switch (row_stride) {
    case 1: return copy(std::integral_constant<std::int64_t, 1>{});
    case 2: return copy(std::integral_constant<std::int64_t, 2>{});
    case 3: return copy(std::integral_constant<std::int64_t, 3>{});
    case 4: return copy(std::integral_constant<std::int64_t, 4>{});
    default: return copy(row_stride);
  }
}

}  // namespace detail

// Transposes one block of points into x (d columns, kColumn apart); the rows that fill up the
// last register repeat the first one. Returns whether every coordinate is finite.
inline bool load_block(const Points& points, std::int64_t block, double* x) {
  const int rows = points.rows_in_block(block);
  const std::int64_t first = block * kBlock * points.row_stride;
  points.visit([&](const auto* data) {
    detail::transpose_rows(data + first, points.row_stride, points.column_stride, rows, points.d,
                           x);
  });
  const int lanes = (rows + kNativeDoubles - 1) / kNativeDoubles;
  Native zero{};
  for (int j = 0; j < points.d; ++j) {
    double* column = x + j * kColumn;
    for (int i = rows; i < lanes * kNativeDoubles; ++i) column[i] = column[0];
    // 0 * x is 0 for finite x and NaN otherwise.
    for (int i = 0; i < lanes; ++i) zero += load(column + i * kNativeDoubles) * 0.0;
  }
  return sum(zero) == 0.0;
}

}  // namespace mogfit
