#include "data_pass.hpp"

#include <algorithm>
#include <memory>

#include "block_evaluator.hpp"

namespace mogfit {

namespace {

// Rows are cut into at most kMaxChunks chunks of at least kMinChunkBlocks blocks.
constexpr std::int64_t kMaxChunks = 256;
constexpr std::int64_t kMinChunkBlocks = 8;

// Partial sums of all chunks together stay below this many doubles (16 MB).
constexpr std::int64_t kMaxPartialSums = std::int64_t{1} << 21;

// Blocks [first, last) of chunk i.
struct Chunks {
  std::int64_t blocks;
  std::int64_t per_chunk;
  std::int64_t count;

  Chunks(std::int64_t n_blocks, std::int64_t sums_per_chunk) : blocks(n_blocks) {
    const std::int64_t most =
        std::clamp<std::int64_t>(kMaxPartialSums / sums_per_chunk, 8, kMaxChunks);
    per_chunk = std::max(kMinChunkBlocks, (blocks + most - 1) / most);
    count = (blocks + per_chunk - 1) / per_chunk;
  }
  std::int64_t first(std::int64_t chunk) const { return chunk * per_chunk; }
  std::int64_t last(std::int64_t chunk) const { return std::min(blocks, (chunk + 1) * per_chunk); }
};

// Adds `size` sums of all parts into those of part 0, in a tree whose shape depends on count alone.
void combine_pairwise(double* parts, std::int64_t count, std::size_t size) {
  for (std::int64_t gap = 1; gap < count; gap *= 2)
    for (std::int64_t i = 0; i + gap < count; i += 2 * gap)
      for (std::size_t m = 0; m < size; ++m) parts[i * size + m] += parts[(i + gap) * size + m];
}

// The weight of every point of the block; the rows that pad it count nothing.
void load_weights(const double* sample_weight, int rows, double* weight) {
  for (int i = 0; i < rows; ++i) weight[i] = sample_weight == nullptr ? 1.0 : sample_weight[i];
  for (int i = rows; i < kBlock; ++i) weight[i] = 0.0;
}

// sum_i s_i log p(x_i) over one block; weight_i becomes s_i / sum_k, the factor of its moments.
double weigh_block(BlockEvaluator& evaluator, double* weight) {
  Native loglik{};
  for (int i = 0; i < evaluator.registers() * kNativeDoubles; i += kNativeDoubles) {
    const Native s = load(weight + i);
    // A point of weight 0 counts as absent, whatever its density: 0 * -inf would be NaN.
    loglik += s > 0.0 ? s * load(evaluator.log_density() + i) : Native{};
    store(weight + i, s * load(evaluator.inverse() + i));
  }
  return sum(loglik);
}

// Runs the pass; each chunk leaves its log-likelihood and, when wanted, its packed moments.
Scratch run_chunks(const PreparedMixture& mixture, const Points& points,
                   const double* sample_weight, int threads, const StopRequested& stop,
                   bool with_moments) {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  const std::size_t packed = packed_moments(nvars);
  const std::size_t moments = with_moments ? ngauss * packed : 0;
  const std::size_t size = 1 + moments;
  const Chunks chunks(points.blocks(), 1 + ngauss * static_cast<std::int64_t>(packed));
  Scratch sums(std::max<std::int64_t>(1, chunks.count) * size);

  const int used = useful_threads(
      threads, chunks.count, chunks.per_chunk * kBlock * ngauss * estimated_nanoseconds(nvars));
  struct Worker {
    BlockEvaluator evaluator;
    Scratch weight;
    Scratch running;
  };
  std::vector<std::unique_ptr<Worker>> workers(used);
  parallel_for(chunks.count, used, stop, [&](std::int64_t chunk, int thread) {
    auto& worker = workers[thread];
    if (!worker)
      worker.reset(new Worker{BlockEvaluator(mixture, points), Scratch(kColumn), Scratch()});
    BlockEvaluator& evaluator = worker->evaluator;
    const BlockKernel& kernel = evaluator.kernel();
    if (with_moments) worker->running = Scratch(ngauss * kernel.accumulators);
    double* const target = sums.data() + chunk * size;
    for (std::int64_t block = chunks.first(chunk); block < chunks.last(chunk); ++block) {
      evaluator.load(block);
      evaluator.sum_components(with_moments ? BlockEvaluator::Keep::kShares
                                            : BlockEvaluator::Keep::kDensity);
      double* const weight = worker->weight.data();
      load_weights(sample_weight == nullptr ? nullptr : sample_weight + block * kBlock,
                   evaluator.rows(), weight);
      target[0] += weigh_block(evaluator, weight);
      if (with_moments) evaluator.accumulate(weight, worker->running.data());
    }
    if (!with_moments) return;
    for (int k = 0; k < ngauss; ++k)
      kernel.reduce(nvars, worker->running.data() + k * kernel.accumulators,
                    target + 1 + k * packed);
  });
  combine_pairwise(sums.data(), chunks.count, size);
  return sums;
}

}  // namespace

Moments data_pass(const PreparedMixture& mixture, const Points& points, const double* sample_weight,
                  int threads, const StopRequested& stop) {
  const Scratch sums = run_chunks(mixture, points, sample_weight, threads, stop, true);
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  Moments moments;
  moments.loglik = sums[0];
  moments.s0.resize(ngauss);
  moments.s1.resize(ngauss, nvars);
  moments.s2.assign(ngauss, Matrix(nvars, nvars));
  const double* p = sums.data() + 1;
  for (int k = 0; k < ngauss; ++k) {
    moments.s0[k] = *p++;
    for (int j = 0; j < nvars; ++j) moments.s1(k, j) = *p++;
    for (int j = 0; j < nvars; ++j)
      for (int l = 0; l <= j; ++l) moments.s2[k](j, l) = moments.s2[k](l, j) = *p++;
  }
  return moments;
}

double log_likelihood(const PreparedMixture& mixture, const Points& points,
                      const double* sample_weight, int threads, const StopRequested& stop) {
  return run_chunks(mixture, points, sample_weight, threads, stop, false)[0];
}

}  // namespace mogfit
