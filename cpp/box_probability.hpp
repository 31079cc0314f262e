// The probability that a normal vector falls into a box, with its derivatives.
#pragma once

#include <cstdint>
#include <vector>

#include "lattice_probability.hpp"
#include "packing.hpp"
#include "standard_box.hpp"
#include "threads.hpp"

namespace mogfit {

// What is chosen once for a component and then held, so that Z is a smooth function of mean and
// covariance however its variables would be ordered elsewhere. One entry for each group of at least
// kMaxQuadrature + 1 variables; smaller ones need no plan.
struct BoxPlan {
  struct Group {
    std::vector<int> variables;
    LatticePlan lattice;
  };
  std::vector<Group> groups;
};

struct BoxProbability {
  double log_probability;  // log Z; 0 for a box without sides
  double error;            // estimate of the relative error of Z
  Vector mean;             // E[x - mu | box]:            d log Z / d mu = Sigma^-1 mean
  Matrix excess;           // E[y y^T | box] - Sigma:     d log Z / d Sigma
                           //   = Sigma^-1 excess Sigma^-1 / 2,  y = x - mu
};

// The relative error that lattice rules aim at unless told otherwise.
inline constexpr double kBoxTolerance = 1e-4;

BoxPlan plan_box(const Box& box, const Vector& mean, const Matrix& factor,
                 double rtol = kBoxTolerance);

// Groups of the plan keep their order of variables, their tilt and their points.
BoxProbability box_probability(const Box& box, const Vector& mean, const Matrix& factor,
                               const BoxPlan& plan);

// log Z for each of n means, row-major n x d; boxes of more than kMaxQuadrature bounded variables
// are planned at the first of them.
void box_log_probabilities(const Box& box, const double* means, std::int64_t n,
                           const Matrix& factor, double* out, int threads,
                           const StopRequested& stop = {});

}  // namespace mogfit
