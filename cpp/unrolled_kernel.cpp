// Kernels for few variables: the dimension D is a template parameter, every small loop unrolls.
#include <array>
#include <limits>

#include "block_kernel.hpp"
#include "packing.hpp"

namespace mogfit {

namespace {

// With 32 registers of 8 doubles one register of points a step is enough to keep the units busy;
// with 16 narrower ones two share the broadcast of each parameter. (Measured for D = 1 to 16.)
constexpr int kStep = kNativeDoubles == 8 ? 1 : 2;

// Largest D whose moments all fit into registers.
constexpr int kMaxDirect = kNativeDoubles == 8 ? 6 : 3;

// Rows and columns of a tile of S2 that is summed in registers when they do not all fit.
constexpr int kTile = kNativeDoubles == 8 ? 4 : 3;

constexpr int triangle(int j) { return j * (j + 1) / 2; }

// q_k = c_k - sum_j (W_k (x - mu_k))_j^2, all in base 2.
template <int D>
void log_joint(const PreparedMixture& mixture, const double* x, int registers, double* exponents,
               double* largest, double*) {
  const int ngauss = mixture.ngauss();
  const double* const packed = mixture.packed(0);
  constexpr std::size_t kPacked = packed_moments(D);
  for (int c = 0; c < registers; c += kStep) {
    const int offset = c * kNativeDoubles;
    Native point[D][kStep];
    Native most[kStep];
    static_for<D>([&](auto j) {
      static_for<kStep>(
          [&](auto r) { point[j][r] = load(x + j * kColumn + offset + r * kNativeDoubles); });
    });
    // The lowest finite number, not -inf: exponents that overflowed to -inf stay -inf below.
    static_for<kStep>([&](auto r) { most[r] = broadcast(std::numeric_limits<double>::lowest()); });
    const double* p = packed;
    double* out = exponents + offset;
    for (int k = 0; k < ngauss; ++k, p += kPacked, out += kColumn) {
      const double* mean = p + 1;
      const double* whitening = p + 1 + D;
      Native y[D][kStep];
      Native q[kStep];
      static_for<kStep>([&](auto r) { q[r] = broadcast(p[0]); });
      static_for<D>([&](auto j) {
        const double* row = whitening + triangle(j);
        Native z[kStep];
        static_for<kStep>([&](auto r) {
          y[j][r] = point[j][r] - mean[j];
          z[r] = y[0][r] * row[0];
        });
        static_for<j>(
            [&](auto l) { static_for<kStep>([&](auto r) { z[r] += y[l + 1][r] * row[l + 1]; }); });
        static_for<kStep>([&](auto r) { q[r] -= z[r] * z[r]; });
      });
      static_for<kStep>([&](auto r) {
        store(out + r * kNativeDoubles, q[r]);
        most[r] = max(most[r], q[r]);
      });
    }
    static_for<kStep>([&](auto r) { store(largest + offset + r * kNativeDoubles, most[r]); });
  }
}

void arrange(const PreparedMixture&, const double*, int, double*) {}

// Every moment of the component in a register of its own.
template <int D>
void accumulate_direct(const PreparedMixture& mixture, int k, const double* x, int registers,
                       const double* relative, const double* factor, double* moments, double*) {
  constexpr int kMoments = static_cast<int>(packed_moments(D));
  const double* mean = mixture.packed(k) + 1;
  Native total[kMoments];
  static_for<kMoments>([&](auto m) { total[m] = load(moments + m * kNativeDoubles); });
  for (int c = 0; c < registers; ++c) {
    const int offset = c * kNativeDoubles;
    const Native weight = load(relative + offset) * load(factor + offset);
    total[0] += weight;
    Native y[D];
    static_for<D>([&](auto j) { y[j] = load(x + j * kColumn + offset) - mean[j]; });
    static_for<D>([&](auto j) {
      const Native weighted = weight * y[j];
      total[1 + j] += weighted;
      static_for<j + 1>([&](auto l) { total[1 + D + triangle(j) + l] += weighted * y[l]; });
    });
  }
  static_for<kMoments>([&](auto m) { store(moments + m * kNativeDoubles, total[m]); });
}

MOGFIT_INLINE void add(double* sum, Native term) { store(sum, load(sum) + term); }

// Tiles of kTile x kTile moments, from the centred points in the workspace.
template <int D>
void accumulate_tiled(const PreparedMixture& mixture, int k, const double* x, int registers,
                      const double* relative, const double* factor, double* moments,
                      double* workspace) {
  const double* mean = mixture.packed(k) + 1;
  double* const weights = workspace + D * kColumn;
  for (int c = 0; c < registers; ++c) {
    const int offset = c * kNativeDoubles;
    store(weights + offset, load(relative + offset) * load(factor + offset));
    static_for<D>([&](auto j) {
      store(workspace + j * kColumn + offset, load(x + j * kColumn + offset) - mean[j]);
    });
  }
  constexpr int kTiles = (D + kTile - 1) / kTile;
  static_for<kTiles>([&](auto row_tile) {
    static_for<row_tile + 1>([&](auto column_tile) {
      constexpr int kFirstRow = row_tile * kTile;
      constexpr int kFirstColumn = column_tile * kTile;
      constexpr int kRows = D - kFirstRow < kTile ? D - kFirstRow : kTile;
      constexpr int kColumns = D - kFirstColumn < kTile ? D - kFirstColumn : kTile;
      constexpr bool kDiagonal = row_tile == column_tile;
      constexpr bool kFirst = column_tile == 0;
      Native second[kRows][kColumns] = {};
      Native first[kRows] = {};
      Native zeroth = {};
      for (int c = 0; c < registers; ++c) {
        const int offset = c * kNativeDoubles;
        const Native weight = load(weights + offset);
        Native y[kColumns];
        static_for<kColumns>(
            [&](auto l) { y[l] = load(workspace + (kFirstColumn + l) * kColumn + offset); });
        if constexpr (kDiagonal && kFirst) zeroth += weight;
        static_for<kRows>([&](auto j) {
          Native weighted;
          if constexpr (kDiagonal)
            weighted = weight * y[j];
          else
            weighted = weight * load(workspace + (kFirstRow + j) * kColumn + offset);
          if constexpr (kFirst) first[j] += weighted;
          static_for<kDiagonal ? j + 1 : kColumns>(
              [&](auto l) { second[j][l] += weighted * y[l]; });
        });
      }
      if constexpr (kDiagonal && kFirst) add(moments, zeroth);
      static_for<kRows>([&](auto j) {
        constexpr int kRow = kFirstRow + j;
        if constexpr (kFirst) add(moments + (1 + kRow) * kNativeDoubles, first[j]);
        static_for<kDiagonal ? j + 1 : kColumns>([&](auto l) {
          add(moments + (1 + D + triangle(kRow) + kFirstColumn + l) * kNativeDoubles, second[j][l]);
        });
      });
    });
  });
}

void reduce(int nvars, const double* moments, double* packed) {
  for (std::size_t m = 0; m < packed_moments(nvars); ++m)
    packed[m] = sum(load(moments + m * kNativeDoubles));
}

template <int D>
BlockKernel make() {
  BlockKernel kernel;
  kernel.nvars = D;
  kernel.registers_per_step = kStep;
  kernel.accumulators = packed_moments(D) * kNativeDoubles;
  kernel.log_joint = log_joint<D>;
  kernel.arrange = arrange;
  if constexpr (D <= kMaxDirect) {
    kernel.accumulate = accumulate_direct<D>;
  } else {
    kernel.accumulate = accumulate_tiled<D>;
    kernel.workspace = (D + 1) * kColumn;
  }
  kernel.reduce = reduce;
  return kernel;
}

template <int... D>
std::array<BlockKernel (*)(), sizeof...(D)> makers(std::integer_sequence<int, D...>) {
  return {make<D + 1>...};
}

}  // namespace

BlockKernel unrolled_kernel(int nvars) {
  static const auto table = makers(std::make_integer_sequence<int, kMaxUnrolled>{});
  return table[nvars - 1]();
}

BlockKernel block_kernel(const PreparedMixture& mixture, Scatter scatter) {
  const int nvars = mixture.nvars();
  BlockKernel kernel = nvars <= kMaxUnrolled ? unrolled_kernel(nvars) : tiled_kernel(nvars);
  if (mixture.diagonal()) use_diagonal_densities(kernel);
  if (scatter == Scatter::kDiagonal) use_diagonal_scatter(kernel);
  return kernel;
}

}  // namespace mogfit
