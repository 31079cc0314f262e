// The sweeps over points that were seen through something: noise, a projection, a domain's bounds.
//
// y = R x + e with e ~ N(0, S) is seen of x ~ N(mu_k, Sigma_k = L L^T). What it tells of x,
//   E[x - mu | y] = L g,   E[(x - mu) (x - mu)^T | y] = L (I + h) L^T,
// are the scores g and h of the point. By Fisher's identity they are all a fit needs:
//   S1 = L sum_i s_i r_i g_i,   S2 = L (S0 I + sum_i s_i r_i h_i) L^T
// in place of the sums over y itself, for EM and for the gradient alike.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "block_kernel.hpp"
#include "scratch.hpp"
#include "standard_box.hpp"

namespace mogfit {

// Of what a point is seen through. A block has the columns y (M), then its standard deviations (M)
// or the lower triangle of S row by row, then R row by row if there is one.
struct SeenThrough {
  int nvars;       // V, of x
  int seen;        // M, of y
  bool full;       // S in full, or of standard deviations
  bool projected;  // R of each point, or the identity

  int columns() const {
    return seen + (full ? seen * (seen + 1) / 2 : seen) + (projected ? seen * nvars : 0);
  }
};

// What is left of x once y is known, where that is no normal: values that are known, and a normal
// truncated to a box for the others.
struct Remainder {
  Vector known;                                 // of all variables; those below count nothing
  std::vector<int> unknown;                     // variables, perhaps none
  std::shared_ptr<const PreparedMixture> rest;  // of one component, in these
};

// What is kept of each point and component: nothing but densities; the scores g and h; or g and, in
// place of h, the covariance Cov[x | y], which differences of scores would lose to rounding.
enum class Kept { kDensities, kScores, kPosterior };

class ScoreKernel {
 public:
  virtual ~ScoreKernel() = default;

  // For the point whose columns begin at x, in component k; nothing where x | y is normal.
  virtual std::optional<Remainder> remainder(const double*, int) const { return {}; }

  // exponents[k * kColumn + i] = log2 w_k p_k(y_i) and largest[i] = max_k of it, for the first
  // `registers` registers of points of the block x; what else is to be kept, too.
  virtual void log_joint(const double* x, int registers, double* exponents, double* largest) = 0;

  // Adds to the running sums of component k (accumulators of them): point i counts
  // relative[i] * factor[i].
  void accumulate(int k, int registers, const double* relative, const double* factor, double* sums);

  // Running sums -> S0, S1, S2 of the component of this factor L, packed_moments doubles.
  static void reduce(const Matrix& factor, const double* sums, double* packed);

  static std::size_t accumulators(int nvars) { return packed_moments(nvars) * kNativeDoubles; }

  // What is kept of the points of a block: g, then the lower triangle of h or of Cov[x | y], row by
  // row.
  double* score(int k, int m) {
    return scores_.data() + (static_cast<std::size_t>(k) * per_component_ + m) * kColumn;
  }

 protected:
  ScoreKernel(int ngauss, int nvars, Kept kept);

  Kept kept_;

 private:
  int per_component_;
  Scratch scores_;
  Scratch weights_;
};

// Noise and projections of each point: the E-step of Bovy, Hogg & Roweis (2011).
std::unique_ptr<ScoreKernel> noisy_kernel(const PreparedMixture& mixture, const SeenThrough& seen,
                                          Kept kept);

// The same where bounded variables are missing or seen through noise: each component's density of
// what was seen has the probability that the rest lies in the box as a factor, and its moments are
// those inside. `columns` are the variables seen, where points are not projected. Microseconds a
// point and component.
std::unique_ptr<ScoreKernel> boxed_kernel(const PreparedMixture& mixture, const SeenThrough& seen,
                                          const std::vector<int>& columns, const Box& box,
                                          Kept kept);

}  // namespace mogfit
