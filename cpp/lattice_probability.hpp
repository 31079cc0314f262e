// The probability of a box in many dimensions by a rank-1 lattice rule.
#pragma once

#include "minimax_tilting.hpp"
#include "standard_box.hpp"

namespace mogfit {

// What is chosen once and then held, so that value and derivatives are one smooth function.
struct LatticePlan {
  Vector tilt;
  int points;  // of the lattice, for each shift
};

// Z = E[exp(psi(z))] over the tilted proposal, averaged over a lattice with fixed shifts; the error
// comes from the spread over the shifts. mean and second are the exact derivatives of this sum.
StandardMoments lattice_probability(const StandardBox& box, const LatticePlan& plan);

// A plan that is expected to reach the relative error `rtol` at this box.
LatticePlan plan_lattice(const StandardBox& box, double rtol);

}  // namespace mogfit
