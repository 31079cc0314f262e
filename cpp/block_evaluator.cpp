#include "block_evaluator.hpp"

#include <cmath>
#include <limits>

#include "load_block.hpp"

namespace mogfit {

namespace {

// Registers of exponentials computed side by side.
constexpr int kExponentials = 4;

}  // namespace

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
  all_usual_ = load_block(points_, block, x_.data());
  if (mixture_.truncation()) all_usual_ = all_usual_ && all_inside();
  if (!all_usual_) set_unusual_aside();
  kernel_.log_joint(mixture_, x_.data(), registers_, exponents_.data(), largest_.data(),
                    workspace_.data());
}

bool BlockEvaluator::all_inside() const {
  const Box& box = mixture_.truncation()->box;
  int outside = 0;
  for (int j = 0; j < mixture_.nvars(); ++j) {
    const double lower = box.lower[j];
    const double upper = box.upper[j];
    const double* const x = x_.data() + j * kColumn;
    for (int i = 0; i < rows_; ++i) outside |= (x[i] < lower) | (x[i] > upper);
  }
  return outside == 0;
}

// Replaces the points that are not finite, or outside the domain, by zeros, and remembers what
// their log densities are.
void BlockEvaluator::set_unusual_aside() {
  const Truncation* const truncation = mixture_.truncation().get();
  unusual_.assign(kBlock, 0.0);
  for (int i = 0; i < kBlock; ++i) {
    double zero = 0.0;
    bool missing = false;
    bool outside = false;
    for (int j = 0; j < mixture_.nvars(); ++j) {
      const double value = x_[j * kColumn + i];
      zero += value * 0.0;
      missing = missing || std::isnan(value);
      if (truncation)
        outside = outside || value < truncation->box.lower[j] || value > truncation->box.upper[j];
    }
    if (zero == 0.0 && !outside) continue;
    unusual_[i] = missing ? std::numeric_limits<double>::quiet_NaN()
                          : -std::numeric_limits<double>::infinity();
    for (int j = 0; j < mixture_.nvars(); ++j) x_[j * kColumn + i] = 0.0;
  }
}

// R registers of points from `offset` on.
template <int R>
void BlockEvaluator::sum_registers(int offset, Keep keep) {
  const auto read = [&](const double* from) {
    return each<R>([&](auto r) { return mogfit::load(from + r * kNativeDoubles); });
  };
  const Lane<R> most = read(largest_.data() + offset);
  Lane<R> total{};
  double* relative = exponents_.data() + offset;
  for (int k = 0; k < mixture_.ngauss(); ++k, relative += kColumn) {
    const Lane<R> exponent = read(relative);
    const Lane<R> term = exp2(each<R>([&](auto r) { return exponent.v[r] - most.v[r]; }));
    static_for<R>([&](auto r) {
      if (keep == Keep::kShares) store(relative + r * kNativeDoubles, term.v[r]);
      total.v[r] += term.v[r];
    });
  }
  static_for<R>([&](auto r) {
    const int at = offset + r * kNativeDoubles;
    store(log_density_.data() + at, most.v[r] * kLn2 + log(total.v[r]));
    if (keep == Keep::kDensity) return;
    // A sum of 0 means that every exponent overflowed: the density, and each share of it, is 0.
    store(inverse_.data() + at, total.v[r] > 0.0 ? 1.0 / total.v[r] : Native{});
  });
}

void BlockEvaluator::sum_components(Keep keep) {
  int c = 0;
  for (; c + kExponentials <= registers_; c += kExponentials)
    sum_registers<kExponentials>(c * kNativeDoubles, keep);
  for (; c < registers_; ++c) sum_registers<1>(c * kNativeDoubles, keep);
  if (all_usual_) return;
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

double estimated_nanoseconds(int nvars) { return 1.0 + 0.05 * nvars * nvars; }

}  // namespace mogfit
