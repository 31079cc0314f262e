#include "normal_interval.hpp"

#include <algorithm>
#include <limits>

#include "gauss_legendre.hpp"

namespace mogfit {

namespace {

bool is_narrow(double centre, double width) { return width < kNarrow && width * centre < kNarrow; }

// phi(c) integral over |t| <= h of exp(-c t - t^2 / 2), and the moments of c + t.
NormalInterval narrow_interval(double centre, double width) {
  const GaussLegendre& rule = gauss_legendre(8);
  const double half = 0.5 * width;
  double sums[3] = {};
  for (int i = 0; i < rule.count; ++i) {
    const double t = half * rule.nodes[i];
    const double weight = rule.weights[i] * std::exp(-t * (centre + 0.5 * t));
    sums[0] += weight;
    sums[1] += weight * t;
    sums[2] += weight * t * t;
  }
  const double shift = sums[1] / sums[0];
  return {-0.5 * centre * centre - kLogSqrt2Pi + std::log(half) + std::log(sums[0]), centre + shift,
          centre * (centre + 2.0 * shift) + sums[2] / sums[0]};
}

// 0 <= low: the right tail.
NormalInterval tail_interval(double low, double high, double width) {
  double upper = 0.0;  // phi(high) / phi(low)
  double beyond = 0.0;
  if (high <= std::numeric_limits<double>::max()) {
    upper = std::exp(-width * (low + 0.5 * width));
    beyond = mills_ratio(high) * upper;
  }
  const double mass = mills_ratio(low) - beyond;
  const double at_high = upper > 0.0 ? high * upper : 0.0;
  return {-0.5 * low * low - kLogSqrt2Pi + std::log(mass), (1.0 - upper) / mass,
          1.0 + (low - at_high) / mass};
}

// low < 0 < high.
NormalInterval straddling_interval(double low, double high) {
  const double at_low = kInverseSqrt2Pi * std::exp(-0.5 * low * low);
  const double at_high = kInverseSqrt2Pi * std::exp(-0.5 * high * high);
  const double outside = (at_low > 0.0 ? at_low * mills_ratio(-low) : 0.0) +
                         (at_high > 0.0 ? at_high * mills_ratio(high) : 0.0);
  const double mass = 1.0 - outside;
  const double first_moments =
      (at_low > 0.0 ? low * at_low : 0.0) - (at_high > 0.0 ? high * at_high : 0.0);
  return {std::log1p(-outside), (at_low - at_high) / mass, 1.0 + first_moments / mass};
}

}  // namespace

NormalInterval normal_interval(const Interval& given) {
  const bool reflected = given.low < -given.high;
  const double low = reflected ? -given.high : given.low;
  const double high = reflected ? -given.low : given.high;
  NormalInterval result{};
  const double centre = low + 0.5 * given.width;
  if (is_narrow(centre, given.width)) {
    result = narrow_interval(centre, given.width);
  } else if (low >= 0.0) {
    result = tail_interval(low, high, given.width);
  } else {
    result = straddling_interval(low, high);
  }
  if (reflected) result.mean = -result.mean;
  return result;
}

}  // namespace mogfit
