#include "box_quadrature.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "box_pair.hpp"

namespace mogfit {

namespace {

constexpr int kMax = kMaxQuadrature;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// How far the integrand is followed, and how finely, for a wanted number of digits.
struct Resolution {
  double drop;           // in |z|^2 beyond its least value: exp(-drop / 2) of the largest density
  double flat;           // standard deviations from which a side no longer shows
  double nodes;          // of a piece as long as nothing,
  double nodes_a_scale;  // for each scale of the integrand,
  double nodes_a_nat;    // and for each unit that its logarithm falls
  double error;
};

// Measured on products of phi and Phi of all correlations, on pieces up to 18 scales long, and on
// exponentials.
constexpr Resolution kResolutions[] = {{78.0, 8.3, 9.0, 1.8, 0.35, 1e-13},
                                       {62.0, 7.4, 8.0, 1.6, 0.33, 1e-11},
                                       {48.0, 6.5, 7.0, 1.4, 0.30, 1e-9}};

// Above this scale an integrand is not worth splitting.
constexpr double kSmooth = 0.6;

// Most pieces of one scale that an axis is cut into.
constexpr int kMaxTiles = 40;

// An integral over the box in z_level, ..., z_(n-1), relative to exp(log_scale).
struct Sums {
  double log_scale;
  double mass = 0.0;
  std::array<double, kMax> first{};
  std::array<std::array<double, kMax>, kMax> second{};  // lower triangle
};

// The sides of x_level, ..., x_(n-1), given what is integrated outside.
struct Sides {
  std::array<double, kMax> low;
  std::array<double, kMax> high;
};

struct Range {
  double low;
  double high;
};

// The least |z|^2 in a box, and the first coordinate of the point where it is.
struct Nearest {
  double square;
  double z;
};

// Cuts `range` to where z^2 + gap(z)^2 <= bound. The set is an interval: z^2 + gap^2 is convex.
void cut(const Side& side, double bound, Range& range) {
  const double root = std::sqrt(bound);
  const double curvature = 1.0 + side.slope * side.slope;
  const double centre = side.at_zero * side.slope / curvature;
  const double rest = bound - side.at_zero * side.at_zero / curvature;
  const double half = std::sqrt(std::max(0.0, rest / curvature));
  const double left = side.at_zero + side.slope * root > 0.0 ? centre - half : -root;
  const double right = side.at_zero - side.slope * root > 0.0 ? centre + half : root;
  range.low = std::max(range.low, left);
  range.high = std::min(range.high, right);
}

class NestedQuadrature {
 public:
  explicit NestedQuadrature(const StandardBox& box)
      : n_(box.size()), resolution_(kResolutions[std::clamp(n_ - 2, 0, 2)]) {
    for (int i = 0; i < n_; ++i) {
      width_[i] = box.sides[i].width;
      outer_.low[i] = box.sides[i].low;
      outer_.high[i] = box.sides[i].high;
      for (int j = 0; j < n_; ++j) factor_[i][j] = box.factor(i, j);
    }
    for (int level = 0; level + 1 < n_; ++level) prepare(level, box.factor);
  }

  Sums integrate() const { return integrate(0, outer_); }
  double error() const { return resolution_.error; }

 private:
  void prepare(int level, const Matrix& factor) {
    const int size = n_ - level;
    const Matrix rest = factor.bottomRightCorner(size, size);
    const Matrix inverse = rest.triangularView<Eigen::Lower>().solve(Matrix::Identity(size, size));
    const Matrix precision = inverse.transpose() * inverse;
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j) precision_[level][level + i][level + j] = precision(i, j);
    scale_[level] = 1.0 / (factor(level, level) * std::sqrt(precision(0, 0)));
    for (int j = level + 1; j < n_; ++j)
      deviation_[level][j] = factor.row(j).segment(level + 1, j - level).norm();
  }

  Sums integrate(int level, const Sides& sides) const {
    return level + 2 == n_ ? integrate_pair(level, sides) : integrate_axis(level, sides);
  }

