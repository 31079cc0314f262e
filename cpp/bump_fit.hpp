// Sums of bumps fitted to the values of a function: Levenberg-Marquardt with heights projected out.
#pragma once

#include <functional>
#include <limits>

#include "bump_sums.hpp"

namespace mogfit {

struct BumpFitSettings {
  bool fixed_means = false;
  Vector narrowest;  // (d,): least and largest L_jj
  Vector widest;
  int max_iterations = 200;
  // Converged when every |c^T r| <= tolerance |c| |r|, c the free columns of the Jacobian, and a
  // step would gain next to nothing.
  double tolerance = 1e-8;
  // What rounding leaves of |c^T r| / |c| at least, where sum_i s_i F_i^2 is about 1.
  double rounding = 1e-15;
};

enum class BumpEnding { kConverged, kRounding, kIterationLimit, kStopped };

// Told the iteration, the loss and where it is; false stops the fit.
using BumpObserver = std::function<bool(int, double, const Bumps&)>;

struct BumpFit {
  Bumps bumps;
  double loss;  // sum_i s_i (F_i - f(x_i))^2
  // Largest |c^T r| / (|c| |r|) of the free columns, |r| being rounding / tolerance at least: at
  // most the tolerance at an optimum.
  double gradient_norm;
  Matrix slopes;  // (K, m - 1): derivatives of the loss along a and T, see bump_columns
  Matrix gram;    // (K, K): sum_i s_i b_k b_l
  int iterations;
  int evaluations;
  BumpEnding ending;
};

// sum_i r_i d^2 b / dp dq along a and T from q = sum_i r_i b p q: to the products of the first
// derivatives of log b come its second ones, -|u'|^2 / 2 with u' = T^-1 (u - a). The row and the
// column of the height are those of q.
Matrix second_derivatives(const Matrix& q, int d);

// From the means and factors of `start`; its heights and shifts are not looked at.
BumpFit fit_bumps(const FunctionMesh& mesh, Bumps start, const BumpFitSettings& settings,
                  int threads, const StopRequested& stop, const BumpObserver& observer = {});

}  // namespace mogfit
