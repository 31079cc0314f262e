// The coordinates the fit runs in: the complete-data Fisher metric around an anchor mixture.
#pragma once

#include "data_pass.hpp"
#include "penalty.hpp"
#include "prepared_mixture.hpp"

namespace mogfit {

// theta = (v, u, a), all zero at the anchor (w0, mu0, L0):
//   logit_k = log w0_k + (H [0; v])_k / sqrt(w0_k),  w = softmax(logit)      K - 1 values
//   mu_k    = mu0_k + L0_k u_k / sqrt(w0_k)                                  K d
//   L_k     = L0_k T_k,  T_ij = a_ij / sqrt(w0_k) below the diagonal,
//             T_ii = exp(a_ii / sqrt(2 w0_k))                                K d (d + 1) / 2
// H is the Householder reflection that takes the first axis to the direction sqrt(w0), so that
// sum_k sqrt(w0_k) (H [0; v])_k = 0 for every v. In these coordinates the Hessian of the mean
// complete-data log-likelihood at the anchor is minus the identity: steps have natural size.
class WhitenedCoordinates {
 public:
  // Every weight of the anchor must be positive. All mixtures of these coordinates share the plans
  // of its truncation: their likelihood is one smooth function.
  explicit WhitenedCoordinates(PreparedMixture anchor);

  int size() const { return size_; }
  const PreparedMixture& anchor() const { return anchor_; }

  PreparedMixture mixture(const double* theta) const;

  // Gradient of (loglik - penalty) at theta, from the pass at mixture(theta).
  Vector gradient(const double* theta, const PreparedMixture& at, const Moments& moments,
                  const Penalty& penalty) const;

  // The longest multiple of `direction` worth trying from theta: no mean moves by more than
  // kMaxShift of its component's standard deviations, no scale by more than a factor
  // exp(kMaxStretch), no pair of logits by more than 2 kMaxLogit.
  double longest_step(const Vector& theta, const Vector& direction) const;

 private:
  Matrix transform(int k, const double* a) const;
  void reflect(Vector& v) const;
  int offset_means() const { return anchor_.ngauss() - 1; }
  int offset_factors() const { return offset_means() + anchor_.ngauss() * anchor_.nvars(); }

  PreparedMixture anchor_;
  Vector root_weights_;
  Vector normal_;
  int size_;
};

}  // namespace mogfit
