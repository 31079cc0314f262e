// A mixture made ready for evaluation: factors, whitening matrices and log normalisers.
#pragma once

#include <vector>

#include "packing.hpp"

namespace mogfit {

// p(x) = sum_k w_k N(x; mu_k, Sigma_k), with Sigma_k = L_k L_k^T, W_k = L_k^-1 (both lower) and
//   log w_k N(x; mu_k, Sigma_k) = c_k - |W_k (x - mu_k)|^2 / 2,
//   c_k = log w_k - sum_j log L_jj - (d/2) log 2 pi.
// Immutable once built. A zero weight is allowed: its log is -inf and the component adds nothing.
class PreparedMixture {
 public:
  // Row-major K, K x d and K x d x d arrays. Factorises the equilibrated matrices: the correlation
  // matrix R = D^-1 Sigma D^-1 with D = diag(Sigma)^1/2, so that the units of the columns, however
  // far apart, cost no accuracy. Throws DegenerateError naming the component when R is singular.
  static PreparedMixture from_covariances(int ngauss, int nvars, const double* weights,
                                          const double* means, const double* covariances);

  // Lower Cholesky factors L_k with positive diagonals; weights need not be normalised.
  static PreparedMixture from_factors(int ngauss, int nvars, const double* log_weights,
                                      const double* means, const double* factors);

  // The same components with other weights.
  PreparedMixture with_log_weights(const double* log_weights) const;

  int ngauss() const { return ngauss_; }
  int nvars() const { return nvars_; }
  const Vector& log_weights() const { return log_weights_; }
  const Matrix& means() const { return means_; }
  const Matrix& factor(int k) const { return factors_[k]; }
  const Matrix& whitening(int k) const { return whitenings_[k]; }
  Matrix covariance(int k) const { return factors_[k] * factors_[k].transpose(); }

  // What the kernels stream through: packing.hpp says in which order.
  const double* packed(int k) const { return packed_.data() + k * packed_size(nvars_); }

 private:
  PreparedMixture(int ngauss, int nvars, const double* log_weights, const double* means);
  void set_component(int k, Matrix factor, Matrix whitening);

  int ngauss_;
  int nvars_;
  Vector log_weights_;
  Matrix means_;
  std::vector<Matrix> factors_;
  std::vector<Matrix> whitenings_;
  std::vector<double> packed_;
};

// W = L^-1 for a lower triangular L.
Matrix invert_lower(const Matrix& lower);

}  // namespace mogfit
