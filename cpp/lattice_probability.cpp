#include "lattice_probability.hpp"
// STUB
namespace mogfit { StandardMoments lattice_probability(const StandardBox& box, const LatticePlan&) { return {0.0,0.0,Vector::Zero(box.size()),Matrix::Identity(box.size(),box.size())}; } LatticePlan plan_lattice(const StandardBox&, double) { return {}; } }
