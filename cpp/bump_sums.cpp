#include "bump_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "lanes.hpp"
#include "load_block.hpp"
#include "prepared_mixture.hpp"

namespace mogfit {

namespace {

// Columns are multiplied in tiles of three by three, whose sums stay in registers everywhere.
constexpr int kTile = 3;

// Registers computed side by side.
constexpr int kSide = 4;

// A bump below 2^kNegligible in a whole block adds less than rounding to every sum.
constexpr double kNegligible = -70.0;

constexpr std::int64_t kMaxChunks = 64;
constexpr std::int64_t kMinChunkBlocks = 16;

// Partial sums of all chunks together stay below this many doubles (64 MB).
constexpr std::int64_t kMaxPartialSums = std::int64_t{1} << 23;

constexpr int kNatives = kBlock / kNativeDoubles;

int padded_columns(int nvars) { return round_up(bump_columns(nvars), kTile); }

struct Chunks {
  std::int64_t blocks;
  std::int64_t per_chunk;
  std::int64_t count;

  Chunks(std::int64_t n_blocks, std::int64_t sums) : blocks(n_blocks) {
    const std::int64_t most = std::clamp<std::int64_t>(kMaxPartialSums / sums, 4, kMaxChunks);
    per_chunk = std::max(kMinChunkBlocks, (blocks + most - 1) / most);
    count = (blocks + per_chunk - 1) / per_chunk;
  }
  std::int64_t first(std::int64_t chunk) const { return chunk * per_chunk; }
  std::int64_t last(std::int64_t chunk) const { return std::min(blocks, (chunk + 1) * per_chunk); }
};

// One block of the mesh, evaluated bump by bump.
class BlockColumns {
 public:
  BlockColumns(const Bumps& bumps)
      : ngauss_(bumps.size()),
        nvars_(bumps.nvars()),
        width_(padded_columns(nvars_)),
        u_(static_cast<std::size_t>(ngauss_) * nvars_ * kColumn),
        exponent_(kColumn),
        columns_(static_cast<std::size_t>(ngauss_) * width_ * kColumn) {
    for (int k = 0; k < ngauss_; ++k) whitenings_.push_back(invert_lower(bumps.factors[k]));
  }

  double* u(int k, int j) { return u_.data() + (k * nvars_ + j) * kColumn; }
  double* column(int k, int p) { return columns_.data() + (k * width_ + p) * kColumn; }

  // u of bump k, and |u|^2 in the array of exponents.
  void whiten(const Bumps& bumps, int k, const double* x) {
    const Matrix& w = whitenings_[k];
    double* const q = exponent_.data();
    for (int j = 0; j < nvars_; ++j) {
      double* const target = u(k, j);
      for (int l = 0; l <= j; ++l) {
        const double factor = w(j, l);
        const double mean = bumps.means(k, l);
        const double* const source = x + l * kColumn;
        if (l == 0) {
          for (int i = 0; i < kBlock; ++i) target[i] = factor * (source[i] - mean);
        } else {
          for (int i = 0; i < kBlock; ++i) target[i] += factor * (source[i] - mean);
        }
      }
      if (j == 0) {
        for (int i = 0; i < kBlock; ++i) q[i] = target[i] * target[i];
      } else {
        for (int i = 0; i < kBlock; ++i) q[i] += target[i] * target[i];
      }
    }
  }

  double least_square() const {
    Native least = load(exponent_.data());
    for (int i = 1; i < kNatives; ++i) {
      const Native q = load(exponent_.data() + i * kNativeDoubles);
      least = least < q ? least : q;
    }
    double smallest = least[0];
    for (int i = 1; i < kNativeDoubles; ++i) smallest = std::min<double>(smallest, least[i]);
    return smallest;
  }

  // root * exp(shift - |u|^2 / 2) after whiten(); false, and nothing, where that is negligible.
  bool bump(int k, double shift, const double* roots) {
    if ((shift - 0.5 * least_square()) * kLog2E < kNegligible) return false;
    double* const b = column(k, 0);
    static_assert(kNatives % kSide == 0, "blocks are whole groups of registers");
    for (int i = 0; i < kBlock; i += kSide * kNativeDoubles) {
      const Lane<kSide> argument = each<kSide>([&](auto r) {
        return (shift - 0.5 * load(exponent_.data() + i + r * kNativeDoubles)) * kLog2E;
      });
      const Lane<kSide> power = exp2(argument);
      static_for<kSide>([&](auto r) {
        const int at = i + r * kNativeDoubles;
        store(b + at, power.v[r] * load(roots + at));
      });
    }
    return true;
  }

