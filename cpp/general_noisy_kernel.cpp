// The formulas of noisy_kernel.cpp for any number of variables, for points that are projected, and
// for what is known of the points themselves.
#include <algorithm>
#include <limits>

#include "errors.hpp"
#include "noisy_parameters.hpp"

namespace mogfit {

namespace {

// A pivot that is this part of the diagonal element it is left of is rounding.
constexpr double kSingular = 1e-13;

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

}  // namespace

std::unique_ptr<ScoreKernel> general_noisy_kernel(const PreparedMixture& mixture,
                                                  const SeenThrough& seen, Kept kept) {
  return std::make_unique<GeneralNoisyKernel>(mixture, seen, kept);
}

}  // namespace mogfit