  // The point of the box nearest to z = 0, by the active set method: x minimises x^T P x between
  // its sides, P the precision of x_level, .... Ends after finitely many steps; few are ever taken.
  Nearest nearest(int level, const Sides& sides) const {
    constexpr int kMaxSteps = 50;
    const auto& precision = precision_[level];
    std::array<double, kMax> x{};
    std::array<bool, kMax> held{};
    for (int i = level; i < n_; ++i) {
      x[i] = std::clamp(0.0, sides.low[i], sides.high[i]);
      held[i] = x[i] != 0.0;
    }
    for (int step = 0; step < kMaxSteps; ++step) {
      const std::array<double, kMax> target = minimise_free(level, x, held);
      // Towards the target, up to the first side in the way.
      double length = 1.0;
      int blocking = -1;
      for (int i = level; i < n_; ++i) {
        if (held[i]) continue;
        const double side = target[i] < sides.low[i] ? sides.low[i] : sides.high[i];
        if (target[i] >= sides.low[i] && target[i] <= sides.high[i]) continue;
        const double reach = (side - x[i]) / (target[i] - x[i]);
        if (reach < length) {
          length = reach;
          blocking = i;
        }
      }
      for (int i = level; i < n_; ++i)
        if (!held[i])
          x[i] = std::clamp(x[i] + length * (target[i] - x[i]), sides.low[i], sides.high[i]);
      if (blocking >= 0) {
        x[blocking] = target[blocking] < x[blocking] ? sides.low[blocking] : sides.high[blocking];
        held[blocking] = true;
        continue;
      }
      // At the least value for these held sides: let go of the one that is pulled inwards most.
      int loosest = -1;
      double most = 0.0;
      for (int i = level; i < n_; ++i) {
        double pull = 0.0;  // (P x)_i
        for (int j = level; j < n_; ++j) pull += precision[i][j] * x[j];
        const double inwards = x[i] == sides.low[i] ? -pull : pull;
        if (held[i] && inwards > most) {
          most = inwards;
          loosest = i;
        }
      }
      if (loosest < 0) break;
      held[loosest] = false;
    }
    double square = 0.0;
    for (int i = level; i < n_; ++i)
      for (int j = level; j < n_; ++j) square += x[i] * precision[i][j] * x[j];
    return {std::max(0.0, square), x[level] / factor_[level][level]};
  }

  // x with its free entries where x^T P x is least, by Gauss's elimination.
  std::array<double, kMax> minimise_free(int level, const std::array<double, kMax>& x,
                                         const std::array<bool, kMax>& held) const {
    const auto& precision = precision_[level];
    std::array<int, kMax> free{};
    int count = 0;
    for (int i = level; i < n_; ++i)
      if (!held[i]) free[count++] = i;
    double system[kMax][kMax + 1];
    for (int r = 0; r < count; ++r) {
      system[r][count] = 0.0;
      for (int i = level; i < n_; ++i)
        if (held[i]) system[r][count] -= precision[free[r]][i] * x[i];
      for (int c = 0; c < count; ++c) system[r][c] = precision[free[r]][free[c]];
    }
    for (int pivot = 0; pivot < count; ++pivot)
      for (int r = pivot + 1; r < count; ++r) {
        const double ratio = system[r][pivot] / system[pivot][pivot];
        for (int c = pivot; c <= count; ++c) system[r][c] -= ratio * system[pivot][c];
      }
    std::array<double, kMax> target = x;
    for (int r = count - 1; r >= 0; --r) {
      double value = system[r][count];
      for (int c = r + 1; c < count; ++c) value -= system[r][c] * target[free[c]];
      target[free[r]] = value / system[r][r];
    }
    return target;
  }

  // The least |z|^2 of the box where z_level has this value: convex in it.
  double least_square(int level, const Sides& sides, double z) const {
    const Sides rest = given(level, sides, z);
    if (level + 3 == n_) {
      const double pivot = factor_[level + 2][level + 2];
      const Side side{rest.low[level + 2] / pivot, factor_[level + 2][level + 1] / pivot};
      return z * z + nearest_pair(rest, level + 1, side, width_[level + 2] / pivot).square;
    }
    return z * z + nearest(level + 1, rest).square;
  }

  // The sides of the variables inside z_level, given it.
  Sides given(int level, const Sides& sides, double z) const {
    Sides rest = sides;
    for (int j = level + 1; j < n_; ++j) {
      rest.low[j] -= factor_[j][level] * z;
      rest.high[j] -= factor_[j][level] * z;
    }
    return rest;
  }

  // `end`, or a point nearer to `centre` where the least |z|^2 is the bound, by false position.
  double cut_end(int level, const Sides& sides, double centre, double least, double end,
                 double bound) const {
    constexpr int kMaxTrials = 30;
    double outside = end;
    double above = least_square(level, sides, end) - bound;
    if (!(above > 0.0)) return end;
    double inside = centre;
    double below = least - bound;
    for (int trial = 0; trial < kMaxTrials; ++trial) {
      // Where a parabola that is least at the centre would be; halfway when that stalls.
      const double share = std::sqrt(-below / (above - below));
      const double z =
          trial % 2 == 0 ? inside + (outside - inside) * share : 0.5 * (inside + outside);
      const double value = least_square(level, sides, z) - bound;
      if (value > 0.0) {
        outside = z;
        above = value;
        if (value < 4.0) break;
      } else {
        inside = z;
        below = value;
      }
    }
    return outside;
  }

