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

// The sums of one part of the rows: the log-likelihood and, when wanted, packed moments.
struct PartSums {
  const ObservedPart* part;
  Scatter scatter;         // what it sums
  std::size_t packed;      // doubles of moments of one component
  std::size_t size;        // doubles of a chunk
  std::int64_t per_chunk;  // blocks
  std::int64_t chunks;
  std::int64_t first_chunk;  // of all parts' chunks, one after the other
  std::size_t offset;        // where its sums begin

  PartSums(const ObservedPart& of, bool with_moments, Scatter summed, std::int64_t first,
           std::size_t begin)
      : part(&of),
        scatter(summed),
        packed(packed_moments(of.mixture->nvars(), summed)),
        first_chunk(first),
        offset(begin) {
    const int ngauss = of.mixture->ngauss();
    size = with_moments ? 1 + ngauss * packed : 1;
    // The same chunks, and so the same log-likelihood, whatever else is summed.
    const auto all = static_cast<std::int64_t>(1 + ngauss * packed_moments(of.mixture->nvars()));
    const std::int64_t blocks = of.blank() ? 0 : of.points.blocks();
    const std::int64_t most = std::clamp<std::int64_t>(kMaxPartialSums / all, 8, kMaxChunks);
    per_chunk = std::max(kMinChunkBlocks, (blocks + most - 1) / most);
    chunks = (blocks + per_chunk - 1) / per_chunk;
  }
};

// Adds `size` sums of all parts into those of part 0, in a tree whose shape depends on count alone.
void combine_pairwise(double* parts, std::int64_t count, std::size_t size) {
  for (std::int64_t gap = 1; gap < count; gap *= 2)
    for (std::int64_t i = 0; i + gap < count; i += 2 * gap)
      for (std::size_t m = 0; m < size; ++m) parts[i * size + m] += parts[(i + gap) * size + m];
}

