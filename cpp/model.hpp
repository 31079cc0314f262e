// What is estimated of a mixture, and what counts beside its log-likelihood.
#pragma once

#include <optional>
#include <vector>

#include "penalty.hpp"
#include "prepared_mixture.hpp"
#include "scatter.hpp"

namespace mogfit {

// The families that covariances are taken from; tied ones are the same for all components.
enum class Structure { kFull, kDiag, kSpherical, kTied, kTiedDiag, kTiedSpherical };

// The matrices among which each covariance of a family lies.
enum class Shape { kFull, kDiagonal, kSpherical };

bool tied(Structure structure);
Shape shape_of(Structure structure);

// Which parameters stay where they are; an empty list holds none.
struct Held {
  std::vector<char> weights;
  std::vector<char> means;
  std::vector<char> covariances;

  bool weight(int k) const { return !weights.empty() && weights[k]; }
  bool mean(int k) const { return !means.empty() && means[k]; }
  bool covariance(int k) const { return !covariances.empty() && covariances[k]; }
};

// The conjugate prior, up to a constant (Fraley & Raftery 2007; Bishop 2006, section 10.2):
//   sum_k (a_k - 1) log w_k + sum_k log NIW(mu_k, Sigma_k | m, kappa, nu, Psi),
//   log NIW = -(nu + d + 2)/2 log |Sigma| - tr(Psi Sigma^-1)/2
//             - kappa/2 (mu - m)^T Sigma^-1 (mu - m).
// One covariance of all components has one inverse Wishart: its |Sigma| has the exponent
// -(nu + d + 1 + K)/2, of which K/2 belong to the normals of the means.
struct Prior {
  Vector concentration;  // a_k
  Vector mean;           // m
  double mean_strength;  // kappa
  double dof;            // nu
  Matrix scale;          // Psi
};

struct Model {
  // The members stand for a full, free model without a prior.
  Model(Penalty chen_tan = {}) : penalty(std::move(chen_tan)) {}  // NOLINT: a penalty is a model

  Structure structure = Structure::kFull;
  Held held;
  std::optional<Prior> prior;
  // Added to the variances of every M-step. The descent takes it as a penalty,
  //   -(ridge / 2) sum(s) sum_k w_k tr(Sigma_k^-1),
  // whose stationary covariances are those of the M-step.
  double ridge = 0.0;
  Penalty penalty;
  // The part of the data that a sample holds: the prior counts in proportion.
  double fraction = 1.0;

  bool tied() const { return mogfit::tied(structure); }
  Shape shape() const { return shape_of(structure); }
  // What the passes need to sum.
  Scatter scatter() const { return shape() == Shape::kFull ? Scatter::kFull : Scatter::kDiagonal; }
  Model for_total(double total) const;
  Model for_fraction(double part) const;

  // Throws InputError when the sizes are not those of the mixture, or of tied covariances some are
  // held and others are not.
  void check(const PreparedMixture& mixture) const;

  double log_prior(const PreparedMixture& mixture) const;
  // What is added to the log-likelihood: the prior, less the penalty.
  double added(const PreparedMixture& mixture) const;
  // What the descent loses by the ridge.
  double ridge_value(const PreparedMixture& mixture) const;

  // The derivative of prior and penalty is that of data of their own. For component k:
  double weight_count(int k) const;                        // points of known origin, a_k - 1
  double mean_count() const;                               // points at the prior's mean, kappa
  Vector mean_offset(const Vector& mu) const;              // m - mu
  double covariance_count(int ngauss) const;               // points with the scatter
  double prior_scatter_count(int ngauss) const;            // of these, those of the prior
  Matrix covariance_scatter(int ngauss, int nvars) const;  // about the component's mean
};

// The covariances of the family that maximise the likelihood of scatter matrices S_k about the
// means of n_k points each: Sigma_k of the shape from S_k / n_k, or from sum(S) / sum(n) when tied.
// Where n_k = 0, or the covariance is held, it stays what it is in `before`.
std::vector<Matrix> constrain(const Model& model, const PreparedMixture& before,
                              const std::vector<Matrix>& scatter, const Vector& count);

// A mixture with the truncation of another, from weights, means and covariances.
PreparedMixture assemble(const Vector& weights, const Matrix& means,
                         const std::vector<Matrix>& covariances, const PreparedMixture& like);

// The member of the family nearest to the mixture: its own covariances taken for scatter matrices.
PreparedMixture constrained(const PreparedMixture& mixture, Structure structure);

}  // namespace mogfit
