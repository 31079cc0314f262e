// With T = R Sigma R^T + S = U D U^T (U unit lower triangular, D diagonal), z = U^-1 (y - R mu) and
// V = U^-1 R L:
//   log N(y; R mu, T) = -z^T D^-1 z / 2 - log det D / 2 - (M / 2) log 2 pi,
//   g = V^T D^-1 z,   h = g g^T - V^T D^-1 V.
#include <algorithm>
#include <array>
#include <limits>

#include "errors.hpp"
#include "packing.hpp"
#include "score_kernel.hpp"

namespace mogfit {

namespace {

// Dimensions whose kernels are unrolled, where points are not projected.
constexpr int kMaxNoisy = 6;

// A pivot that is this part of the diagonal element it is left of is rounding.
constexpr double kSingular = 1e-13;

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

Scratch stream_parameters(const PreparedMixture& mixture, const SeenThrough& seen) {
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

// D variables, no projection: everything stays in registers. D_jj >= L_jj^2 where rounding would
// lose it, since S is positive semi-definite.
template <int D, bool Full>
class UnrolledNoisyKernel final : public ScoreKernel {
 public:
  UnrolledNoisyKernel(const PreparedMixture& mixture, const SeenThrough& seen, Kept kept)
      : ScoreKernel(mixture.ngauss(), D, kept),
        ngauss_(mixture.ngauss()),
        parameters_(stream_parameters(mixture, seen)) {}

  void log_joint(const double* x, int registers, double* exponents, double* largest) override {
    switch (kept_) {
      case Kept::kDensities: return sweep<Kept::kDensities>(x, registers, exponents, largest);
      case Kept::kScores: return sweep<Kept::kScores>(x, registers, exponents, largest);
      case Kept::kPosterior: return sweep<Kept::kPosterior>(x, registers, exponents, largest);
    }
  }

 private:
  template <Kept kKept>
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
          if constexpr (kKept != Kept::kDensities) {
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
        if constexpr (kKept != Kept::kDensities) {
          Native g[D];
          static_for<D>([&](auto l) {
            g[l] = Native{};
            static_for<D - l>([&](auto q) {
              constexpr int j = l + q;
              g[l] += v[at(j, l)] * (z[j] * inverse[j]);
            });
            store(score(k, l) + offset, g[l]);
          });
          if constexpr (kKept == Kept::kScores) {
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
          } else {
            keep_covariance(k, offset, covariance, noise, unit, inverse);
          }
        }
      }
      store(largest + offset, most);
    }
  }

  // Cov[x | y] = P^T Sigma P + G^T S G with P = T^-1 S and G = T^-1 Sigma = I - P: a sum of two
  // parts that are positive, so that it keeps its digits however small the noise, or large.
  void keep_covariance(int k, int offset, const double* covariance, const Native* noise,
                       const Native* unit, const Native* inverse) {
    Native p[D][D];
    Native g[D][D];
    const auto entry = [&](int i, int j) { return i >= j ? at(i, j) : at(j, i); };
    const auto noise_entry = [&](int i, int j) {
      if (Full) return noise[entry(i, j)];
      return i == j ? noise[i] : Native{};
    };
    // U D U^T column = the column it is given.
    const auto solve = [&](Native(&columns)[D][D], int c) {
      for (int i = 0; i < D; ++i)
        for (int j = 0; j < i; ++j) columns[i][c] -= unit[at(i, j)] * columns[j][c];
      for (int i = 0; i < D; ++i) columns[i][c] *= inverse[i];
      for (int i = D - 1; i >= 0; --i)
        for (int j = i + 1; j < D; ++j) columns[i][c] -= unit[at(j, i)] * columns[j][c];
    };
    for (int c = 0; c < D; ++c) {
      for (int i = 0; i < D; ++i) {
        p[i][c] = noise_entry(i, c);
        g[i][c] = broadcast(covariance[entry(i, c)]);
      }
      solve(p, c);
      solve(g, c);
    }
    for (int a = 0; a < D; ++a)
      for (int b = 0; b <= a; ++b) {
        Native sum{};
        for (int i = 0; i < D; ++i) {
          Native along_p{};
          Native along_g{};
          for (int j = 0; j < D; ++j) {
            along_p += covariance[entry(i, j)] * p[j][b];
            along_g += noise_entry(i, j) * g[j][b];
          }
          sum += p[i][a] * along_p + g[i][a] * along_g;
        }
        store(score(k, D + at(a, b)) + offset, sum);
      }
  }

