// The weight, mean and scatter of the points of every label.
#pragma once

#include <cstdint>
#include <vector>

#include "packing.hpp"
#include "points.hpp"
#include "scatter.hpp"
#include "threads.hpp"

namespace mogfit {

// s0_k = sum_i s_i, means_k = sum_i s_i x_i / s0_k, s2_k = sum_i s_i (x_i - m_k) (x_i - m_k)^T over
// the points with label k. A label without weight has zeros.
struct LabelMoments {
  Vector s0;
  Matrix means;
  std::vector<Matrix> s2;
};

// labels: of every point, from 0 to ngauss - 1. sample_weight may be null. Sums are taken about a
// point of the label, then shifted to the mean: data far from the origin lose nothing. The same
// bits for any number of threads.
LabelMoments label_moments(const Points& points, const std::int32_t* labels,
                           const double* sample_weight, int ngauss, Scatter scatter, int threads,
                           const StopRequested& stop = {});

}  // namespace mogfit
