// The standard normal restricted to an interval: its mass and moments, at any distance in the tail
// and however narrow the interval.
#pragma once

#include <cmath>

#include "lanes.hpp"

namespace mogfit {

// [low, high], either side possibly infinite. The width is kept on its own: the difference of two
// standardised bounds would lose it when the interval is narrow.
struct Interval {
  double low;
  double high;
  double width;
};

// Of a standard normal z restricted to an interval.
struct NormalInterval {
  double log_mass;
  double mean;    // E[z]
  double second;  // E[z^2]
};

// Below this width, and this change of the exponent across it, the differences of tails cancel.
inline constexpr double kNarrow = 0.5;

inline constexpr double kLogSqrt2Pi = 0.91893853320467274178;
inline constexpr double kInverseSqrt2Pi = 0.39894228040143267794;

namespace detail {

// (x + 3/2) M(x) in t = (x - 6) / (x + 6), the Chebyshev interpolant of degree 23 on t in [-1, 1],
// computed with 40 digits; the highest power first.
inline constexpr double kMills[] = {
    -8.8925782957038508505e-10, 1.9006810228872383896e-9,    1.0067779932295415718e-8,
    -2.9098656584923297698e-8,  -5.8104069317725470674e-8,   2.9170865803747415901e-7,
    7.7610275294853442363e-8,   -2.3547613218442648416e-6,   3.5732389885143568851e-6,
    0.000011653213421966031278, -0.000059182980290614886752, 0.000069034855377200739899,
    0.00031502494979276430357,  -0.0019521831046672728106,   0.0060884232041491869061,
    -0.013412605401198242641,   0.022117601021830975121,     -0.025749689212423475994,
    0.012696566392825238611,    0.030756476784042650759,     -0.11361645256948825232,
    0.23243254937620576478,     -0.36753118492916109583,     1.2178324567265059888};

template <typename T>
MOGFIT_INLINE T mills_ratio(T x) {
  const T t = (x - 6.0) / (x + 6.0);
  T p = t * kMills[0] + kMills[1];
  for (int i = 2; i < 24; ++i) p = p * t + kMills[i];
  return p / (x + 1.5);
}

}  // namespace detail

// Mills' ratio M(x) = (1 - Phi(x)) / phi(x) for finite x >= 0, to 3e-16 of itself.
MOGFIT_INLINE double mills_ratio(double x) { return detail::mills_ratio(x); }
MOGFIT_INLINE Native mills_ratio(Native x) { return detail::mills_ratio(x); }

// log(Phi(high) - Phi(low)) and the moments. With both sides on the right of 0 the mass is
//   phi(low) [M(low) - M(high) exp(-width (low + high) / 2)],
// around 0 it is 1 - (1 - Phi(-low)) - (1 - Phi(high)); an interval so narrow that these cancel is
// integrated by Gauss and Legendre's rule.
NormalInterval normal_interval(const Interval& interval);

}  // namespace mogfit
