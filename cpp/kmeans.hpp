// K-means: greedy k-means++ centres, and Lloyd's iterations until they stand still.
#pragma once

#include <cstdint>
#include <vector>

#include "packing.hpp"
#include "points.hpp"
#include "threads.hpp"

namespace mogfit {

struct KMeansOptions {
  const double* location;  // of each column, in the data's units
  const double* scale;     // of each column; distances are taken on (x - location) / scale
  int max_iterations;      // of Lloyd's; 0 leaves the centres of k-means++
  // Ends when the squared shift of all centres together is at most this times the mean variance of
  // the columns; negative: only when no point changes its cluster.
  double tolerance;
};

struct Clusters {
  std::vector<std::int32_t> labels;  // the nearest centre of each point; the first of equal ones
  Matrix centres;                    // K x d, in the data's units
  std::vector<double> weights;       // of the points of each
};

// Greedy k-means++ (Arthur & Vassilvitskii 2007, each centre the best of 2 + log K candidates),
// then Lloyd's iterations. sample_weight may be null. A cluster that is left without weight moves
// to the point farthest from its centre; it stays empty only where the data hold fewer distinct
// points than there are clusters. Takes a copy of the data. Streams of one seed give independent
// clusterings; labels and centres have the same bits for any number of threads.
Clusters kmeans(const Points& points, const double* sample_weight, int ngauss,
                const KMeansOptions& options, std::uint64_t seed, std::uint64_t stream, int threads,
                const StopRequested& stop = {});

}  // namespace mogfit
