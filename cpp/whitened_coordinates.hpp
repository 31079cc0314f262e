// The coordinates the fit runs in: the complete-data Fisher metric around an anchor mixture.
#pragma once

#include <vector>

#include "data_pass.hpp"
#include "model.hpp"
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
//
// Of diagonal covariances T_k is diagonal, d values; of spherical ones T_k = exp(a / sqrt(2 d
// w0_k)) times the identity. Tied covariances have one T, of which sum_k w0_k = 1 is the weight.
// What the model holds has no coordinates; weights that are free share what the held ones leave.
class WhitenedCoordinates {
 public:
  // Every weight of the anchor must be positive, and its covariances in the model's family
  // (InputError). All mixtures of these coordinates share the plans of its truncation: their
  // likelihood is one smooth function. Without a total weight in the model's penalty the metric is
  // that of the data alone.
  explicit WhitenedCoordinates(PreparedMixture anchor, const Model& model = {});

  int size() const { return size_; }
  const PreparedMixture& anchor() const { return anchor_; }

  PreparedMixture mixture(const double* theta) const;

  // Gradient of loglik at theta with what `model` adds, from the pass at mixture(theta). The model
  // is that of the coordinates, with the total weight of the data.
  Vector gradient(const double* theta, const PreparedMixture& at, const Moments& moments,
                  const Model& model) const;

  // The longest multiple of `direction` worth trying from theta: no mean moves by more than
  // kMaxShift of its component's standard deviations, no scale by more than a factor
  // exp(kMaxStretch), no pair of logits by more than 2 kMaxLogit.
  double longest_step(const Vector& theta, const Vector& direction) const;

 private:
  // Components whose factors are L0_k T, with one T.
  struct Group {
    std::vector<int> components;
    double root;  // of their weight
    int offset;   // of T's values in theta
  };

  int values_of_t() const;
  // Where T_ii lies among its values, and what they are divided by in the exponent.
  int diagonal_value(int i) const;
  double stretch(const Group& group) const;
  Matrix transform(const Group& group, const double* a) const;
  // H [0; v] / sqrt(w0) of the free weights, 0 for those held.
  Vector logits(const double* v) const;
  void reflect(Vector& v) const;

  PreparedMixture anchor_;
  Structure structure_;
  Vector root_weights_;
  Vector root_means_;
  std::vector<int> free_weights_;
  double free_share_;  // of the weights that are free, 1 when none is held
  Vector normal_;      // of the reflection, among the free weights
  std::vector<int> free_means_;
  std::vector<Group> groups_;
  int offset_means_;
  int size_;
};

}  // namespace mogfit
