// From the moments of a pass to gradients: algebra on K small matrices, no data.
#pragma once

#include <vector>

#include "data_pass.hpp"
#include "model.hpp"

namespace mogfit {

// Truncated to a box, component k loses S0_k log Z_k: below, S1_k stands for S1_k - S0_k E_k[y] and
// S2_k for S2_k - S0_k (E_k[y y^T] - Sigma_k), E_k the expectation inside the box.
Vector first_moment(const PreparedMixture& mixture, const Moments& moments, int k);
Matrix second_moment(const PreparedMixture& mixture, const Moments& moments, int k);

// Of the log-likelihood (less the penalty), with L_k = the lower Cholesky factor of Sigma_k.
struct FactorGradient {
  Vector log_weights;           // S0_k - w_k sum(S0): logits whose softmax are the weights
  Matrix means;                 // Sigma_k^-1 S1_k
  std::vector<Matrix> factors;  // lower triangle of W_k^T A_k, A_k below
};

// In MultiMin's coordinates: Sigma_ij = rho_ij sigma_i sigma_j, pairs (1,2), (1,3), ..., (2,3), ...
struct StdcorrGradient {
  Vector weights;  // S0_k / w_k - sum(S0): weights that are divided by their sum, at sum 1
  Matrix mus;
  Matrix sigmas;
  Matrix rhos;
};

// With what the model adds, d / d mu_k is Sigma_k^-1 times S1_k + kappa (m - mu_k).
Vector mean_pull(const PreparedMixture& mixture, const Moments& moments, const Model& model, int k);

// A_k = W_k S2_k W_k^T - S0_k I, with what the model adds: d / d Sigma_k is W_k^T A_k W_k / 2.
Matrix whitened_scatter(const PreparedMixture& mixture, const Moments& moments, const Model& model,
                        int k);

// G_k = S0_k + a_k - 1, less what the ridge takes: d / d log w_k of weights that are not
// normalised.
Vector weight_pull(const PreparedMixture& mixture, const Moments& moments, const Model& model);

FactorGradient gradient_factors(const PreparedMixture& mixture, const Moments& moments,
                                const Penalty& penalty = {});

StdcorrGradient gradient_stdcorr(const PreparedMixture& mixture, const Moments& moments,
                                 const Penalty& penalty = {});

}  // namespace mogfit
