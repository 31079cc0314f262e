// The same points, lying in memory in every way that an array can.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "points.hpp"

namespace mogfit::tests {

// Owns exactly the memory it describes, so that a read beside it is found by the sanitizers.
class Layout {
 public:
  Layout(std::string name, Points::Scalar scalar, int n, int d, std::int64_t row_stride,
         std::int64_t column_stride)
      : name_(std::move(name)) {
    points_.scalar = scalar;
    points_.n = n;
    points_.d = d;
    points_.row_stride = row_stride;
    points_.column_stride = column_stride;
    // Offsets of the first element from the lowest address, and of the highest.
    const std::int64_t rows = row_stride * (n > 0 ? n - 1 : 0);
    const std::int64_t columns = column_stride * (d - 1);
    first_ = -std::min<std::int64_t>(rows, 0) - std::min<std::int64_t>(columns, 0);
    const std::int64_t last =
        first_ + std::max<std::int64_t>(rows, 0) + std::max<std::int64_t>(columns, 0);
    const std::size_t size = n > 0 ? static_cast<std::size_t>(last + 1) : 0;
    if (scalar == Points::Scalar::kFloat64) {
      wide_.resize(size);
    } else {
      narrow_.resize(size);
    }
  }

  // Where strides are zero, later rows or columns overwrite earlier ones.
  void fill(const std::vector<double>& values) {
    for (std::int64_t i = 0; i < points_.n; ++i)
      for (int j = 0; j < points_.d; ++j) {
        const double value = values[static_cast<std::size_t>(i * points_.d + j)];
        if (points_.scalar == Points::Scalar::kFloat64) {
          wide_[place(i, j)] = value;
        } else {
          narrow_[place(i, j)] = static_cast<float>(value);
        }
      }
  }

  // What a reader should see: n x d values, row-major.
  std::vector<double> values() const {
    std::vector<double> seen;
    for (std::int64_t i = 0; i < points_.n; ++i)
      for (int j = 0; j < points_.d; ++j)
        seen.push_back(points_.scalar == Points::Scalar::kFloat64
                           ? wide_[place(i, j)]
                           : static_cast<double>(narrow_[place(i, j)]));
    return seen;
  }

  Points points() const {
    Points points = points_;
    if (points_.scalar == Points::Scalar::kFloat64) {
      points.data = wide_.empty() ? nullptr : wide_.data() + first_;
    } else {
      points.data = narrow_.empty() ? nullptr : narrow_.data() + first_;
    }
    return points;
  }

  const std::string& name() const { return name_; }

 private:
  std::size_t place(std::int64_t i, int j) const {
    return static_cast<std::size_t>(first_ + i * points_.row_stride + j * points_.column_stride);
  }

  std::string name_;
  Points points_;
  std::int64_t first_ = 0;
  std::vector<double> wide_;
  std::vector<float> narrow_;
};

inline Layout row_major(const std::vector<double>& values, int d) {
  Layout layout("C", Points::Scalar::kFloat64, static_cast<int>(values.size()) / d, d, d, 1);
  layout.fill(values);
  return layout;
}

inline std::vector<Layout> all_layouts(const std::vector<double>& values, int d) {
  const int n = static_cast<int>(values.size()) / d;
  std::vector<Layout> layouts;
  for (const auto scalar : {Points::Scalar::kFloat64, Points::Scalar::kFloat32}) {
    const std::string type = scalar == Points::Scalar::kFloat64 ? "float64 " : "float32 ";
    layouts.emplace_back(type + "C", scalar, n, d, d, 1);
    layouts.emplace_back(type + "Fortran", scalar, n, d, 1, n > 0 ? n : 1);
    layouts.emplace_back(type + "rows reversed", scalar, n, d, -d, 1);
    layouts.emplace_back(type + "columns reversed", scalar, n, d, d, -1);
    layouts.emplace_back(type + "both reversed", scalar, n, d, -1, n > 0 ? -n : -1);
    layouts.emplace_back(type + "every third of wider rows", scalar, n, d, 3 * d + 1, 3);
    layouts.emplace_back(type + "one row for all", scalar, n, d, 0, 1);
    layouts.emplace_back(type + "one column for all", scalar, n, d, 1, 0);
  }
  for (Layout& layout : layouts) layout.fill(values);
  return layouts;
}

}  // namespace mogfit::tests
