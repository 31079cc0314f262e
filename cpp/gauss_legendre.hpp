// Gauss and Legendre's quadrature rules.
#pragma once

#include "lanes.hpp"

namespace mogfit {

// Nodes and weights of the rules with 8, 16, ..., kMaxNodes nodes on [-1, 1].
inline constexpr int kNodeStep = 8;
inline constexpr int kMaxNodes = 48;

struct GaussLegendre {
  int count;
  alignas(64) double nodes[kMaxNodes];
  alignas(64) double weights[kMaxNodes];
};

// The rule with `count` nodes, a multiple of kNodeStep up to kMaxNodes.
const GaussLegendre& gauss_legendre(int count);

}  // namespace mogfit