  // The other columns of bump k.
  void fill(int k) {
    int p = 1;
    for (int j = 0; j < nvars_; ++j) multiply(column(k, 0), u(k, j), column(k, p++));
    for (int i = 0; i < nvars_; ++i)
      for (int j = 0; j <= i; ++j) multiply(column(k, 1 + i), u(k, j), column(k, p++));
  }

 private:
  static void multiply(const double* a, const double* b, double* product) {
    for (int i = 0; i < kBlock; ++i) product[i] = a[i] * b[i];
  }

  int ngauss_;
  int nvars_;
  int width_;
  std::vector<Matrix> whitenings_;
  Scratch u_;
  Scratch exponent_;
  Scratch columns_;
};

// Adds a^T b of two tiles of columns to nine registers of sums.
void add_tile(const double* a, const double* b, double* sums) {
  Native s[kTile * kTile];
  static_for<kTile * kTile>([&](auto i) { s[i] = load(sums + i * kNativeDoubles); });
  for (int at = 0; at < kBlock; at += kNativeDoubles) {
    Native left[kTile];
    static_for<kTile>([&](auto i) { left[i] = load(a + i * kColumn + at); });
    static_for<kTile>([&](auto j) {
      const Native right = load(b + j * kColumn + at);
      static_for<kTile>([&](auto i) { s[i * kTile + j] += left[i] * right; });
    });
  }
  static_for<kTile * kTile>([&](auto i) { store(sums + i * kNativeDoubles, s[i]); });
}

double dot(const double* a, const double* b) {
  Native total{};
  for (int at = 0; at < kBlock; at += kNativeDoubles) total += load(a + at) * load(b + at);
  return sum(total);
}

// Works through the blocks of one chunk after the other.
class Worker {
 public:
  Worker(const Bumps& bumps, bool curvature)
      : bumps_(bumps),
        curvature_(curvature),
        ngauss_(bumps.size()),
        columns_(bump_columns(bumps.nvars())),
        width_(padded_columns(bumps.nvars())),
        block_(bumps),
        residual_(kColumn),
        weighted_(kColumn),
        running_(static_cast<std::size_t>(ngauss_) * (ngauss_ + 1) / 2 * width_ * width_ *
                 kNativeDoubles),
        touched_(static_cast<std::size_t>(ngauss_) * (ngauss_ + 1) / 2) {}

  static std::size_t sums(int ngauss, int nvars) {
    const std::size_t m = bump_columns(nvars);
    return (ngauss * m) * (ngauss * m) + ngauss * m + 1 + ngauss * m * m;
  }

  void run(const FunctionMesh& mesh, std::int64_t first, std::int64_t last, double* target) {
    std::fill(touched_.begin(), touched_.end(), 0);
    double* const moments = target + square(ngauss_ * columns_);
    double* const total = moments + ngauss_ * columns_;
    for (std::int64_t block = first; block < last; ++block) {
      evaluate(mesh, block);
      const double* const r = residual_.data();
      *total += dot(r, r);
      for (const int k : active_) {
        for (int p = 0; p < columns_; ++p) moments[k * columns_ + p] += dot(block_.column(k, p), r);
        if (curvature_) add_curvature(k, total + 1 + k * square(columns_));
      }
      add_products();
    }
    reduce(target);
  }

 private:
  static std::size_t square(int n) { return static_cast<std::size_t>(n) * n; }

  // Columns of the bumps that count in this block, and the residuals.
  void evaluate(const FunctionMesh& mesh, std::int64_t block) {
    active_.clear();
    double* const r = residual_.data();
    std::copy_n(mesh.targets(block), kBlock, r);
    for (int k = 0; k < ngauss_; ++k) {
      block_.whiten(bumps_, k, mesh.points(block));
      if (!block_.bump(k, bumps_.shifts[k], mesh.roots(block))) continue;
      active_.push_back(k);
      block_.fill(k);
      const double height = bumps_.heights[k];
      const double* const b = block_.column(k, 0);
      for (int i = 0; i < kBlock; ++i) r[i] -= height * b[i];
    }
  }

