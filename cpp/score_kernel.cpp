#include "score_kernel.hpp"

namespace mogfit {

ScoreKernel::ScoreKernel(int ngauss, int nvars, Kept kept)
    : kept_(kept),
      per_component_(static_cast<int>(packed_moments(nvars)) - 1),
      scores_(kept == Kept::kDensities
                  ? 0
                  : static_cast<std::size_t>(ngauss) * per_component_ * kColumn),
      weights_(kColumn) {}

void ScoreKernel::accumulate(int k, int registers, const double* relative, const double* factor,
                             double* sums) {
  double* const weights = weights_.data();
  Native total = load(sums);
  for (int i = 0; i < registers * kNativeDoubles; i += kNativeDoubles) {
    const Native weight = load(relative + i) * load(factor + i);
    store(weights + i, weight);
    total += weight;
  }
  store(sums, total);
  for (int m = 0; m < per_component_; ++m) {
    const double* const values = score(k, m);
    double* const target = sums + (m + 1) * kNativeDoubles;
    Native sum = load(target);
    for (int i = 0; i < registers * kNativeDoubles; i += kNativeDoubles)
      sum += load(weights + i) * load(values + i);
    store(target, sum);
  }
}

void ScoreKernel::reduce(const Matrix& factor, const double* sums, double* packed) {
  const auto nvars = factor.rows();
  const auto total = [&](Eigen::Index m) { return sum(load(sums + m * kNativeDoubles)); };
  Vector g(nvars);
  Matrix h(nvars, nvars);
  Eigen::Index m = 1;
  packed[0] = total(0);
  for (Eigen::Index j = 0; j < nvars; ++j) g[j] = total(m++);
  for (Eigen::Index j = 0; j < nvars; ++j)
    for (Eigen::Index l = 0; l <= j; ++l) h(j, l) = h(l, j) = total(m++);
  h.diagonal().array() += packed[0];
  const Vector first = factor * g;
  const Matrix second = factor * h * factor.transpose();
  double* p = packed + 1;
  for (Eigen::Index j = 0; j < nvars; ++j) *p++ = first[j];
  for (Eigen::Index j = 0; j < nvars; ++j)
    for (Eigen::Index l = 0; l <= j; ++l) *p++ = second(j, l);
}

}  // namespace mogfit
