// The data as k-means sees them: standardised, in blocks of columns, and how far they are from a
// centre.
#pragma once

#include <cstdint>
#include <functional>
#include <type_traits>
#include <vector>

#include "lanes.hpp"
#include "points.hpp"
#include "scratch.hpp"
#include "threads.hpp"

namespace mogfit {

// Registers of points whose distances are computed side by side; whole blocks hold a multiple.
inline constexpr int kGroup = 4;
inline constexpr int kGroupPoints = kGroup * kNativeDoubles;
static_assert(kBlock % kGroupPoints == 0);

// The data on common scales in blocks of columns, and the weight of each point. Rows that pad the
// last block repeat one of it, with weight 0.
class Cloud {
 public:
  Cloud(const Points& points, const double* sample_weight, const double* location,
        const double* scale, int threads, const StopRequested& stop);

  const std::int64_t n;
  const int d;

  std::int64_t blocks() const { return (n + kBlock - 1) / kBlock; }
  std::int64_t chunks() const { return (blocks() + per_chunk_ - 1) / per_chunk_; }
  const double* block(std::int64_t b) const { return x_.data() + b * d * kColumn; }
  const double* weights(std::int64_t b) const { return weights_.data() + b * kBlock; }
  double weight(std::int64_t row) const { return weights_[row]; }
  const std::vector<double>& block_weights() const { return block_weights_; }
  double total_weight() const { return total_weight_; }
  // The mean over the columns of their weighted variances.
  double mean_variance() const;

  void copy_row(std::int64_t row, double* target) const {
    const double* const x = block(row / kBlock) + row % kBlock;
    for (int j = 0; j < d; ++j) target[j] = x[j * kColumn];
  }

  // Calls body(chunk, first block, block after the last); `work` is about what a point takes, in
  // steps of a coordinate.
  void for_chunks(double work,
                  const std::function<void(std::int64_t, std::int64_t, std::int64_t)>& body) const;

 private:
  Scratch x_;
  Scratch weights_;
  std::vector<double> block_weights_;
  double total_weight_ = 0.0;
  std::int64_t per_chunk_;
  int threads_;
  const StopRequested& stop_;
};

// A point of weight 0 counts nothing, however far away.
MOGFIT_INLINE Native mass(Native weight, Native value) {
  return weight > 0.0 ? weight * value : Native{};
}

// |x - centre|^2 of kGroup registers of points; D is the dimension d, or 0 where the loop over it
// is not unrolled.
template <int D>
MOGFIT_INLINE Lane<kGroup> squared_distance(const double* x, int d, const double* centre) {
  const int dimension = D > 0 ? D : d;
  Lane<kGroup> square{};
  for (int j = 0; j < dimension; ++j)
    static_for<kGroup>([&](auto r) {
      const Native y = centre[j] - load(x + j * kColumn + r * kNativeDoubles);
      square.v[r] += y * y;
    });
  return square;
}

// Calls sweep with the dimension as a constant where that is worth its code, with 0 otherwise.
template <typename Sweep>
void with_dimension(int d, const Sweep& sweep) {
  switch (d) {
    case 1: return sweep(std::integral_constant<int, 1>{});
    case 2: return sweep(std::integral_constant<int, 2>{});
    case 3: return sweep(std::integral_constant<int, 3>{});
    case 4: return sweep(std::integral_constant<int, 4>{});
    default: return sweep(std::integral_constant<int, 0>{});
  }
}

}  // namespace mogfit
