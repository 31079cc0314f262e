// Botev's minimax tilting: a proposal for truncated normals that stays good in the far tails.
#pragma once

#include "standard_box.hpp"

namespace mogfit {

// z is proposed in order, z_i ~ N(tilt_i, 1) restricted to what the sides allow given z_1..z_(i-1).
// The density of N(0, I) over that of the proposal is exp(psi(z)) with
//   psi(z) = sum_i [tilt_i^2 / 2 - tilt_i z_i + log P_i],
// P_i the mass that the i-th side leaves to N(tilt_i, 1). psi(z) <= log_bound everywhere in the box
// (Botev 2017, Theorem 1): a draw is accepted with probability exp(psi(z) - log_bound).
struct Tilting {
  Vector tilt;  // its last entry is 0
  double log_bound;
};

// The tilt that makes the bound smallest: the saddle point of psi, by Newton's method.
Tilting minimax_tilting(const StandardBox& box);

}  // namespace mogfit
