#include "observations.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <unordered_map>

namespace mogfit {

namespace {

// Bit j is set where column j was not seen.
using Mask = std::vector<std::uint64_t>;

struct HashMask {
  std::size_t operator()(const Mask& mask) const {
    std::uint64_t hash = 0;
    for (const std::uint64_t word : mask) hash = (hash ^ word) * 0x9E3779B97F4A7C15 ^ (hash >> 29);
    return hash;
  }
};

class MaskReader {
 public:
  explicit MaskReader(const Observations& o) : o_(o), mask_((o.points.d + 63) / 64) {}

  const Mask& read(std::int64_t row) {
    std::fill(mask_.begin(), mask_.end(), 0);
    o_.points.visit([&](const auto* data) {
      const auto* const source = data + row * o_.points.row_stride;
      for (int j = 0; j < o_.points.d; ++j)
        if (std::isnan(source[j * o_.points.column_stride]) || !finite_error(row, j))
          mask_[j / 64] |= std::uint64_t{1} << j % 64;
    });
    return mask_;
  }

 private:
  // A variance beyond the range of doubles counts as infinite, too.
  bool finite_error(std::int64_t row, int j) const {
    const int d = o_.points.d;
    if (o_.noise == Noise::kDeviations) {
      const double deviation = o_.errors[row * d + j];
      return std::isfinite(deviation * deviation);
    }
    if (o_.noise == Noise::kCovariances) return std::isfinite(o_.errors[(row * d + j) * d + j]);
    return o_.noise == Noise::kNone || std::isfinite(o_.errors[j * d + j]);
  }

  const Observations& o_;
  Mask mask_;
};

}  // namespace

std::vector<char> find_noisy_columns(const Observations& o) {
  if (o.noise == Noise::kNone) return {};
  const int d = o.points.d;
  std::vector<char> noisy(d, 0);
  const std::int64_t rows = o.noise == Noise::kShared ? 1 : o.points.n;
  const bool diagonal = o.noise == Noise::kDeviations;
  for (std::int64_t i = 0; i < rows; ++i)
    for (int j = 0; j < d; ++j)
      // Of a value that is missing the error may be NaN: it does not matter.
      if (o.errors[diagonal ? i * d + j : (i * d + j) * d + j] != 0.0) noisy[j] = 1;
  return noisy;
}

std::shared_ptr<const std::vector<Pattern>> find_patterns(const Observations& observations) {
  const Points& points = observations.points;
  MaskReader reader(observations);
  // Counted first, so that the index of rows is all the memory there is.
  std::unordered_map<Mask, std::int64_t, HashMask> counts;
  for (std::int64_t i = 0; i < points.n; ++i) ++counts[reader.read(i)];
  const Mask complete((points.d + 63) / 64, 0);
  if (counts.empty() || (counts.size() == 1 && counts.count(complete))) return nullptr;

  std::vector<Mask> masks;
  for (const auto& [mask, count] : counts) masks.push_back(mask);
  std::sort(masks.begin(), masks.end());
  auto patterns = std::make_shared<std::vector<Pattern>>(masks.size());
  std::unordered_map<Mask, Pattern*, HashMask> by_mask;
  for (std::size_t p = 0; p < masks.size(); ++p) {
    Pattern& pattern = (*patterns)[p];
    pattern.rows.reserve(counts[masks[p]]);
    for (int j = 0; j < points.d; ++j)
      if (!(masks[p][j / 64] >> j % 64 & 1)) pattern.columns.push_back(j);
    by_mask[masks[p]] = &pattern;
  }
  for (std::int64_t i = 0; i < points.n; ++i)
    by_mask.find(reader.read(i))->second->rows.push_back(i);
  return patterns;
}

}  // namespace mogfit
