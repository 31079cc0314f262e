// Which second moments a pass sums, and how many doubles the sums of one component take.
#pragma once

#include <cstddef>

namespace mogfit {

// Which entries of S2 are summed: all of them, or the diagonal, the others being 0.
enum class Scatter { kFull, kDiagonal };

// S0 = sum r, S1 = sum r y, S2 = sum r y y^T (lower triangle, row by row, or its diagonal),
// y = x - mu.
inline constexpr std::size_t packed_moments(int nvars, Scatter scatter = Scatter::kFull) {
  const std::size_t d = nvars;
  return scatter == Scatter::kFull ? 1 + d * (d + 3) / 2 : 1 + 2 * d;
}

}  // namespace mogfit
