// Finding values that are not finite, without a temporary array.
#pragma once

#include <cstdint>

#include "points.hpp"
#include "threads.hpp"

namespace mogfit {

struct NonFinite {
  std::int64_t nan = 0;
  std::int64_t infinite = 0;
  std::int64_t first_row = -1;  // in row order; -1 when all values are finite
  int first_column = -1;
};

NonFinite count_nonfinite(const Points& points, int threads, const StopRequested& stop = {});

}  // namespace mogfit
