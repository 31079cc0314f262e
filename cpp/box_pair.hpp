// Sums over the nodes of one axis of a pair (z, y) of standard normals in a box: z is integrated by
// a quadrature rule, y, between sides that move with z, in closed form.
#pragma once

#include <cmath>

#include "gauss_legendre.hpp"
#include "lanes.hpp"
#include "normal_interval.hpp"

namespace mogfit {

// A part of an axis, with the rule that resolves it.
struct Piece {
  double low;
  double width;
  const GaussLegendre* rule;
};

// gap(z) = max(0, at_zero - slope z): how many standard deviations the rest lies outside one side.
struct Side {
  double at_zero;
  double slope;
};

// Mass, z, z^2, y, y z, y^2 of the pair (z, y).
inline constexpr int kPairSums = 6;

// The node as the vectorised forms see it.
struct Nodes {
  Native z;
  Native weight;  // of the rule, with phi's constant
  Native low;     // of y
};

MOGFIT_INLINE Nodes nodes_at(const Piece& piece, const Side& side, int i) {
  Nodes nodes;
  nodes.z = piece.low + 0.5 * piece.width * (1.0 + load(piece.rule->nodes + i));
  nodes.weight = (0.5 * kInverseSqrt2Pi * piece.width) * load(piece.rule->weights + i);
  nodes.low = side.at_zero - side.slope * nodes.z;
  return nodes;
}

// mass = P, moment = P E[y], square = P E[y^2], all over exp(log_scale) and without phi(z).
MOGFIT_INLINE void add_nodes(const Nodes& nodes, Native density, Native mass, Native moment,
                             Native square, Native* totals) {
  const Native weight = nodes.weight * density;
  totals[0] += weight * mass;
  totals[1] += weight * mass * nodes.z;
  totals[2] += weight * mass * nodes.z * nodes.z;
  totals[3] += weight * moment;
  totals[4] += weight * moment * nodes.z;
  totals[5] += weight * square;
}

// P = 1 - Phi(l): phi(l) M(l) on the right of 0, 1 - phi(l) M(-l) on the left.
inline void add_one_sided(const Piece& piece, const Side& side, double nearest, Native* totals) {
  for (int i = 0; i < piece.rule->count; i += kNativeDoubles) {
    const Nodes nodes = nodes_at(piece, side, i);
    const Native low = nodes.low;
    const Native size = max(low, -low);
    const Native half_square = -0.5 * low * low;
    const auto in_tail = low > 0.0;
    const Native exponent = 0.5 * nearest - 0.5 * nodes.z * nodes.z;
    const Lane<2> powers = exp2(Lane<2>{{(in_tail ? exponent + half_square : exponent) * kLog2E,
                                         (in_tail ? Native{} : half_square) * kLog2E}});
    const Native at_low = kInverseSqrt2Pi * powers.v[1];
    const Native tail = at_low * mills_ratio(size);
    const Native mass = in_tail ? tail : 1.0 - tail;
    add_nodes(nodes, powers.v[0], mass, at_low, mass + low * at_low, totals);
  }
}

// Both sides, turned so that the middle lies on the right of 0: with l <= u,
// P = phi(l) M(l) - phi(u) M(u) where l > 0, and 1 - phi(l) M(-l) - phi(u) M(u) around 0.
inline void add_two_sided(const Piece& piece, const Side& side, double width, double nearest,
                          Native* totals) {
  for (int i = 0; i < piece.rule->count; i += kNativeDoubles) {
    const Nodes nodes = nodes_at(piece, side, i);
    const Native given_high = nodes.low + width;
    const auto turned = nodes.low + given_high < 0.0;
    const Native low = turned ? -given_high : nodes.low;
    const Native high = turned ? -nodes.low : given_high;
    const Native size = max(low, -low);
    const auto in_tail = low > 0.0;
    const Native low_exponent = -0.5 * low * low;
    const Native exponent = 0.5 * nearest - 0.5 * nodes.z * nodes.z;
    const Lane<3> powers =
        exp2(Lane<3>{{(in_tail ? exponent + low_exponent : exponent) * kLog2E,
                      (in_tail ? Native{} : low_exponent) * kLog2E,
                      (in_tail ? -width * (low + 0.5 * width) : -0.5 * high * high) * kLog2E}});
    const Native at_low = kInverseSqrt2Pi * powers.v[1];
    const Native at_high = kInverseSqrt2Pi * powers.v[2];
    const Native below = at_low * mills_ratio(size);
    const Native beyond = at_high * mills_ratio(high);
    const Native mass = in_tail ? below - beyond : (1.0 - below) - beyond;
    const Native moment = at_low - at_high;
    add_nodes(nodes, powers.v[0], mass, turned ? -moment : moment,
              mass + (low * at_low - high * at_high), totals);
  }
}

// Node by node, for sides so near to each other that their tails cancel.
inline void add_narrow(const Piece& piece, const Side& side, double width, double nearest,
                       Native* totals) {
  for (int i = 0; i < piece.rule->count; ++i) {
    const double z = piece.low + 0.5 * piece.width * (1.0 + piece.rule->nodes[i]);
    const double low = side.at_zero - side.slope * z;
    const NormalInterval y = normal_interval({low, low + width, width});
    const double mass = 0.5 * piece.width * piece.rule->weights[i] * kInverseSqrt2Pi *
                        std::exp(0.5 * (nearest - z * z) + y.log_mass);
    totals[0][0] += mass;
    totals[1][0] += mass * z;
    totals[2][0] += mass * z * z;
    totals[3][0] += mass * y.mean;
    totals[4][0] += mass * y.mean * z;
    totals[5][0] += mass * y.second;
  }
}

}  // namespace mogfit
