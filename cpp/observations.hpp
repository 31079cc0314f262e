// What was seen of the points: some of their values, through noise, or projected.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "points.hpp"

namespace mogfit {

// e_i ~ N(0, S_i): no noise; one S for all points; S_i diagonal, given by standard deviations; S_i
// in full.
enum class Noise { kNone, kShared, kDeviations, kCovariances };

// The rows of which the same columns were seen; columns and rows in increasing order.
struct Pattern {
  std::vector<int> columns;
  std::vector<std::int64_t> rows;
};

// y_i = R_i x_i + e_i: M values seen of the V variables of x_i, of which some may be missing.
struct Observations {
  Observations() = default;
  // Points seen as they are.
  Observations(const Points& all, const double* weights = nullptr) : points(all), weight(weights) {}

  Points points;                   // N x M
  const double* weight = nullptr;  // N values >= 0, or null for ones; weight 0 counts as absent
  Noise noise = Noise::kNone;
  const double* errors = nullptr;      // row-major, M x M (shared), N x M or N x M x M
  const double* projection = nullptr;  // row-major M x V matrices; null: R_i = I
  std::int64_t projection_stride = 0;  // doubles from one R_i to the next; 0: one for all
  int projected_nvars = 0;             // V, when there is a projection
  std::shared_ptr<const std::vector<Pattern>> patterns;  // null: every value was seen
  std::vector<char> noisy;  // of each column, whether any of its errors is above 0; empty: none

  int nvars() const { return projection ? projected_nvars : points.d; }
};

// Which columns have an error above 0; empty when there are no errors.
std::vector<char> find_noisy_columns(const Observations& observations);

// Groups the rows by which of their values were seen: those that are not NaN, and whose error is
// not infinite. Null when all of them were. Complete rows come first, then the patterns in the
// order of their columns, so that it does not matter which row comes first.
std::shared_ptr<const std::vector<Pattern>> find_patterns(const Observations& observations);

}  // namespace mogfit
