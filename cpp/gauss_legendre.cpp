#include "gauss_legendre.hpp"

#include <array>
#include <cmath>

namespace mogfit {

namespace {

constexpr double kPi = 3.14159265358979323846;

// Newton's method on the Legendre polynomial P_n from Tricomi's approximation of its roots;
// the weights are 2 / ((1 - x^2) P_n'(x)^2).
GaussLegendre make_rule(int n) {
  GaussLegendre rule{n, {}, {}};
  for (int i = 0; i < (n + 1) / 2; ++i) {
    double x = std::cos(kPi * (i + 0.75) / (n + 0.5));
    double slope = 0.0;
    for (int step = 0; step < 10; ++step) {
      double previous = 1.0;
      double p = x;
      for (int j = 2; j <= n; ++j) {
        const double next = ((2 * j - 1) * x * p - (j - 1) * previous) / j;
        previous = p;
        p = next;
      }
      slope = n * (x * p - previous) / (x * x - 1.0);
      const double change = p / slope;
      x -= change;
      if (std::abs(change) < 1e-16) break;
    }
    const double weight = 2.0 / ((1.0 - x * x) * slope * slope);
    rule.nodes[i] = -x;
    rule.nodes[n - 1 - i] = x;
    rule.weights[i] = rule.weights[n - 1 - i] = weight;
  }
  return rule;
}

}  // namespace

const GaussLegendre& gauss_legendre(int count) {
  static const auto rules = [] {
    std::array<GaussLegendre, kMaxNodes / kNodeStep> made{};
    for (int i = 0; i < kMaxNodes / kNodeStep; ++i) made[i] = make_rule((i + 1) * kNodeStep);
    return made;
  }();
  return rules[count / kNodeStep - 1];
}

}  // namespace mogfit
