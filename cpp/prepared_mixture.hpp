// A mixture made ready for evaluation: factors, whitening matrices and log normalisers.
#pragma once

#include <memory>
#include <vector>

#include "box_probability.hpp"
#include "packing.hpp"

namespace mogfit {

// The box that every component is truncated to, and how the probability of it is computed: one plan
// for each component, made where the box was set.
struct Truncation {
  Box box;
  std::vector<BoxPlan> plans;
};

// p(x) = sum_k w_k N(x; mu_k, Sigma_k), with Sigma_k = L_k L_k^T, W_k = L_k^-1 (both lower) and
//   log w_k N(x; mu_k, Sigma_k) = c_k - |W_k (x - mu_k)|^2 / 2,
//   c_k = log w_k - sum_j log L_jj - (d/2) log 2 pi.
// Truncated to a box, each component is normalised on its own: N_k / Z_k inside the box, Z_k its
// mass there, so c_k loses log Z_k; who evaluates points looks first whether they are inside.
// Immutable once built. A zero weight is allowed: its log is -inf and the component adds nothing.
class PreparedMixture {
 public:
  // Row-major K, K x d and K x d x d arrays. Factorises the equilibrated matrices: the correlation
  // matrix R = D^-1 Sigma D^-1 with D = diag(Sigma)^1/2, so that the units of the columns, however
  // far apart, cost no accuracy. Throws DegenerateError naming the component when R is singular.
  static PreparedMixture from_covariances(int ngauss, int nvars, const double* weights,
                                          const double* means, const double* covariances,
                                          std::shared_ptr<const Truncation> truncation = {});

  // Lower Cholesky factors L_k with positive diagonals; weights need not be normalised.
  // Truncated as said, with the plans made elsewhere.
  static PreparedMixture from_factors(int ngauss, int nvars, const double* log_weights,
                                      const double* means, const double* factors,
                                      std::shared_ptr<const Truncation> truncation = {});

  // The same components with other weights.
  PreparedMixture with_log_weights(const double* log_weights) const;

  // The same components truncated to a box, with plans of their own. A box without sides truncates
  // nothing. Throws DegenerateError naming a component whose mass in the box is not a number.
  PreparedMixture with_box(const Box& box, double rtol = kBoxTolerance) const;
  // The same components with other weights and without a truncation.
  PreparedMixture without_box(const double* log_weights) const;
  // The same truncation with the plans that suit these components.
  PreparedMixture with_fresh_plans() const;

  int ngauss() const { return ngauss_; }
  int nvars() const { return nvars_; }
  const Vector& log_weights() const { return log_weights_; }
  // log sum_k w_k, 0 when the weights are normalised.
  double log_total_weight() const;
  const Matrix& means() const { return means_; }
  const Matrix& factor(int k) const { return factors_[k]; }
  const Matrix& whitening(int k) const { return whitenings_[k]; }
  // Whether every whitening matrix, and so every covariance, is diagonal: the kernels then leave
  // out the triangular products, which changes no bit of a density.
  bool diagonal() const { return diagonal_; }
  Matrix covariance(int k) const { return factors_[k] * factors_[k].transpose(); }

  // Null when the mixture is not truncated; only then is there nothing in boxes().
  const std::shared_ptr<const Truncation>& truncation() const { return truncation_; }
  // Mass in the box, and moments there, of component k.
  const BoxProbability& box(int k) const { return boxes_[k]; }

  // What the kernels stream through: packing.hpp says in which order.
  const double* packed(int k) const { return packed_.data() + k * packed_size(nvars_, diagonal_); }

 private:
  PreparedMixture(int ngauss, int nvars, const double* log_weights, const double* means);
  void set_component(int k, Matrix factor, Matrix whitening);
  // Once every component is set.
  void pack();

  int ngauss_;
  int nvars_;
  Vector log_weights_;
  Matrix means_;
  std::vector<Matrix> factors_;
  std::vector<Matrix> whitenings_;
  Vector log_normalisers_;
  bool diagonal_ = false;
  std::vector<double> packed_;
  std::shared_ptr<const Truncation> truncation_;
  std::vector<BoxProbability> boxes_;
};

// W = L^-1 for a lower triangular L.
Matrix invert_lower(const Matrix& lower);

}  // namespace mogfit
