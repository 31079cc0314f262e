// With T = R Sigma R^T + S = U D U^T (U unit lower triangular, D diagonal), z = U^-1 (y - R mu) and
// V = U^-1 R L:
//   log N(y; R mu, T) = -z^T D^-1 z / 2 - log det D / 2 - (M / 2) log 2 pi,
//   g = V^T D^-1 z,   h = g g^T - V^T D^-1 V.
#include <array>
#include <limits>

#include "noisy_parameters.hpp"

namespace mogfit {

namespace {

// Dimensions whose kernels are unrolled, where points are not projected.
constexpr int kMaxNoisy = 6;

// D variables, no projection, for densities and for passes: everything stays in registers. D_jj >=
// L_jj^2 where rounding would lose it, since S is positive semi-definite.
template <int D, bool Full>
class UnrolledNoisyKernel final : public ScoreKernel {
 public:
  UnrolledNoisyKernel(const PreparedMixture& mixture, const SeenThrough& seen, Kept kept)
      : ScoreKernel(mixture.ngauss(), D, kept),
        ngauss_(mixture.ngauss()),
        parameters_(stream_parameters(mixture, seen)) {}

  void log_joint(const double* x, int registers, double* exponents, double* largest) override {
    if (kept_ == Kept::kScores)
      sweep<true>(x, registers, exponents, largest);
    else
      sweep<false>(x, registers, exponents, largest);
  }

 private:
  template <bool Scores>
  void sweep(const double* x, int registers, double* exponents, double* largest) {
    constexpr Parameters kLayout{D};
    constexpr int kNoise = Full ? triangle(D) : D;
    for (int c = 0; c < registers; ++c) {
      const int offset = c * kNativeDoubles;
      Native y[D];
      Native noise[kNoise];
      static_for<D>([&](auto j) { y[j] = load(x + j * kColumn + offset); });
      static_for<kNoise>([&](auto j) { noise[j] = load(x + (D + j) * kColumn + offset); });
      // The lowest finite number, not -inf: exponents that overflowed to -inf stay -inf below.
      Native most = broadcast(std::numeric_limits<double>::lowest());
      const double* p = parameters_.data();
      for (int k = 0; k < ngauss_; ++k, p += kLayout.size()) {
        const double* const factor = p + kLayout.factor();
        const double* const covariance = p + kLayout.covariance();
        Native unit[triangle(D)];  // U below its diagonal
        Native inverse[D];         // 1 / D_jj
        Native z[D];
        Native v[triangle(D)];
        Native square{};
        LogProduct pivots;
        static_for<D>([&](auto j) {
          Native row[D];  // U_jl D_ll
          static_for<j>([&](auto l) {
            row[l] = broadcast(covariance[at(j, l)]);
            if constexpr (Full) row[l] += noise[at(j, l)];
            static_for<l>([&](auto q) { row[l] -= row[q] * unit[at(l, q)]; });
          });
          Native pivot = covariance[at(j, j)] + noise[Full ? at(j, j) : int{j}];
          z[j] = y[j] - p[Parameters::kMean + j];
          static_for<j>([&](auto l) {
            unit[at(j, l)] = row[l] * inverse[l];
            pivot -= row[l] * unit[at(j, l)];
            z[j] -= unit[at(j, l)] * z[l];
          });
          pivot = max(pivot, broadcast(p[kLayout.pivots() + j]));
          pivots.multiply(pivot * p[kLayout.inverses() + j]);
          inverse[j] = 1.0 / pivot;
          square += z[j] * z[j] * inverse[j];
          if constexpr (Scores) {
            static_for<j + 1>([&](auto l) {
              v[at(j, l)] = broadcast(factor[at(j, l)]);
              static_for<j - l>(
                  [&](auto q) { v[at(j, l)] -= unit[at(j, l + q)] * v[at(l + q, l)]; });
            });
          }
        });
        const Native exponent = log2_density(p[0], square, pivots);
        store(exponents + k * kColumn + offset, exponent);
        most = max(most, exponent);
        if constexpr (Scores) {
          Native g[D];
          static_for<D>([&](auto l) {
            g[l] = Native{};
            static_for<D - l>([&](auto q) {
              constexpr int j = l + q;
              g[l] += v[at(j, l)] * (z[j] * inverse[j]);
            });
            store(score(k, l) + offset, g[l]);
          });
          static_for<D>([&](auto a) {
            static_for<a + 1>([&](auto b) {
              Native h = g[a] * g[b];
              static_for<D - a>([&](auto q) {
                constexpr int j = a + q;
                h -= v[at(j, a)] * (v[at(j, b)] * inverse[j]);
              });
              store(score(k, D + at(a, b)) + offset, h);
            });
          });
        }
      }
      store(largest + offset, most);
    }
  }

  int ngauss_;
  Scratch parameters_;
};

using Maker = std::unique_ptr<ScoreKernel> (*)(const PreparedMixture&, const SeenThrough&, Kept);

template <int D, bool Full>
std::unique_ptr<ScoreKernel> make(const PreparedMixture& mixture, const SeenThrough& seen,
                                  Kept kept) {
  return std::make_unique<UnrolledNoisyKernel<D, Full>>(mixture, seen, kept);
}

template <bool Full, int... D>
std::array<Maker, sizeof...(D)> makers(std::integer_sequence<int, D...>) {
  return {make<D + 1, Full>...};
}

}  // namespace

std::unique_ptr<ScoreKernel> noisy_kernel(const PreparedMixture& mixture, const SeenThrough& seen,
                                          Kept kept) {
  if (seen.projected || seen.nvars > kMaxNoisy || kept == Kept::kPosterior)
    return general_noisy_kernel(mixture, seen, kept);
  using Dimensions = std::make_integer_sequence<int, kMaxNoisy>;
  static const auto diagonal = makers<false>(Dimensions{});
  static const auto full = makers<true>(Dimensions{});
  return (seen.full ? full : diagonal)[seen.nvars - 1](mixture, seen, kept);
}

}  // namespace mogfit
