// A box for standard normals seen through a lower triangular matrix: what quadrature, lattice rules
// and truncated draws work on.
#pragma once

#include <vector>

#include "normal_interval.hpp"
#include "packing.hpp"

namespace mogfit {

// The set of z with sides[i].low <= (factor z)_i <= sides[i].high for every i, z ~ N(0, I).
// The factor is lower triangular with a positive diagonal and rows of length 1, so that the sides
// are in standard deviations. Every low is finite (a variable with an upper bound alone is
// reflected), a high may be infinite. Rows come in the order of integration, the first outermost.
struct StandardBox {
  std::vector<Interval> sides;
  Matrix factor;

  int size() const { return static_cast<int>(sides.size()); }
};

// The probability of a box and what its derivatives need. With A the factor:
//   d log Z / d mu = A^-T mean,  d log Z / d Sigma = A^-T (second - I) A^-1 / 2,
// for the mean mu and covariance Sigma = A A^T of x = mu + A z, the bounds on x fixed.
struct StandardMoments {
  double log_mass;  // log Z
  double error;     // estimate of the relative error of Z
  Vector mean;      // E[z | box]
  Matrix second;    // E[z z^T | box]
};

}  // namespace mogfit