  // The pieces of the axis z_level that matter.
  int split(int level, const Sides& sides, const Nearest& nearest, Piece* pieces) const {
    std::array<Side, 2 * kMax> constraints;
    int count = 0;
    for (int j = level + 1; j < n_; ++j) {
      const double deviation = deviation_[level][j];
      const double slope = factor_[j][level] / deviation;
      constraints[count++] = {sides.low[j] / deviation, slope};
      if (sides.high[j] < kInfinity) constraints[count++] = {-sides.high[j] / deviation, -slope};
    }
    const double pivot = factor_[level][level];
    const Range whole{sides.low[level] / pivot, sides.high[level] / pivot};
    const double bound = nearest.square + resolution_.drop;
    Range range = whole;
    range.low = std::max(range.low, -std::sqrt(bound));
    range.high = std::min(range.high, std::sqrt(bound));
    for (int c = 0; c < count; ++c) cut(constraints[c], bound, range);
    if (level + 2 < n_) {
      // Each side alone was heeded; now all of them together.
      range.low = cut_end(level, sides, nearest.z, nearest.square, range.low, bound);
      range.high = cut_end(level, sides, nearest.z, nearest.square, range.high, bound);
    }
    const bool is_whole = range.low == whole.low && range.high == whole.high;
    // The width is the box's own where nothing was cut.
    const double width = is_whole ? width_[level] / pivot : range.high - range.low;
    if (!(width > 0.0)) return 0;
    double fall = 0.0;
    for (const double end : {range.low, range.high})
      fall = std::max(
          fall, 0.5 * (square_at(level, sides, constraints.data(), count, end) - nearest.square));
    fall = std::min(fall, 0.5 * resolution_.drop);

    const double scale = scale_[level];
    Range flat = range;
    if (scale < kSmooth) {
      for (int c = 0; c < count; ++c) {
        const auto [at_zero, slope] = constraints[c];
        const double edge = (at_zero + resolution_.flat) / slope;
        if (slope > 0.0) {
          flat.low = std::max(flat.low, edge);
        } else if (slope < 0.0) {
          flat.high = std::min(flat.high, edge);
        } else if (at_zero > -resolution_.flat) {
          flat.high = flat.low;
        }
      }
    }
    if (scale >= kSmooth || flat.high - flat.low < 2.0 * scale)
      return tile(range.low, width, scale, fall, pieces);
    int made = tile(range.low, flat.low - range.low, scale, fall, pieces);
    made += tile(flat.low, flat.high - flat.low, 1.0, fall, pieces + made);
    return made + tile(flat.high, range.high - flat.high, scale, fall, pieces + made);
  }

  // least_square, also of a pair.
  double square_at(int level, const Sides& sides, const Side* constraints, int count,
                   double z) const {
    if (level + 2 < n_) return least_square(level, sides, z);
    double gap = 0.0;
    for (int c = 0; c < count; ++c)
      gap = std::max(gap, constraints[c].at_zero - constraints[c].slope * z);
    return z * z + gap * gap;
  }

  // Equal pieces of [low, low + width], none longer than the largest rule resolves.
  int tile(double low, double width, double scale, double fall, Piece* pieces) const {
    if (!(width > 0.0)) return 0;
    const double longest = (kMaxNodes - resolution_.nodes) / resolution_.nodes_a_scale * scale;
    const int count = std::min(kMaxTiles, static_cast<int>(std::ceil(width / longest)));
    const double part = width / count;
    const double extra =
        std::max(resolution_.nodes_a_scale * part / scale, resolution_.nodes_a_nat * fall);
    const int wanted = static_cast<int>(std::ceil(resolution_.nodes + extra));
    const GaussLegendre& rule = gauss_legendre(std::min(kMaxNodes, round_up(wanted, kNodeStep)));
    for (int i = 0; i < count; ++i) pieces[i] = {low + i * part, part, &rule};
    return count;
  }

