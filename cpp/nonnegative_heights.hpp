// The linear part of a sum of bumps: small systems of normal equations.
#pragma once

#include "packing.hpp"

namespace mogfit {

// Relative ridge that keeps the columns of equal bumps apart.
inline constexpr double kRidge = 1e-13;

// Solves a x = b in units that make the diagonal of a 1, to which the ridge is added; false where a
// is not positive definite.
bool solve_scaled(Matrix a, Vector b, double ridge, Vector& solution);

// Heights that minimise |F - B h| with h >= 0, from B^T B and B^T F (Lawson & Hanson 1974, ch. 23).
// The heights that are above 0 in the guess, which may be empty, are taken for positive at first.
Vector nonnegative_heights(const Matrix& gram, const Vector& moments, const Vector& guess);

}  // namespace mogfit
