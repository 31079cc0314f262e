// One thread's scratch, and the steps that the pass and the densities share for a block.
#pragma once

#include <memory>
#include <vector>

#include "block_kernel.hpp"
#include "observed_part.hpp"
#include "score_kernel.hpp"
#include "scratch.hpp"

namespace mogfit {

// Evaluates one block of points at a time. After `load`:
//   exponents[k * kColumn + i]  log2(w_k N_k(x_i)), then 2^(that - largest_i),
//   log_density[i]              log p(x_i),
//   inverse[i]                  1 / sum_k of those: a responsibility is their product.
class BlockEvaluator {
 public:
  // `kept` is what is kept of points that were seen through something; `scatter` is what is summed
  // of those seen as they are.
  explicit BlockEvaluator(const ObservedPart& part, Kept kept = Kept::kDensities,
                          Scatter scatter = Scatter::kFull);

  // Reads the block and computes the exponents.
  void load(std::int64_t block);

  // What `sum_components` leaves: log densities alone, or also relative densities and `inverse`.
  enum class Keep { kDensity, kShares };

  // log p = log sum_k 2^q_k, taken relative to the largest q_k, so that points far from every
  // component lose nothing. Keeping the shares turns the exponents into relative densities.
  void sum_components(Keep keep);

  int rows() const { return rows_; }
  int registers() const { return registers_; }
  double* exponents(int k) { return exponents_.data() + static_cast<std::size_t>(k) * kColumn; }
  double* log_density() { return log_density_.data(); }
  double* inverse() { return inverse_.data(); }

  // `value`, or for a point that is not finite or outside the domain its log density: NaN or -inf.
  double at_unusual(int i, double value) const {
    return all_usual_ || unusual_[i] == 0.0 ? value : unusual_[i];
  }

  // Adds the block to the running moments of every component, point i counting factor[i].
  void accumulate(const double* factor, double* moments);

  // Doubles of running moments for one component, and what they come to: S0, S1, S2.
  std::size_t accumulators() const;
  void reduce(int k, const double* moments, double* packed) const;

  // Coordinate j of the points of the block.
  const double* coordinate(int j) const {
    return x_.data() + static_cast<std::size_t>(j) * kColumn;
  }
  // The scores of the points; null where they are seen as they are.
  ScoreKernel* seen_through() const { return seen_through_.get(); }

 private:
  bool all_inside() const;
  void set_unusual_aside();
  template <int R>
  void sum_registers(int offset, Keep keep);

  const ObservedPart& part_;
  const PreparedMixture& mixture_;
  BlockKernel kernel_;                         // of points seen as they are
  std::unique_ptr<ScoreKernel> seen_through_;  // of others
  Scratch x_;
  Scratch exponents_;
  Scratch largest_;
  Scratch log_density_;
  Scratch inverse_;
  Scratch workspace_;
  std::vector<double> unusual_;  // 0, or the log density of a point that is no usual one
  int rows_ = 0;
  int registers_ = 0;
  bool all_usual_ = true;
};

// Nanoseconds a point and component may take: enough to decide how many threads to use.
double estimated_nanoseconds(const ObservedPart& part);

}  // namespace mogfit