  int ngauss_;
  Scratch parameters_;
};

// Any number of variables, and projections.
class GeneralNoisyKernel final : public ScoreKernel {
 public:
  GeneralNoisyKernel(const PreparedMixture& mixture, const SeenThrough& seen, Kept kept)
      : ScoreKernel(mixture.ngauss(), seen.nvars, kept),
        ngauss_(mixture.ngauss()),
        seen_(seen),
        parameters_(stream_parameters(mixture, seen)),
        room_(static_cast<std::size_t>(kNativeDoubles) *
                  (triangle(seen.seen) + 2 * seen.seen + 2 * seen.seen * seen.nvars + seen.nvars) +
              (kept == Kept::kPosterior
                   ? kNativeDoubles * seen.nvars *
                         (seen.seen + std::max(seen.seen, seen.nvars) + seen.nvars)
                   : 0)) {}

  void log_joint(const double* x, int registers, double* exponents, double* largest) override {
    for (int c = 0; c < registers; ++c) {
      const int offset = c * kNativeDoubles;
      Native most = broadcast(std::numeric_limits<double>::lowest());
      for (int k = 0; k < ngauss_; ++k) {
        const Native exponent = one(k, x + offset, offset);
        store(exponents + k * kColumn + offset, exponent);
        most = max(most, exponent);
      }
      store(largest + offset, most);
    }
  }

 private:
  // Component k at one register of points, whose columns begin at x.
  Native one(int k, const double* x, int offset) {
    const int m = seen_.seen;
    const int d = seen_.nvars;
    const Parameters layout{d};
    const double* const p = parameters_.data() + static_cast<std::size_t>(k) * layout.size();
    const double* const factor = p + layout.factor();
    const double* const covariance = p + layout.covariance();
    const auto column = [&](int j) { return load(x + static_cast<std::size_t>(j) * kColumn); };
    const int first_noise = m;
    const int first_projection = m + (seen_.full ? triangle(m) : m);
    Native* const unit = reinterpret_cast<Native*>(room_.data());
    Native* const inverse = unit + triangle(m);
    Native* const z = inverse + m;
    Native* const a = z + m;  // R L
    Native* const v = a + m * d;
    Native* const g = v + m * d;
    Native square{};
    LogProduct pivots;
    for (int j = 0; j < m; ++j) {
      Native centred = column(j);
      if (seen_.projected) {
        const int row = first_projection + j * d;
        for (int l = 0; l < d; ++l) {
          Native sum{};
          for (int q = l; q < d; ++q) sum += column(row + q) * factor[at(q, l)];
          a[j * d + l] = sum;
          centred -= column(row + l) * p[Parameters::kMean + l];
        }
      } else {
        centred -= p[Parameters::kMean + j];
        for (int l = 0; l < d; ++l) a[j * d + l] = broadcast(l <= j ? factor[at(j, l)] : 0.0);
      }
      const auto total = [&](int l) {
        Native t{};
        if (seen_.projected)
          for (int q = 0; q < d; ++q) t += a[j * d + q] * a[l * d + q];
        else
          t = broadcast(covariance[at(j, l)]);
        if (seen_.full) return t + column(first_noise + at(j, l));
        return l == j ? t + column(first_noise + j) : t;
      };
      Native* const row = unit + at(j, 0);
      for (int l = 0; l < j; ++l) {
        row[l] = total(l);
        for (int q = 0; q < l; ++q) row[l] -= row[q] * unit[at(l, q)];
      }
      Native pivot = total(j);
      for (int l = 0; l < j; ++l) {
        const Native u = row[l] * inverse[l];
        pivot -= row[l] * u;
        centred -= u * z[l];
        row[l] = u;
      }
      if (seen_.projected) {
        // A pivot of the size of its rounding error is none: rows that depend on each other.
        const Native slack = pivot - kSingular * total(j);
        for (int i = 0; i < kNativeDoubles; ++i)
          if (!(slack[i] > 0.0)) refuse_singular();
        pivots.multiply(pivot);
      } else {
        pivot = max(pivot, broadcast(p[layout.pivots() + j]));
        pivots.multiply(pivot * p[layout.inverses() + j]);
      }
      inverse[j] = 1.0 / pivot;
      z[j] = centred;
      square += centred * centred * inverse[j];
      if (kept_ == Kept::kDensities) continue;
      for (int l = 0; l < d; ++l) {
        Native entry = a[j * d + l];
        for (int q = 0; q < j; ++q) entry -= row[q] * v[q * d + l];
        v[j * d + l] = entry;
      }
    }
    if (kept_ == Kept::kDensities)
      return log2_density(p[Parameters::kLogNormaliser], square, pivots);
    for (int l = 0; l < d; ++l) {
      g[l] = Native{};
      for (int j = 0; j < m; ++j) g[l] += v[j * d + l] * (z[j] * inverse[j]);
      store(score(k, l) + offset, g[l]);
    }
    if (kept_ == Kept::kScores) {
      for (int i = 0; i < d; ++i)
        for (int l = 0; l <= i; ++l) {
          Native h = g[i] * g[l];
          for (int j = 0; j < m; ++j) h -= v[j * d + i] * (v[j * d + l] * inverse[j]);
          store(score(k, d + at(i, l)) + offset, h);
        }
    } else {
      keep_covariance(k, x, offset, unit, inverse, g + d);
    }
    return log2_density(p[Parameters::kLogNormaliser], square, pivots);
  }

