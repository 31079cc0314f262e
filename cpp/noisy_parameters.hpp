// What both kernels of noisy points stream through, and their determinants.
#pragma once

#include "packing.hpp"
#include "score_kernel.hpp"

namespace mogfit {

constexpr int at(int i, int j) { return i * (i + 1) / 2 + j; }  // in a lower triangle, row by row
constexpr int triangle(int n) { return at(n, 0); }

// What is streamed through of one component.
struct Parameters {
  int nvars;
  // log2 of the weight and of the normaliser, that of L included unless points are projected
  static constexpr int kLogNormaliser = 0;
  static constexpr int kMean = 1;
  constexpr int factor() const { return kMean + nvars; }                   // L
  constexpr int covariance() const { return factor() + triangle(nvars); }  // Sigma
  constexpr int pivots() const { return covariance() + triangle(nvars); }  // L_jj^2
  constexpr int inverses() const { return pivots() + nvars; }              // 1 / L_jj^2
  constexpr int size() const { return inverses() + nvars; }
};

inline Scratch stream_parameters(const PreparedMixture& mixture, const SeenThrough& seen) {
  const Parameters layout{seen.nvars};
  Scratch parameters(static_cast<std::size_t>(mixture.ngauss()) * layout.size());
  double* p = parameters.data();
  for (int k = 0; k < mixture.ngauss(); ++k, p += layout.size()) {
    const Matrix& l = mixture.factor(k);
    p[Parameters::kLogNormaliser] = mixture.packed(k)[0];
    if (seen.projected) {
      constexpr double kLog2Pi = 1.8378770664093454836;
      p[Parameters::kLogNormaliser] +=
          kLog2E * (l.diagonal().array().log().sum() + 0.5 * (seen.nvars - seen.seen) * kLog2Pi);
    }
    for (int i = 0; i < seen.nvars; ++i) {
      p[Parameters::kMean + i] = mixture.means()(k, i);
      p[layout.pivots() + i] = l(i, i) * l(i, i);
      p[layout.inverses() + i] = 1.0 / (l(i, i) * l(i, i));
      for (int j = 0; j <= i; ++j) {
        p[layout.factor() + at(i, j)] = l(i, j);
        p[layout.covariance() + at(i, j)] = l.row(i).dot(l.row(j));
      }
    }
  }
  return parameters;
}

// log2 of a product of positive numbers that may leave the range of doubles.
class LogProduct {
 public:
  MOGFIT_INLINE void multiply(Native factor) {
    exponent_ += take_exponent(factor);
    mantissa_ *= factor;
  }
  MOGFIT_INLINE Native log2() const { return exponent_ + log(mantissa_) * kLog2E; }

 private:
  Native mantissa_ = broadcast(1.0);
  Native exponent_{};
};

MOGFIT_INLINE Native log2_density(double log_normaliser, Native square, const LogProduct& pivots) {
  return log_normaliser - 0.5 * (square * kLog2E + pivots.log2());
}

// Any number of variables, projections, and posteriors.
std::unique_ptr<ScoreKernel> general_noisy_kernel(const PreparedMixture& mixture,
                                                  const SeenThrough& seen, Kept kept);

}  // namespace mogfit
