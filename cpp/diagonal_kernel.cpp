// Kernels for diagonal matrices: densities without triangular products, and sums of S2's diagonal.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "block_kernel.hpp"
#include "packing.hpp"

namespace mogfit {

namespace {

// As in the unrolled kernel: registers of points a step.
constexpr int kStep = kNativeDoubles == 8 ? 1 : 2;

// Registers of points that share the parameters when the loop over variables is not unrolled.
constexpr int kGroup = 4;

// Variables whose two moments each are summed in registers together: 2 kTile + 1 sums, and room for
// what is added to them.
constexpr int kTile = kNativeDoubles == 8 ? 8 : 5;

// q_k = c_k - sum_j (w_kj (x_j - mu_kj))^2 in base 2, in the order of the triangular kernels: the
// products with zeros that they add change no bit.
template <int D>
void log_joint(const PreparedMixture& mixture, const double* x, int registers, double* exponents,
               double* largest, double*) {
  const int ngauss = mixture.ngauss();
  for (int c = 0; c < registers; c += kStep) {
    const int offset = c * kNativeDoubles;
    Native point[D][kStep];
    Native most[kStep];
    static_for<D>([&](auto j) {
      static_for<kStep>(
          [&](auto r) { point[j][r] = load(x + j * kColumn + offset + r * kNativeDoubles); });
    });
    static_for<kStep>([&](auto r) { most[r] = broadcast(std::numeric_limits<double>::lowest()); });
    const double* p = mixture.packed(0);
    double* out = exponents + offset;
    for (int k = 0; k < ngauss; ++k, p += 1 + 2 * D, out += kColumn) {
      Native q[kStep];
      static_for<kStep>([&](auto r) { q[r] = broadcast(p[0]); });
      static_for<D>([&](auto j) {
        static_for<kStep>([&](auto r) {
          const Native z = (point[j][r] - p[1 + j]) * p[1 + D + j];
          q[r] -= z * z;
        });
      });
      static_for<kStep>([&](auto r) {
        store(out + r * kNativeDoubles, q[r]);
        most[r] = max(most[r], q[r]);
      });
    }
    static_for<kStep>([&](auto r) { store(largest + offset + r * kNativeDoubles, most[r]); });
  }
}

// The same for any number of variables.
void log_joint_of_many(const PreparedMixture& mixture, const double* x, int registers,
                       double* exponents, double* largest, double*) {
  const int nvars = mixture.nvars();
  for (int c = 0; c < registers; c += kGroup) {
    const int offset = c * kNativeDoubles;
    Native most[kGroup];
    static_for<kGroup>([&](auto r) { most[r] = broadcast(std::numeric_limits<double>::lowest()); });
    for (int k = 0; k < mixture.ngauss(); ++k) {
      const double* const packed = mixture.packed(k);
      const double* const mean = packed + 1;
      const double* const whitening = packed + 1 + nvars;
      Native q[kGroup];
      static_for<kGroup>([&](auto r) { q[r] = broadcast(packed[0]); });
      for (int j = 0; j < nvars; ++j) {
        static_for<kGroup>([&](auto r) {
          const Native z =
              (load(x + j * kColumn + offset + r * kNativeDoubles) - mean[j]) * whitening[j];
          q[r] -= z * z;
        });
      }
      static_for<kGroup>([&](auto r) {
        store(exponents + k * kColumn + offset + r * kNativeDoubles, q[r]);
        most[r] = max(most[r], q[r]);
      });
    }
    static_for<kGroup>([&](auto r) { store(largest + offset + r * kNativeDoubles, most[r]); });
  }
}

void arrange(const PreparedMixture&, const double*, int, double*) {}

// The sums of T variables, whose coordinates begin at x; first and second: theirs. The tile that
// has `zeroth` sums S0 along.
template <int T>
MOGFIT_INLINE void accumulate_tile(const double* mean, const double* x, int registers,
                                   const double* relative, const double* factor, double* zeroth,
                                   double* first, double* second) {
  Native s0 = zeroth ? load(zeroth) : Native{};
  Native s1[T];
  Native s2[T];
  static_for<T>([&](auto j) {
    s1[j] = load(first + j * kNativeDoubles);
    s2[j] = load(second + j * kNativeDoubles);
  });
  for (int c = 0; c < registers; ++c) {
    const int offset = c * kNativeDoubles;
    const Native weight = load(relative + offset) * load(factor + offset);
    s0 += weight;
    static_for<T>([&](auto j) {
      const Native y = load(x + j * kColumn + offset) - mean[j];
      const Native weighted = weight * y;
      s1[j] += weighted;
      s2[j] += weighted * y;
    });
  }
  if (zeroth) store(zeroth, s0);
  static_for<T>([&](auto j) {
    store(first + j * kNativeDoubles, s1[j]);
    store(second + j * kNativeDoubles, s2[j]);
  });
}

// Up to kMaxUnrolled variables: tiles of nearly the same size, each unrolled.
template <int D>
void accumulate(const PreparedMixture& mixture, int k, const double* x, int registers,
                const double* relative, const double* factor, double* moments, double*) {
  constexpr int kTiles = (D + kTile - 1) / kTile;
  const double* const mean = mixture.packed(k) + 1;
  double* const first = moments + kNativeDoubles;
  double* const second = first + D * kNativeDoubles;
  static_for<kTiles>([&](auto t) {
    constexpr int kBegin = t * D / kTiles;
    constexpr int kEnd = (t + 1) * D / kTiles;
    accumulate_tile<kEnd - kBegin>(mean + kBegin, x + kBegin * kColumn, registers, relative, factor,
                                   t == 0 ? moments : nullptr, first + kBegin * kNativeDoubles,
                                   second + kBegin * kNativeDoubles);
  });
}

// Any number of variables above kTile: whole tiles, the last one ending with the last variable.
void accumulate_many(const PreparedMixture& mixture, int k, const double* x, int registers,
                     const double* relative, const double* factor, double* moments, double*) {
  const int nvars = mixture.nvars();
  const double* const mean = mixture.packed(k) + 1;
  double* const first = moments + kNativeDoubles;
  double* const second = first + nvars * kNativeDoubles;
  const auto tile = [&](auto size, int begin) {
    accumulate_tile<size>(mean + begin, x + begin * kColumn, registers, relative, factor,
                          begin == 0 ? moments : nullptr, first + begin * kNativeDoubles,
                          second + begin * kNativeDoubles);
  };
  int begin = 0;
  for (; begin + kTile <= nvars; begin += kTile) tile(std::integral_constant<int, kTile>{}, begin);
  for (; begin + 2 <= nvars; begin += 2) tile(std::integral_constant<int, 2>{}, begin);
  if (begin < nvars) tile(std::integral_constant<int, 1>{}, begin);
}

void reduce(int nvars, const double* moments, double* packed) {
  for (std::size_t m = 0; m < packed_moments(nvars, Scatter::kDiagonal); ++m)
    packed[m] = sum(load(moments + m * kNativeDoubles));
}

template <int... D>
constexpr auto log_joints(std::integer_sequence<int, D...>) {
  return std::array<decltype(BlockKernel::log_joint), sizeof...(D)>{log_joint<D + 1>...};
}

template <int... D>
constexpr auto accumulates(std::integer_sequence<int, D...>) {
  return std::array<decltype(BlockKernel::accumulate), sizeof...(D)>{accumulate<D + 1>...};
}

using Dimensions = std::make_integer_sequence<int, kMaxUnrolled>;

}  // namespace

void use_diagonal_densities(BlockKernel& kernel) {
  static constexpr auto table = log_joints(Dimensions{});
  const bool unrolled = kernel.nvars <= kMaxUnrolled;
  kernel.log_joint = unrolled ? table[kernel.nvars - 1] : log_joint_of_many;
  kernel.registers_per_step = unrolled ? kStep : kGroup;
}

void use_diagonal_scatter(BlockKernel& kernel) {
  static constexpr auto table = accumulates(Dimensions{});
  kernel.arrange = arrange;
  kernel.accumulate = kernel.nvars <= kMaxUnrolled ? table[kernel.nvars - 1] : accumulate_many;
  kernel.accumulators = packed_moments(kernel.nvars, Scatter::kDiagonal) * kNativeDoubles;
  kernel.reduce = reduce;
}

}  // namespace mogfit
