#include "finite.hpp"

#include <cmath>
#include <memory>
#include <vector>

#include "load_block.hpp"
#include "scratch.hpp"

namespace mogfit {

namespace {

constexpr std::int64_t kBlocksPerPiece = 64;

void inspect_block(const double* x, int rows, int d, std::int64_t first_row, NonFinite& found) {
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < d; ++j) {
      const double value = x[j * kColumn + i];
      if (std::isfinite(value)) continue;
      if (found.first_row < 0) {
        found.first_row = first_row + i;
        found.first_column = j;
      }
      ++(std::isnan(value) ? found.nan : found.infinite);
    }
}

}  // namespace

NonFinite count_nonfinite(const Points& points, int threads, const StopRequested& stop) {
  const std::int64_t blocks = points.blocks();
  const std::int64_t pieces = (blocks + kBlocksPerPiece - 1) / kBlocksPerPiece;
  const int used = useful_threads(threads, pieces, kBlocksPerPiece * kBlock * 0.5 * points.d);
  std::vector<NonFinite> found(pieces);
  std::vector<std::unique_ptr<Scratch>> columns(used);
  parallel_for(pieces, used, stop, [&](std::int64_t piece, int thread) {
    auto& x = columns[thread];
    if (!x) x = std::make_unique<Scratch>(static_cast<std::size_t>(points.d) * kColumn);
    const std::int64_t last = std::min(blocks, (piece + 1) * kBlocksPerPiece);
    for (std::int64_t block = piece * kBlocksPerPiece; block < last; ++block)
      if (!load_block(points, block, x->data()))
        inspect_block(x->data(), points.rows_in_block(block), points.d, block * kBlock,
                      found[piece]);
  });
  NonFinite all;
  for (const NonFinite& piece : found) {
    if (all.first_row < 0) {
      all.first_row = piece.first_row;
      all.first_column = piece.first_column;
    }
    all.nan += piece.nan;
    all.infinite += piece.infinite;
  }
  return all;
}

}  // namespace mogfit
