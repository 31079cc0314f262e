// Where a fit starts: centres spread over the data by greedy k-means++.
#pragma once

#include <cstdint>

#include "points.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// How to see the data while looking for starts.
struct StartOptions {
  const double* location;    // of each column, in the data's units
  const double* scale;       // of each column; distances are taken on (x - location) / scale
  const Matrix* covariance;  // of all the data: what each cluster's covariance is shrunk towards
  double shrinkage;          // ... as if by so many points
  int lloyd_iterations;
};

// A mixture from greedy k-means++ centres (Arthur & Vassilvitskii 2007, each centre the best of
// 2 + log K candidates) and a few of Lloyd's iterations: the weight, mean and shrunk covariance of
// each cluster. sample_weight may be null. Streams of one seed give independent starts.
PreparedMixture kmeans_start(const Points& points, const double* sample_weight, int ngauss,
                             const StartOptions& options, std::uint64_t seed, std::uint64_t stream,
                             const StopRequested& stop = {});

}  // namespace mogfit
