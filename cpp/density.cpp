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

// Calls body(evaluator, first row of the block) for every loaded block.
template <typename Body>
void for_each_block(const PreparedMixture& mixture, const Points& points, int threads,
                    const StopRequested& stop, const Body& body) {
  const std::int64_t blocks = points.blocks();
  const std::int64_t pieces = (blocks + kBlocksPerPiece - 1) / kBlocksPerPiece;
  const double work =
      kBlocksPerPiece * kBlock * mixture.ngauss() * estimated_nanoseconds(mixture.nvars());
  const int used = useful_threads(threads, pieces, work);
  std::vector<std::unique_ptr<BlockEvaluator>> evaluators(used);
  parallel_for(pieces, used, stop, [&](std::int64_t piece, int thread) {
    auto& evaluator = evaluators[thread];
    if (!evaluator) evaluator = std::make_unique<BlockEvaluator>(mixture, points);
    const std::int64_t last = std::min(blocks, (piece + 1) * kBlocksPerPiece);
    for (std::int64_t block = piece * kBlocksPerPiece; block < last; ++block) {
      evaluator->load(block);
      body(*evaluator, block * kBlock);
    }
  });
}

}  // namespace

void density(const PreparedMixture& mixture, const Points& points, DensityKind kind, double* out,
             int threads, const StopRequested& stop) {
  for_each_block(mixture, points, threads, stop,
                 [&](BlockEvaluator& evaluator, std::int64_t first) {
                   evaluator.sum_components(BlockEvaluator::Keep::kDensity);
                   const double* const log_density = evaluator.log_density();
                   double* const target = out + first;
                   const int rows = evaluator.rows();
                   if (kind == DensityKind::kLog) {
                     for (int i = 0; i < rows; ++i) target[i] = log_density[i];
                   } else {
                     for (int i = 0; i < rows; ++i) target[i] = std::exp(log_density[i]);
                   }
                 });
}

void component_log_density(const PreparedMixture& mixture, const Points& points, double* out,
                           int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  // The same components, each with weight 1.
  const Vector no_weights = Vector::Zero(ngauss);
  const PreparedMixture unweighted = mixture.with_log_weights(no_weights.data());
  for_each_block(unweighted, points, threads, stop,
                 [&](BlockEvaluator& evaluator, std::int64_t first) {
                   for (int k = 0; k < ngauss; ++k) {
                     const double* const exponent = evaluator.exponents(k);
                     for (int i = 0; i < evaluator.rows(); ++i)
                       out[(first + i) * ngauss + k] = evaluator.at_unusual(i, exponent[i] * kLn2);
                   }
                 });
}

void responsibilities(const PreparedMixture& mixture, const Points& points, double* out,
                      int threads, const StopRequested& stop) {
  const int ngauss = mixture.ngauss();
  for_each_block(
      mixture, points, threads, stop, [&](BlockEvaluator& evaluator, std::int64_t first) {
        evaluator.sum_components(BlockEvaluator::Keep::kShares);
        const double* const inverse = evaluator.inverse();
        for (int k = 0; k < ngauss; ++k) {
          const double* const relative = evaluator.exponents(k);
          for (int i = 0; i < evaluator.rows(); ++i)
            out[(first + i) * ngauss + k] = inverse[i] > 0.0
                                                ? relative[i] * inverse[i]
                                                : std::numeric_limits<double>::quiet_NaN();
        }
      });
}

}  // namespace mogfit
