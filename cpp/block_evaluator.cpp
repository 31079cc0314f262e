#include "block_evaluator.hpp"

#include <cmath>
#include <limits>

namespace mogfit {

BlockEvaluator::BlockEvaluator(const PreparedMixture& mixture, const Points& points)
    : mixture_(mixture),
      points_(points),
      kernel_(block_kernel(mixture.nvars())),
      x_(static_cast<std::size_t>(mixture.nvars()) * kColumn),
      exponents_(static_cast<std::size_t>(mixture.ngauss()) * kColumn),
      largest_(kColumn),
      log_density_(kColumn),
      inverse_(kColumn),
      workspace_(kernel_.workspace) {}

void BlockEvaluator::load(std::int64_t block) {
  rows_ = points_.rows_in_block(block);
  registers_ = kernel_.registers_for(rows_);
  all_finite_ = load_block(points_, block, x_.data());
  if (!all_finite_) set_unusual_aside();
  kernel_.log_joint(mixture_, x_.data(), registers_, exponents_.data(), largest_.data(),
                    workspace_.data());
}

// Replaces the points that are not finite by zeros, and remembers what their log densities are.
void BlockEvaluator::set_unusual_aside() {
  unusual_.assign(kBlock, 0.0);
  for (int i = 0; i < kBlock; ++i) {
    double zero = 0.0;
    bool missing = false;
    for (int j = 0; j < mixture_.nvars(); ++j) {
      const double value = x_[j * kColumn + i];
      zero += value * 0.0;
      missing = missing || std::isnan(value);
    }
    if (zero == 0.0) continue;
    unusual_[i] = missing ? std::numeric_limits<double>::quiet_NaN()
                          : -std::numeric_limits<double>::infinity();
    for (int j = 0; j < mixture_.nvars(); ++j) x_[j * kColumn + i] = 0.0;
  }
}

void BlockEvaluator::normalise() {
  const int ngauss = mixture_.ngauss();
  for (int c = 0; c < registers_; ++c) {
    const int offset = c * kNativeDoubles;
    const Native most = mogfit::load(largest_.data() + offset);
    Native total{};
    double* relative = exponents_.data() + offset;
    for (int k = 0; k < ngauss; ++k, relative += kColumn) {
      const Native term = exp2(mogfit::load(relative) - most);
      store(relative, term);
      total += term;
    }
    store(log_density_.data() + offset, most * kLn2 + log(total));
    // A sum of 0 means that every exponent overflowed: the density, and each share of it, is 0.
    store(inverse_.data() + offset, total > 0.0 ? 1.0 / total : Native{});
  }
  if (all_finite_) return;
  for (int i = 0; i < rows_; ++i) {
    if (unusual_[i] == 0.0) continue;
    log_density_[i] = unusual_[i];
    inverse_[i] = 0.0;
  }
}

void BlockEvaluator::accumulate(const double* factor, double* moments) {
  kernel_.arrange(mixture_, x_.data(), registers_, workspace_.data());
  for (int k = 0; k < mixture_.ngauss(); ++k)
    kernel_.accumulate(mixture_, k, x_.data(), registers_, exponents(k), factor,
                       moments + k * kernel_.accumulators, workspace_.data());
}

double estimated_nanoseconds(int nvars) {
  return 1.0 + 0.05 * nvars * nvars;
}

}  // namespace mogfit
