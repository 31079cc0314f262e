#include "density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "block_evaluator.hpp"
#include "part_blocks.hpp"

namespace mogfit {

namespace {

// Calls seen(evaluator, part, first) for every loaded block of the rows of which something was
// seen, its points being those from `first` on of the part, and blank(row) for the other rows.
template <typename Seen, typename Blank>
void for_each_point(const PreparedMixture& mixture, const Observations& observations, int threads,
                    const StopRequested& stop, const Seen& seen, const Blank& blank) {
  const auto one = [&](const ObservedPart& part) {
    if (part.blank()) {
      for (std::int64_t i = 0; i < part.points.n; ++i) blank(part.points.row(i));
      return;
    }
    for_each_block(
        part, mixture.ngauss() * estimated_nanoseconds(part), threads, stop,
        [&] { return std::make_unique<BlockEvaluator>(part); },
        [&](BlockEvaluator& evaluator, std::int64_t first) { seen(evaluator, part, first); });
  };
  for_each_batch(mixture, observations, threads, stop, [&](const std::vector<ObservedPart>& parts) {
    for (const ObservedPart& part : parts) one(part);
  });
}

}  // namespace

void density(const PreparedMixture& mixture, const Observations& observations, DensityKind kind,
             double* out, int threads, const StopRequested& stop) {
  for_each_point(
      mixture, observations, threads, stop,
      [&](BlockEvaluator& evaluator, const ObservedPart& part, std::int64_t first) {
        evaluator.sum_components(BlockEvaluator::Keep::kDensity);
        const double* const log_density = evaluator.log_density();
        for (int i = 0; i < evaluator.rows(); ++i)
          out[part.points.row(first + i)] =
              kind == DensityKind::kLog ? log_density[i] : std::exp(log_density[i]);
      },
      [&](std::int64_t row) {
        const double total = mixture.log_total_weight();
        out[row] = kind == DensityKind::kLog ? total : std::exp(total);
      });
}

void component_log_density(const PreparedMixture& mixture, const Observations& observations,
                           double* out, int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  // The same components, each with weight 1.
  const Vector no_weights = Vector::Zero(ngauss);
  for_each_point(
      mixture.with_log_weights(no_weights.data()), observations, threads, stop,
      [&](BlockEvaluator& evaluator, const ObservedPart& part, std::int64_t first) {
        for (int k = 0; k < ngauss; ++k) {
          const double* const exponent = evaluator.exponents(k);
          for (int i = 0; i < evaluator.rows(); ++i)
            out[part.points.row(first + i) * ngauss + k] =
                evaluator.at_unusual(i, exponent[i] * kLn2);
        }
      },
      [&](std::int64_t row) { std::fill_n(out + row * ngauss, ngauss, 0.0); });
}

void responsibilities(const PreparedMixture& mixture, const Observations& observations, double* out,
                      int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  for_each_point(
      mixture, observations, threads, stop,
      [&](BlockEvaluator& evaluator, const ObservedPart& part, std::int64_t first) {
        evaluator.sum_components(BlockEvaluator::Keep::kShares);
        const double* const inverse = evaluator.inverse();
        for (int k = 0; k < ngauss; ++k) {
          const double* const relative = evaluator.exponents(k);
          for (int i = 0; i < evaluator.rows(); ++i)
            out[part.points.row(first + i) * ngauss + k] =
                inverse[i] > 0.0 ? relative[i] * inverse[i]
                                 : std::numeric_limits<double>::quiet_NaN();
        }
      },
      [&](std::int64_t row) {
        for (int k = 0; k < ngauss; ++k)
          out[row * ngauss + k] = std::exp(mixture.log_weights()[k] - mixture.log_total_weight());
      });
}

}  // namespace mogfit
