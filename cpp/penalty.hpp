// The penalty that keeps components from collapsing on a few points (Chen & Tan 2008).
#pragma once

#include "packing.hpp"
#include "prepared_mixture.hpp"

namespace mogfit {

// strength * total * sum_k [tr(S Sigma_k^-1) + log det Sigma_k] is subtracted from the
// log-likelihood, with S the overall covariance of the data and total = sum_i s_i. It is
// scale-free, and at K = 1 it leaves the maximum where it is. Its derivative in Sigma_k is that of
// 2 strength total extra points whose scatter is S, which is how every user of it counts it.
struct Penalty {
  double strength = 0.0;
  Matrix reference;  // S
  double total = 0.0;

  double pseudo_points() const { return 2.0 * strength * total; }

  // sum_k [...] as above, times strength * total.
  double value(const PreparedMixture& mixture) const;
};

}  // namespace mogfit