// The weight of every point of the block; the rows that pad it count nothing.
void load_weights(const ObservedPart& part, std::int64_t first, int rows, double* weight) {
  for (int i = 0; i < rows; ++i)
    weight[i] = part.weight == nullptr ? 1.0 : part.weight[part.points.row(first + i)];
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

// What a part has to sum. Of points seen through noise the scores are summed in full. Where values
// are missing, or noise is shared, S2 is carried over by gain S2 gain^T, whose diagonal is that of
// S2 alone only if no variable tells of another.
Scatter scatter_of(const ObservedPart& part, const PreparedMixture& mixture, Scatter wanted) {
  if (part.noise != Noise::kNone) return Scatter::kFull;
  const bool apart = mixture.diagonal() && part.mixture->diagonal();
  return part.regressions.empty() || apart ? wanted : Scatter::kFull;
}

struct AllSums {
  std::vector<PartSums> parts;
  Scratch sums;
};

// Runs the pass over all parts; the sums of each come to lie in those of its first chunk.
AllSums run_chunks(const PreparedMixture& mixture, const std::vector<ObservedPart>& observed,
                   int threads, const StopRequested& stop, bool with_moments, Scatter wanted) {
  AllSums all;
  std::int64_t count = 0;
  std::size_t size = 0;
  double work = 0.0;
  for (const ObservedPart& part : observed) {
    const PartSums& sums =
        all.parts.emplace_back(part, with_moments, scatter_of(part, mixture, wanted), count, size);
    count += sums.chunks;
    size += sums.size * std::max<std::int64_t>(1, sums.chunks);
    if (!part.blank()) work += part.points.n * part.mixture->ngauss() * estimated_nanoseconds(part);
  }
  all.sums = Scratch(size);
  const int used = useful_threads(threads, count, work / std::max<std::int64_t>(1, count));
  struct Worker {
    const ObservedPart* part;
    BlockEvaluator evaluator;
    Scratch weight;
    Scratch running;
  };
  std::vector<std::unique_ptr<Worker>> workers(used);
  parallel_for(count, used, stop, [&](std::int64_t index, int thread) {
    const auto after =
        std::upper_bound(all.parts.begin(), all.parts.end(), index,
                         [](std::int64_t i, const PartSums& sums) { return i < sums.first_chunk; });
    const PartSums& sums = *(after - 1);
    const ObservedPart& part = *sums.part;
    const int ngauss = part.mixture->ngauss();
    auto& worker = workers[thread];
    if (!worker || worker->part != &part)
      worker.reset(new Worker{
          &part,
          BlockEvaluator(part, with_moments ? Kept::kScores : Kept::kDensities, sums.scatter),
          Scratch(kColumn), Scratch()});
    BlockEvaluator& evaluator = worker->evaluator;
    if (with_moments) worker->running = Scratch(ngauss * evaluator.accumulators());
    const std::int64_t chunk = index - sums.first_chunk;
    double* const target = all.sums.data() + sums.offset + chunk * sums.size;
    const std::int64_t last = std::min(part.points.blocks(), (chunk + 1) * sums.per_chunk);
    for (std::int64_t block = chunk * sums.per_chunk; block < last; ++block) {
      evaluator.load(block);
      evaluator.sum_components(with_moments ? BlockEvaluator::Keep::kShares
                                            : BlockEvaluator::Keep::kDensity);
      double* const weight = worker->weight.data();
      load_weights(part, block * kBlock, evaluator.rows(), weight);
      target[0] += weigh_block(evaluator, weight);
      if (with_moments) evaluator.accumulate(weight, worker->running.data());
    }
    if (!with_moments) return;
    for (int k = 0; k < ngauss; ++k)
      evaluator.reduce(k, worker->running.data() + k * evaluator.accumulators(),
                       target + 1 + k * sums.packed);
  });
  for (const PartSums& sums : all.parts)
    combine_pairwise(all.sums.data() + sums.offset, sums.chunks, sums.size);
  return all;
}

Moments no_moments(int ngauss, int nvars) {
  Moments moments;
  moments.s0 = Vector::Zero(ngauss);
  moments.s1 = Matrix::Zero(ngauss, nvars);
  moments.s2.assign(ngauss, Matrix::Zero(nvars, nvars));
  return moments;
}

Moments unpack(const double* p, int ngauss, int nvars, Scatter scatter) {
  Moments moments = no_moments(ngauss, nvars);
  moments.loglik = *p++;
  for (int k = 0; k < ngauss; ++k) {
    moments.s0[k] = *p++;
    for (int j = 0; j < nvars; ++j) moments.s1(k, j) = *p++;
    for (int j = 0; j < nvars; ++j)
      for (int l = scatter == Scatter::kFull ? 0 : j; l <= j; ++l)
        moments.s2[k](j, l) = moments.s2[k](l, j) = *p++;
  }
  return moments;
}

double total_weight(const ObservedPart& part) {
  double total = 0.0;
  for (std::int64_t i = 0; i < part.points.n; ++i)
    total += part.weight == nullptr ? 1.0 : part.weight[part.points.row(i)];
  return total;
}

// Rows of which nothing was seen: p is the sum of the weights, and the components are what they
// are inside the domain.
Moments blank_moments(const PreparedMixture& mixture, const ObservedPart& part) {
  Moments moments = no_moments(mixture.ngauss(), mixture.nvars());
  const double log_total = mixture.log_total_weight();
  moments.loglik = total_weight(part) * log_total;
  moments.s0 = total_weight(part) * (mixture.log_weights().array() - log_total).exp();
  for (int k = 0; k < mixture.ngauss(); ++k) {
    moments.s2[k] = moments.s0[k] * mixture.covariance(k);
    if (!mixture.truncation()) continue;
    moments.s1.row(k) = moments.s0[k] * mixture.box(k).mean.transpose();
    moments.s2[k] += moments.s0[k] * mixture.box(k).excess;
  }
  return moments;
}

}  // namespace

Moments data_pass(const PreparedMixture& mixture, const Observations& observations, int threads,
                  const StopRequested& stop, Scatter scatter) {
  Moments total = no_moments(mixture.ngauss(), mixture.nvars());
  for_each_batch(mixture, observations, threads, stop, [&](const std::vector<ObservedPart>& parts) {
    const AllSums all = run_chunks(mixture, parts, threads, stop, true, scatter);
    for (const PartSums& sums : all.parts) {
      const ObservedPart& part = *sums.part;
      add_moments(part, mixture,
                  part.blank() ? blank_moments(mixture, part)
                               : unpack(all.sums.data() + sums.offset, mixture.ngauss(),
                                        part.mixture->nvars(), sums.scatter),
                  total);
    }
  });
  // Some parts may have summed more than was wanted.
  if (scatter == Scatter::kDiagonal)
    for (Matrix& second : total.s2) second = Matrix(second.diagonal().asDiagonal());
  return total;
}

double log_likelihood(const PreparedMixture& mixture, const Observations& observations, int threads,
                      const StopRequested& stop) {
  double loglik = 0.0;
  for_each_batch(mixture, observations, threads, stop, [&](const std::vector<ObservedPart>& parts) {
    const AllSums all = run_chunks(mixture, parts, threads, stop, false, Scatter::kFull);
    for (const PartSums& sums : all.parts)
      loglik += sums.part->blank() ? total_weight(*sums.part) * mixture.log_total_weight()
                                   : all.sums[sums.offset];
  });
  return loglik;
}

}  // namespace mogfit