  void add_products() {
    const std::size_t size = square(width_) * kNativeDoubles;
    for (std::size_t first = 0; first < active_.size(); ++first) {
      const int k = active_[first];
      for (std::size_t second = 0; second <= first; ++second) {
        const int l = active_[second];
        const std::size_t pair = static_cast<std::size_t>(k) * (k + 1) / 2 + l;
        double* sums = running_.data() + pair * size;
        if (!touched_[pair]) std::fill_n(sums, size, 0.0);
        touched_[pair] = 1;
        for (int i = 0; i < width_; i += kTile)
          for (int j = 0; j < width_; j += kTile, sums += kTile * kTile * kNativeDoubles)
            add_tile(block_.column(k, i), block_.column(l, j), sums);
      }
    }
  }

  // r b p p^T: columns already hold b p.
  void add_curvature(int k, double* target) {
    const int nvars = bumps_.nvars();
    double* const rb = weighted_.data();
    for (int p = 0; p < columns_; ++p) {
      const double* const c = block_.column(k, p);
      for (int i = 0; i < kBlock; ++i) rb[i] = residual_[i] * c[i];
      target[p * columns_] += sum_of(rb);
      int q = 1;
      for (int j = 0; j < nvars; ++j, ++q)
        if (q <= p) target[p * columns_ + q] += dot(rb, block_.u(k, j));
      for (int i = 0; i < nvars; ++i)
        for (int j = 0; j <= i; ++j, ++q)
          if (q <= p) target[p * columns_ + q] += triple(rb, block_.u(k, i), block_.u(k, j));
    }
  }

  static double sum_of(const double* a) {
    Native total{};
    for (int at = 0; at < kBlock; at += kNativeDoubles) total += load(a + at);
    return sum(total);
  }

  static double triple(const double* a, const double* b, const double* c) {
    Native total{};
    for (int at = 0; at < kBlock; at += kNativeDoubles)
      total += load(a + at) * load(b + at) * load(c + at);
    return sum(total);
  }

  void reduce(double* gram) const {
    const int size = ngauss_ * columns_;
    for (int k = 0; k < ngauss_; ++k)
      for (int l = 0; l <= k; ++l) {
        const std::size_t pair = static_cast<std::size_t>(k) * (k + 1) / 2 + l;
        if (!touched_[pair]) continue;
        const double* sums = running_.data() + pair * square(width_) * kNativeDoubles;
        for (int i = 0; i < width_; i += kTile)
          for (int j = 0; j < width_; j += kTile)
            for (int t = 0; t < kTile * kTile; ++t, sums += kNativeDoubles) {
              const int row = i + t / kTile;
              const int column = j + t % kTile;
              if (row >= columns_ || column >= columns_) continue;
              gram[static_cast<std::size_t>(k * columns_ + row) * size + l * columns_ + column] =
                  sum(load(sums));
            }
      }
  }

