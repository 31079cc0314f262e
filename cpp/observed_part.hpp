// The rows of which the same columns were seen, and the mixture as it shows there: for each of
// these parts one fast pass, whose moments are carried over to all the variables.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "data_pass.hpp"
#include "observations.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// What the seen tell of all the variables of component k, given x_o - mu_o or y - mu_o:
//   E[x - mu | seen] = gain E[x_o - mu_o | seen],
//   Cov[x | seen]    = gain Cov[x_o | seen] gain^T + rest.
struct Regression {
  Matrix gain;
  Matrix rest;
};

struct ObservedPart {
  std::shared_ptr<const PreparedMixture> mixture;  // of the columns seen; of all, if projected
  Points points;
  const double* weight = nullptr;  // of all rows, those of other parts too
  Noise noise = Noise::kNone;      // of each row; shared noise is part of the mixture
  Points errors;
  Points projection;
  std::vector<int> columns;             // of the variables, where they are not projected
  bool seen_exactly = false;            // without noise, although a kernel for noise is used
  std::vector<Regression> regressions;  // of each component; empty: what the pass gives is all
  Vector lower, upper;                  // bounds of the columns seen; empty: none
  std::optional<Box> box;               // of all variables, where not all bounded ones are known

  // Where the views keep which columns they read.
  std::vector<std::int64_t> point_columns, error_columns, projection_columns;

  bool projected() const { return projection.data != nullptr; }
  // Nothing at all was seen of these rows.
  bool blank() const { return points.d == 0; }
};

// Calls body(parts) for the parts, a batch of them after the other: as many as a bounded memory
// holds, however many patterns there are. Throws NotImplementedError when more bounded variables
// are missing or seen through noise than quadrature can integrate over, and DegenerateError when
// noise and covariance together are singular.
void for_each_batch(const PreparedMixture& mixture, const Observations& observations, int threads,
                    const StopRequested& stop,
                    const std::function<void(const std::vector<ObservedPart>&)>& body);

// Adds to `total` what one part has summed of its rows: s0, s1, s2 of its own variables.
void add_moments(const ObservedPart& part, const PreparedMixture& mixture, Moments seen,
                 Moments& total);

}  // namespace mogfit
