// The probability of a box in up to four dimensions by nested quadrature.
#pragma once

#include "standard_box.hpp"

namespace mogfit {

inline constexpr int kMaxQuadrature = 4;

// Z = integral over z_1 of phi(z_1) P(rest | z_1), and so on, the last variable in closed form; the
// moments come from the same nodes. Every term is positive, so nothing cancels, in whatever tail.
// Each integrand is log-concave: it is cut to where it matters, and split where one of the sides
// sets in, so that Gauss and Legendre's rules resolve its narrowest feature.
// The relative error is 1e-13 in two dimensions, 1e-11 in three, 1e-9 in four, beside rounding.
StandardMoments box_quadrature(const StandardBox& box);

}  // namespace mogfit
