// From the user's rows to a block's columns: a transposition in registers.
#pragma once

#include <utility>

#include "points.hpp"

namespace mogfit {

template <int Stage, int... I>
MOGFIT_INLINE void exchange(Native& a, Native& b, std::integer_sequence<int, I...>) {
  constexpr int W = kNativeDoubles;
  const Native low = __builtin_shufflevector(a, b, ((I & Stage) ? I - Stage + W : I)...);
  const Native high = __builtin_shufflevector(a, b, ((I & Stage) ? I + W : I + Stage)...);
  a = low;
  b = high;
}

// One stage of the transposition of a square of registers: swaps the off-diagonal quarters of
// every square of 2 Stage registers.
template <int Stage>
MOGFIT_INLINE void exchange_all(Native (&square)[kNativeDoubles]) {
  static_for<kNativeDoubles>([&](auto i) {
    if constexpr ((i & Stage) == 0)
      exchange<Stage>(square[i], square[i + Stage],
                      std::make_integer_sequence<int, kNativeDoubles>{});
  });
}

MOGFIT_INLINE void transpose(Native (&square)[kNativeDoubles]) {
  exchange_all<1>(square);
  if constexpr (kNativeDoubles > 2) exchange_all<2>(square);
  if constexpr (kNativeDoubles > 4) exchange_all<4>(square);
}

MOGFIT_INLINE Native load_unaligned(const double* source) {
  Native values;
  std::memcpy(&values, source, sizeof values);
  return values;
}

using NativeFloats = float __attribute__((vector_size(kNativeDoubles * sizeof(float))));

MOGFIT_INLINE Native load_unaligned(const float* source) {
  NativeFloats values;
  std::memcpy(&values, source, sizeof values);
  return __builtin_convertvector(values, Native);
}

// x[j * kColumn + i] = source[i * row_stride + j * column_stride] for i in [from, rows).
template <typename T>
void copy_columns(const T* source, std::int64_t row_stride, std::int64_t column_stride, int from,
                  int rows, int d, double* x) {
  const auto copy = [&](auto stride) {
    for (int j = 0; j < d; ++j) {
      const T* const column = source + j * column_stride;
      double* const target = x + j * kColumn;
      for (int i = from; i < rows; ++i) target[i] = static_cast<double>(column[i * stride]);
    }
  };
  // Strides the compiler knows become vector code: single columns, and pairs of variables.
  if (row_stride == 1) return copy(std::integral_constant<std::int64_t, 1>{});
  if (row_stride == 2) return copy(std::integral_constant<std::int64_t, 2>{});
  copy(row_stride);
}

// The same for rows whose coordinates are adjacent, as many whole squares of registers as can be
// read without passing `readable` elements; returns the rows done.
template <typename T>
int transpose_rows(const T* source, std::int64_t row_stride, std::int64_t readable, int rows, int d,
                   double* x) {
  constexpr int W = kNativeDoubles;
  const int widest = (d - 1) / W * W + W;
  int i = 0;
  for (; i + W <= rows && (i + W - 1) * row_stride + widest <= readable; i += W) {
    for (int j = 0; j < d; j += W) {
      Native square[W];
      static_for<W>([&](auto r) { square[r] = load_unaligned(source + (i + r) * row_stride + j); });
      transpose(square);
      const int columns = d - j;
      static_for<W>([&](auto c) {
        if (c < columns) store(x + (j + c) * kColumn + i, square[c]);
      });
    }
  }
  return i;
}

// The same for chosen rows or columns.
template <typename T>
void gather(const T* data, const Points& points, std::int64_t first, int rows, double* x) {
  for (int i = 0; i < rows; ++i) {
    const T* const source = data + points.row(first + i) * points.row_stride;
    for (int j = 0; j < points.d; ++j)
      x[j * kColumn + i] = static_cast<double>(
          source[points.columns ? points.columns[j] : j * points.column_stride]);
  }
}

// Transposes one block of points into x (d columns, kColumn apart); the rows that fill up the
// last register repeat the first one. Returns whether every coordinate is finite.
inline bool load_block(const Points& points, std::int64_t block, double* x) {
  const int rows = points.rows_in_block(block);
  const int d = points.d;
  const std::int64_t first = block * kBlock;
  points.visit([&](const auto* data) {
    if (points.rows || points.columns) return gather(data, points, first, rows, x);
    const auto* const source = data + first * points.row_stride;
    int done = 0;
    if (d > 2 && points.column_stride == 1 && points.row_stride > 0) {
      const std::int64_t readable = (points.n - 1 - first) * points.row_stride + d;
      done = transpose_rows(source, points.row_stride, readable, rows, d, x);
    }
    copy_columns(source, points.row_stride, points.column_stride, done, rows, d, x);
  });
  const int registers = (rows + kNativeDoubles - 1) / kNativeDoubles;
  Native zero{};
  for (int j = 0; j < d; ++j) {
    double* column = x + j * kColumn;
    for (int i = rows; i < registers * kNativeDoubles; ++i) column[i] = column[0];
    // 0 * x is 0 for finite x and NaN otherwise.
    for (int i = 0; i < registers; ++i) zero += load(column + i * kNativeDoubles) * 0.0;
  }
  return sum(zero) == 0.0;
}

}  // namespace mogfit