  [[noreturn]] static void refuse_singular() {
    throw DegenerateError(
        "projection: of a point that was seen without noise more values are given than are "
        "independent of each other, so that they have no density; give their errors, or leave out "
        "what follows from the others");
  }

  // Cov[x | y] = F Sigma F^T + K S K^T with K = Sigma R^T T^-1 and F = I - K R, which is (T^-1 S)^T
  // where points are not projected: a sum of two parts that are positive (Joseph's form).
  void keep_covariance(int k, const double* x, int offset, const Native* unit,
                       const Native* inverse, Native* room) {
    const int m = seen_.seen;
    const int d = seen_.nvars;
    const Parameters layout{d};
    const double* const covariance =
        parameters_.data() + static_cast<std::size_t>(k) * layout.size() + layout.covariance();
    const auto sigma = [&](int i, int j) { return covariance[i >= j ? at(i, j) : at(j, i)]; };
    const auto column = [&](int j) { return load(x + static_cast<std::size_t>(j) * kColumn); };
    const auto noise = [&](int i, int j) {
      if (seen_.full) return column(m + (i >= j ? at(i, j) : at(j, i)));
      return i == j ? column(m + i) : Native{};
    };
    const int first_projection = m + (seen_.full ? triangle(m) : m);
    const auto projection = [&](int i, int v) {
      if (seen_.projected) return column(first_projection + i * d + v);
      return broadcast(i == v ? 1.0 : 0.0);
    };
    Native* const gain = room;                        // K^T, M x V
    Native* const along = gain + m * d;               // S K^T, M x V, then Sigma F^T, V x V
    Native* const rest = along + std::max(m, d) * d;  // F^T, V x V
    const auto solve = [&](Native* columns, int c) {
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < i; ++j) columns[i * d + c] -= unit[at(i, j)] * columns[j * d + c];
      for (int i = 0; i < m; ++i) columns[i * d + c] *= inverse[i];
      for (int i = m - 1; i >= 0; --i)
        for (int j = i + 1; j < m; ++j) columns[i * d + c] -= unit[at(j, i)] * columns[j * d + c];
    };
    for (int c = 0; c < d; ++c) {
      for (int i = 0; i < m; ++i) {
        Native sum{};
        for (int v = 0; v < d; ++v) sum += projection(i, v) * sigma(v, c);
        gain[i * d + c] = sum;
      }
      solve(gain, c);
    }
    for (int c = 0; c < d; ++c) {
      if (!seen_.projected) {
        for (int i = 0; i < m; ++i) rest[i * d + c] = noise(i, c);
        solve(rest, c);
        continue;
      }
      for (int v = 0; v < d; ++v) {
        Native sum = broadcast(v == c ? 1.0 : 0.0);
        for (int i = 0; i < m; ++i) sum -= projection(i, v) * gain[i * d + c];
        rest[v * d + c] = sum;
      }
    }
    const auto add = [&](const Native* of, int rows, auto matrix, bool first) {
      for (int i = 0; i < rows; ++i)
        for (int c = 0; c < d; ++c) {
          Native sum{};
          for (int j = 0; j < rows; ++j) sum += matrix(i, j) * of[j * d + c];
          along[i * d + c] = sum;
        }
      for (int a = 0; a < d; ++a)
        for (int b = 0; b <= a; ++b) {
          double* const target = score(k, d + at(a, b)) + offset;
          Native sum = first ? Native{} : load(target);
          for (int i = 0; i < rows; ++i) sum += of[i * d + a] * along[i * d + b];
          store(target, sum);
        }
    };
    add(gain, m, noise, true);
    add(rest, d, [&](int i, int j) { return broadcast(sigma(i, j)); }, false);
  }

  int ngauss_;
  SeenThrough seen_;
  Scratch parameters_;
  Scratch room_;
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
  if (seen.projected || seen.nvars > kMaxNoisy)
    return std::make_unique<GeneralNoisyKernel>(mixture, seen, kept);
  using Dimensions = std::make_integer_sequence<int, kMaxNoisy>;
  static const auto diagonal = makers<false>(Dimensions{});
  static const auto full = makers<true>(Dimensions{});
  return (seen.full ? full : diagonal)[seen.nvars - 1](mixture, seen, kept);
}

}  // namespace mogfit