  const Bumps& bumps_;
  bool curvature_;
  int ngauss_;
  int columns_;
  int width_;
  BlockColumns block_;
  Scratch residual_;
  Scratch weighted_;
  Scratch running_;
  std::vector<char> touched_;
  std::vector<int> active_;
};

// Nanoseconds one block costs, roughly: half of the pairs of columns, and the exponentials.
double block_cost(const Bumps& bumps) {
  const double columns = static_cast<double>(bumps.size()) * padded_columns(bumps.nvars());
  return kBlock * (0.05 * columns * columns + 2.0 * columns);
}

}  // namespace

FunctionMesh::FunctionMesh(const Points& points, const double* values, const double* roots)
    : n_(points.n),
      d_(points.d),
      x_(static_cast<std::size_t>(blocks()) * d_ * kColumn),
      roots_(static_cast<std::size_t>(blocks()) * kColumn),
      targets_(static_cast<std::size_t>(blocks()) * kColumn) {
  for (std::int64_t block = 0; block < blocks(); ++block) {
    double* const x = x_.data() + block * d_ * kColumn;
    load_block(points, block, x);
    const int rows = rows_in_block(block);
    for (int j = 0; j < d_; ++j)
      std::fill(x + j * kColumn + rows, x + j * kColumn + kBlock, x[j * kColumn]);
    for (int i = 0; i < rows; ++i) {
      const double root = roots == nullptr ? 1.0 : roots[block * kBlock + i];
      roots_[block * kColumn + i] = root;
      targets_[block * kColumn + i] = root * values[block * kBlock + i];
    }
  }
}

int FunctionMesh::rows_in_block(std::int64_t block) const {
  return static_cast<int>(std::min<std::int64_t>(kBlock, n_ - block * kBlock));
}

void set_shifts(const FunctionMesh& mesh, Bumps& bumps, int threads, const StopRequested& stop) {
  const int ngauss = bumps.size();
  const std::int64_t blocks = mesh.blocks();
  const int used = useful_threads(threads, blocks, kBlock * 0.5 * ngauss * bumps.nvars());
  Matrix least = Matrix::Constant(used, ngauss, std::numeric_limits<double>::infinity());
  std::vector<std::unique_ptr<BlockColumns>> columns(used);
  parallel_for(blocks, used, stop, [&](std::int64_t block, int thread) {
    if (!columns[thread]) columns[thread] = std::make_unique<BlockColumns>(bumps);
    for (int k = 0; k < ngauss; ++k) {
      columns[thread]->whiten(bumps, k, mesh.points(block));
      least(thread, k) = std::min(least(thread, k), columns[thread]->least_square());
    }
  });
  bumps.shifts = 0.5 * least.colwise().minCoeff().transpose();
}

BumpSums bump_sums(const FunctionMesh& mesh, const Bumps& bumps, bool curvature, int threads,
                   const StopRequested& stop) {
  const int ngauss = bumps.size();
  const int m = bump_columns(bumps.nvars());
  const std::size_t size = Worker::sums(ngauss, bumps.nvars());
  const Chunks chunks(mesh.blocks(), static_cast<std::int64_t>(size));
  Scratch parts(chunks.count * size);
  const int used = useful_threads(threads, chunks.count, chunks.per_chunk * block_cost(bumps));
  std::vector<std::unique_ptr<Worker>> workers(used);
  parallel_for(chunks.count, used, stop, [&](std::int64_t chunk, int thread) {
    if (!workers[thread]) workers[thread] = std::make_unique<Worker>(bumps, curvature);
    workers[thread]->run(mesh, chunks.first(chunk), chunks.last(chunk),
                         parts.data() + chunk * size);
  });
  for (std::int64_t gap = 1; gap < chunks.count; gap *= 2)
    for (std::int64_t i = 0; i + gap < chunks.count; i += 2 * gap)
      for (std::size_t s = 0; s < size; ++s) parts[i * size + s] += parts[(i + gap) * size + s];

  BumpSums sums;
  const double* p = parts.data();
  sums.gram = Eigen::Map<const Matrix>(p, ngauss * m, ngauss * m);
  sums.gram.triangularView<Eigen::StrictlyUpper>() = sums.gram.transpose();
  p += sums.gram.size();
  sums.moments = Eigen::Map<const Vector>(p, ngauss * m);
  p += ngauss * m;
  sums.residual = *p++;
  if (!curvature) return sums;
  for (int k = 0; k < ngauss; ++k, p += m * m) {
    Matrix second = Eigen::Map<const Matrix>(p, m, m);
    second.triangularView<Eigen::StrictlyUpper>() = second.transpose();
    sums.curvature.push_back(std::move(second));
  }
  return sums;
}

void bump_values(const FunctionMesh& mesh, const Bumps& bumps, double* out, int threads,
                 const StopRequested& stop) {
  const int ngauss = bumps.size();
  const int used = useful_threads(threads, mesh.blocks(), kBlock * 2.0 * ngauss);
  std::vector<std::unique_ptr<BlockColumns>> columns(used);
  Scratch unit(kColumn);
  for (int i = 0; i < kBlock; ++i) unit[i] = 1.0;
  parallel_for(mesh.blocks(), used, stop, [&](std::int64_t block, int thread) {
    if (!columns[thread]) columns[thread] = std::make_unique<BlockColumns>(bumps);
    BlockColumns& at = *columns[thread];
    const int rows = mesh.rows_in_block(block);
    double* const target = out + block * kBlock;
    std::fill_n(target, rows, 0.0);
    for (int k = 0; k < ngauss; ++k) {
      if (!(bumps.heights[k] > 0.0)) continue;
      at.whiten(bumps, k, mesh.points(block));
      if (!at.bump(k, bumps.shifts[k], unit.data())) continue;
      for (int i = 0; i < rows; ++i) target[i] += bumps.heights[k] * at.column(k, 0)[i];
    }
  });
}

}  // namespace mogfit
