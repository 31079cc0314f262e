// Normal draws from a random stream, on the whole line or restricted to an interval.
#pragma once

#include "normal_interval.hpp"
#include "random_stream.hpp"

namespace mogfit {

// Where a draw lies: z, z - low or high - z. Seen from the side that it is close to it keeps all
// its digits, however far in the tail that side or however narrow the interval.
struct Place {
  enum class From { kZero, kLow, kHigh };
  From from;
  double distance;

  // z, given the interval.
  double in(const Interval& interval) const {
    if (from == From::kZero) return distance;
    return from == From::kLow ? interval.low + distance : interval.high - distance;
  }
};

double draw_normal(RandomStream& stream);

// N(0, 1) restricted to an interval. More than a quarter of the proposals are accepted in any of
// them.
Place draw_normal(RandomStream& stream, const Interval& interval);

}  // namespace mogfit
