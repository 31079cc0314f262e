#include "density.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "block_evaluator.hpp"

namespace mogfit {

namespace {

// Blocks a thread takes at a time.
constexpr std::int64_t kBlocksPerPiece = 16;

// Calls body(evaluator, part, first) for every loaded block of the rows of which something was
// seen, its points being those from `first` on of the part.
template <typename Body>
void for_each_block(const std::vector<ObservedPart>& parts, int threads, const StopRequested& stop,
                    const Body& body) {
  for (const ObservedPart& part : parts) {
    if (part.blank()) continue;
    const std::int64_t blocks = part.points.blocks();
    const std::int64_t pieces = (blocks + kBlocksPerPiece - 1) / kBlocksPerPiece;
    const double work =
        kBlocksPerPiece * kBlock * part.mixture->ngauss() * estimated_nanoseconds(part);
    const int used = useful_threads(threads, pieces, work);
    std::vector<std::unique_ptr<BlockEvaluator>> evaluators(used);
    parallel_for(pieces, used, stop, [&](std::int64_t piece, int thread) {
      auto& evaluator = evaluators[thread];
      if (!evaluator) evaluator = std::make_unique<BlockEvaluator>(part);
      const std::int64_t last = std::min(blocks, (piece + 1) * kBlocksPerPiece);
      for (std::int64_t block = piece * kBlocksPerPiece; block < last; ++block) {
        evaluator->load(block);
        body(*evaluator, part, block * kBlock);
      }
    });
  }
}

// Calls body(row) for the rows of which nothing was seen.
template <typename Body>
void for_each_blank_row(const std::vector<ObservedPart>& parts, const Body& body) {
  for (const ObservedPart& part : parts)
    if (part.blank())
      for (std::int64_t i = 0; i < part.points.n; ++i) body(part.points.row(i));
}

}  // namespace

void density(const PreparedMixture& mixture, const Observations& observations, DensityKind kind,
             double* out, int threads, const StopRequested& stop) {
  const std::vector<ObservedPart> parts = observe(mixture, observations, threads, stop);
  for_each_blank_row(parts, [&](std::int64_t row) {
    const double total = mixture.log_total_weight();
    out[row] = kind == DensityKind::kLog ? total : std::exp(total);
  });
  for_each_block(parts, threads, stop,
                 [&](BlockEvaluator& evaluator, const ObservedPart& part, std::int64_t first) {
                   evaluator.sum_components(BlockEvaluator::Keep::kDensity);
                   const double* const log_density = evaluator.log_density();
                   for (int i = 0; i < evaluator.rows(); ++i)
                     out[part.points.row(first + i)] =
                         kind == DensityKind::kLog ? log_density[i] : std::exp(log_density[i]);
                 });
}

void component_log_density(const PreparedMixture& mixture, const Observations& observations,
                           double* out, int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  // The same components, each with weight 1.
  const Vector no_weights = Vector::Zero(ngauss);
  const PreparedMixture unweighted = mixture.with_log_weights(no_weights.data());
  const std::vector<ObservedPart> parts = observe(unweighted, observations, threads, stop);
  for_each_blank_row(parts,
                     [&](std::int64_t row) { std::fill_n(out + row * ngauss, ngauss, 0.0); });
  for_each_block(parts, threads, stop,
                 [&](BlockEvaluator& evaluator, const ObservedPart& part, std::int64_t first) {
                   for (int k = 0; k < ngauss; ++k) {
                     const double* const exponent = evaluator.exponents(k);
                     for (int i = 0; i < evaluator.rows(); ++i)
                       out[part.points.row(first + i) * ngauss + k] =
                           evaluator.at_unusual(i, exponent[i] * kLn2);
                   }
                 });
}

void responsibilities(const PreparedMixture& mixture, const Observations& observations, double* out,
                      int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  const std::vector<ObservedPart> parts = observe(mixture, observations, threads, stop);
  for_each_blank_row(parts, [&](std::int64_t row) {
    for (int k = 0; k < ngauss; ++k)
      out[row * ngauss + k] = std::exp(mixture.log_weights()[k] - mixture.log_total_weight());
  });
  for_each_block(parts, threads, stop,
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
                 });
}

}  // namespace mogfit
