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

// A strided view; strides are in elements and may be zero or negative. An index of rows, and the
// offsets of columns in elements, choose and order what is seen of an array.
struct Points {
  enum class Scalar { kFloat64, kFloat32 };

  const void* data = nullptr;
  Scalar scalar = Scalar::kFloat64;
  std::int64_t n = 0;
  int d = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  const std::int64_t* rows = nullptr;     // n of them, or null: all, in order
  const std::int64_t* columns = nullptr;  // d of them, or null: column_stride apart

  // Where row i lies in the array.
  std::int64_t row(std::int64_t i) const { return rows ? rows[i] : i; }

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

}  // namespace mogfit
