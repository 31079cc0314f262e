// The blocks of the rows of a part, shared out to threads: what densities and posteriors loop over.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "observed_part.hpp"

namespace mogfit {

// Calls body(*worker, first) for every block of the part, `first` its first row, after
// worker->load(block); every thread makes a worker of its own. `nanoseconds` is what a row takes.
template <typename Make, typename Body>
void for_each_block(const ObservedPart& part, double nanoseconds, int threads,
                    const StopRequested& stop, const Make& make, const Body& body) {
  constexpr std::int64_t kBlocksPerPiece = 16;
  const std::int64_t blocks = part.points.blocks();
  const std::int64_t pieces = (blocks + kBlocksPerPiece - 1) / kBlocksPerPiece;
  const int used = useful_threads(threads, pieces, kBlocksPerPiece * kBlock * nanoseconds);
  std::vector<decltype(make())> workers(used);
  parallel_for(pieces, used, stop, [&](std::int64_t piece, int thread) {
    auto& worker = workers[thread];
    if (!worker) worker = make();
    const std::int64_t last = std::min(blocks, (piece + 1) * kBlocksPerPiece);
    for (std::int64_t block = piece * kBlocksPerPiece; block < last; ++block) {
      worker->load(block);
      body(*worker, block * kBlock);
    }
  });
}

}  // namespace mogfit
