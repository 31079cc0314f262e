#include "block_evaluator.hpp"

#include <cmath>
#include <limits>

#include "load_block.hpp"

namespace mogfit {

namespace {

// Registers of exponentials computed side by side.
constexpr int kExponentials = 4;

SeenThrough seen_through_of(const ObservedPart& part) {
  return {part.mixture->nvars(), part.points.d, part.noise == Noise::kCovariances,
          part.projected()};
}

std::unique_ptr<ScoreKernel> score_kernel(const ObservedPart& part, Kept kept) {
  if (part.noise == Noise::kNone) return nullptr;
  const SeenThrough seen = seen_through_of(part);
  if (part.box) return boxed_kernel(*part.mixture, seen, part.columns, *part.box, kept);
  return noisy_kernel(*part.mixture, seen, kept);
}

// Of a block of these rows.
int columns_of(const ObservedPart& part) {
  return part.noise == Noise::kNone ? part.points.d : seen_through_of(part).columns();
}

}  // namespace

BlockEvaluator::BlockEvaluator(const ObservedPart& part, Kept kept, Scatter scatter)
    : part_(part),
      mixture_(*part.mixture),
      kernel_(block_kernel(mixture_, scatter)),
      seen_through_(score_kernel(part, kept)),
      x_(static_cast<std::size_t>(columns_of(part)) * kColumn),
      exponents_(static_cast<std::size_t>(mixture_.ngauss()) * kColumn),
      largest_(kColumn),
      log_density_(kColumn),
      inverse_(kColumn),
      workspace_(seen_through_ ? 0 : kernel_.workspace) {}

void BlockEvaluator::load(std::int64_t block) {
  rows_ = part_.points.rows_in_block(block);
  all_usual_ = load_block(part_.points, block, x_.data());
  if (part_.lower.size()) all_usual_ = all_usual_ && all_inside();
  if (!all_usual_) set_unusual_aside();
  if (!seen_through_) {
    registers_ = kernel_.registers_for(rows_);
    kernel_.log_joint(mixture_, x_.data(), registers_, exponents_.data(), largest_.data(),
                      workspace_.data());
    return;
  }
  registers_ = (rows_ + kNativeDoubles - 1) / kNativeDoubles;
  double* const errors = x_.data() + static_cast<std::size_t>(part_.points.d) * kColumn;
  load_block(part_.errors, block, errors);
  if (part_.noise == Noise::kDeviations)
    for (int i = 0; i < part_.errors.d * kColumn; i += kNativeDoubles)
      store(errors + i, mogfit::load(errors + i) * mogfit::load(errors + i));
  if (part_.projected())
    load_block(part_.projection, block,
               errors + static_cast<std::size_t>(part_.errors.d) * kColumn);
  seen_through_->log_joint(x_.data(), registers_, exponents_.data(), largest_.data());
}

bool BlockEvaluator::all_inside() const {
  int outside = 0;
  for (int j = 0; j < part_.points.d; ++j) {
    const double lower = part_.lower[j];
    const double upper = part_.upper[j];
    const double* const x = coordinate(j);
    for (int i = 0; i < rows_; ++i) outside |= (x[i] < lower) | (x[i] > upper);
  }
  return outside == 0;
}

// Replaces the points that are not finite, or outside the domain, by zeros, and remembers what
// their log densities are.
void BlockEvaluator::set_unusual_aside() {
  const bool bounded = part_.lower.size() > 0;
  unusual_.assign(kBlock, 0.0);
  for (int i = 0; i < kBlock; ++i) {
    double zero = 0.0;
    bool missing = false;
    bool outside = false;
    for (int j = 0; j < part_.points.d; ++j) {
      const double value = x_[j * kColumn + i];
      zero += value * 0.0;
      missing = missing || std::isnan(value);
      if (bounded) outside = outside || value < part_.lower[j] || value > part_.upper[j];
    }
    if (zero == 0.0 && !outside) continue;
    unusual_[i] = missing ? std::numeric_limits<double>::quiet_NaN()
                          : -std::numeric_limits<double>::infinity();
    for (int j = 0; j < part_.points.d; ++j) x_[j * kColumn + i] = 0.0;
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
  if (!seen_through_) kernel_.arrange(mixture_, x_.data(), registers_, workspace_.data());
  for (int k = 0; k < mixture_.ngauss(); ++k) {
    double* const target = moments + k * accumulators();
    if (seen_through_)
      seen_through_->accumulate(k, registers_, exponents(k), factor, target);
    else
      kernel_.accumulate(mixture_, k, x_.data(), registers_, exponents(k), factor, target,
                         workspace_.data());
  }
}

std::size_t BlockEvaluator::accumulators() const {
  return seen_through_ ? ScoreKernel::accumulators(mixture_.nvars()) : kernel_.accumulators;
}

void BlockEvaluator::reduce(int k, const double* moments, double* packed) const {
  if (seen_through_)
    ScoreKernel::reduce(mixture_.factor(k), moments, packed);
  else
    kernel_.reduce(mixture_.nvars(), moments, packed);
}

double estimated_nanoseconds(const ObservedPart& part) {
  const int nvars = part.mixture->nvars();
  if (part.box) return 5000.0;
  if (part.noise != Noise::kNone) return 3.0 + 0.2 * nvars * nvars;
  return 1.0 + (part.mixture->diagonal() ? 0.2 * nvars : 0.05 * nvars * nvars);
}

}  // namespace mogfit
