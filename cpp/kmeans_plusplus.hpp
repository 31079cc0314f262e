// Centres spread over the data: greedy k-means++.
#pragma once

#include <vector>

#include "cloud.hpp"
#include "random_stream.hpp"

namespace mogfit {

// K centres, row by row: the first drawn in proportion to the weights, each next one the best of
// 2 + log K candidates drawn in proportion to weight times squared distance to the nearest so far
// (Arthur & Vassilvitskii 2007).
std::vector<double> kmeans_plusplus(const Cloud& cloud, int ngauss, RandomStream& random);

}  // namespace mogfit