  Sums integrate_axis(int level, const Sides& sides) const {
    const Nearest closest = nearest(level, sides);
    Sums sums{-0.5 * closest.square};
    std::array<Piece, 3 * kMaxTiles> pieces;
    const int count = split(level, sides, closest, pieces.data());
    for (int p = 0; p < count; ++p) {
      const Piece& piece = pieces[p];
      for (int i = 0; i < piece.rule->count; ++i) {
        const double z = piece.low + 0.5 * piece.width * (1.0 + piece.rule->nodes[i]);
        const Sums inner = integrate(level + 1, given(level, sides, z));
        const double weight = 0.5 * piece.width * piece.rule->weights[i] * kInverseSqrt2Pi *
                              std::exp(inner.log_scale - 0.5 * z * z - sums.log_scale);
        sums.mass += weight * inner.mass;
        sums.first[level] += weight * inner.mass * z;
        sums.second[level][level] += weight * inner.mass * z * z;
        for (int j = level + 1; j < n_; ++j) {
          sums.first[j] += weight * inner.first[j];
          sums.second[j][level] += weight * inner.first[j] * z;
          for (int k = level + 1; k <= j; ++k) sums.second[j][k] += weight * inner.second[j][k];
        }
      }
    }
    return sums;
  }

  // The last two variables: z = z_level by quadrature, the other one in closed form.
  Sums integrate_pair(int level, const Sides& sides) const {
    const double pivot = factor_[level + 1][level + 1];
    const double width = width_[level + 1] / pivot;
    const Side side{sides.low[level + 1] / pivot, factor_[level + 1][level] / pivot};
    const Nearest closest = nearest_pair(sides, level, side, width);
    const double square = closest.square;
    std::array<Piece, 3 * kMaxTiles> pieces;
    const int count = split(level, sides, closest, pieces.data());
    Native totals[kPairSums] = {};
    for (int p = 0; p < count; ++p) {
      if (width < kNarrow) {
        add_narrow(pieces[p], side, width, square, totals);
      } else if (width < kInfinity) {
        add_two_sided(pieces[p], side, width, square, totals);
      } else {
        add_one_sided(pieces[p], side, square, totals);
      }
    }
    Sums sums{-0.5 * square};
    sums.mass = sum(totals[0]);
    sums.first[level] = sum(totals[1]);
    sums.second[level][level] = sum(totals[2]);
    sums.first[level + 1] = sum(totals[3]);
    sums.second[level + 1][level] = sum(totals[4]);
    sums.second[level + 1][level + 1] = sum(totals[5]);
    return sums;
  }

  // The least z^2 + gap(z)^2 over the sides of z.
  Nearest nearest_pair(const Sides& sides, int level, const Side& side, double width) const {
    const double curvature = 1.0 + side.slope * side.slope;
    const double above = -side.at_zero - width;
    double z = 0.0;
    if (side.at_zero > 0.0) z = side.at_zero * side.slope / curvature;
    if (above > 0.0) z = -above * side.slope / curvature;
    const double pivot = factor_[level][level];
    z = std::clamp(z, sides.low[level] / pivot, sides.high[level] / pivot);
    const double low = side.at_zero - side.slope * z;
    const double gap = std::max({0.0, low, -low - width});
    return {z * z + gap * gap, z};
  }

  int n_;
  Resolution resolution_;
  std::array<double, kMax> width_;
  std::array<std::array<double, kMax>, kMax> factor_;
  Sides outer_;
  // For each level: the precision of x_level, ..., given what is outside it; the standard deviation
  // of z_level given all that is inside it; those of the x_j inside it given z_level.
  std::array<std::array<std::array<double, kMax>, kMax>, kMax> precision_;
  std::array<double, kMax> scale_;
  std::array<std::array<double, kMax>, kMax> deviation_;
};

StandardMoments single_side(const Interval& side) {
  const NormalInterval z = normal_interval(side);
  return {z.log_mass, 2.0 * std::numeric_limits<double>::epsilon() * (1.0 - z.log_mass),
          Vector::Constant(1, z.mean), Matrix::Constant(1, 1, z.second)};
}

}  // namespace

StandardMoments box_quadrature(const StandardBox& box) {
  if (box.size() == 1) return single_side(box.sides[0]);
  const NestedQuadrature quadrature(box);
  const Sums sums = quadrature.integrate();
  const int n = box.size();
  const double log_mass = sums.log_scale + std::log(sums.mass);
  // The exponents, of the size of log Z, are rounded, and sides seen through small pivots more so.
  const double rounding = std::numeric_limits<double>::epsilon() * (1.0 - log_mass) /
                          box.factor.diagonal().cwiseAbs2().minCoeff();
  StandardMoments moments{log_mass, quadrature.error() + rounding, Vector(n), Matrix(n, n)};
  for (int i = 0; i < n; ++i) {
    moments.mean[i] = sums.first[i] / sums.mass;
    for (int j = 0; j <= i; ++j)
      moments.second(i, j) = moments.second(j, i) = sums.second[i][j] / sums.mass;
  }
  return moments;
}

}  // namespace mogfit
