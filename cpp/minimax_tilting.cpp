#include "minimax_tilting.hpp"
// STUB
namespace mogfit { Tilting minimax_tilting(const StandardBox& box) { return {Vector::Zero(box.size()), 0.0}; } }
