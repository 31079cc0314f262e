// Boxes, and what quadrature, lattice rules and truncated draws make of them: a box for standard
// normals seen through a lower triangular matrix.
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

// lower_j <= x_j <= upper_j; either side may be infinite, a variable without sides is free.
struct Box {
  Vector lower;
  Vector upper;
};

// A component and a box in standard units. Variables that are bounded, split into groups that are
// independent of each other; free variables are integrated out by leaving them away.
struct StandardisedBox {
  struct Group {
    std::vector<int> variables;  // in the order of integration: the least likely side first
    std::vector<double> units;   // x - mu = unit * (factor z): a scale, negative when reflected
    StandardBox box;
  };
  std::vector<Group> groups;
};

// Bounded variables that depend on each other: more would take minutes for a few digits.
inline constexpr int kMaxBounded = 50;

// For N(mean, factor factor^T), the factor lower triangular. Throws DomainError for a group of more
// than kMaxBounded variables.
StandardisedBox standardise(const Box& box, const Vector& mean, const Matrix& factor);

// One group, its variables in this order.
StandardisedBox::Group standardise_group(const std::vector<int>& variables, const Box& box,
                                         const Vector& mean, const Matrix& factor);

// The lower triangular A with A A^T = rows rows^T and a positive diagonal.
Matrix lower_factor(Matrix rows);

}  // namespace mogfit
