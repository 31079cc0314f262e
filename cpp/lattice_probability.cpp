#include "lattice_probability.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "lanes.hpp"
#include "random_stream.hpp"

namespace mogfit {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Shifts of the lattice, and its sizes: powers of 2, each lattice contained in the next one.
constexpr int kShifts = 8;
constexpr int kSmallest = 64;
constexpr int kLargest = 1 << 18;

constexpr std::uint64_t kSeed = 2017;

// Found component by component: for the sizes 2^8, ..., 2^18 together, the least mean of
// prod_j (1 + 0.1 * 2 pi^2 B_2(x_j)), B_2 Bernoulli's polynomial, among 250 candidates for each.
constexpr std::uint64_t kGenerators[] = {
    1,     123447, 165271, 191339, 74407,  178937, 72989, 22989, 224605, 39755,  32379, 252735,
    29869, 216275, 184121, 80373,  135279, 221565, 52991, 12777, 203157, 116889, 24005, 206101};
constexpr int kConstructed = sizeof kGenerators / sizeof kGenerators[0];

// An odd number for each axis; drawn beyond those constructed.
std::uint64_t generator(int axis) {
  if (axis < kConstructed) return kGenerators[axis];
  return (RandomStream(kSeed, kShifts + axis).bits() | 1) % kLargest;
}

MOGFIT_INLINE Native exp(Native x) { return exp2(Lane<1>{{x * kLog2E}}).v[0]; }

MOGFIT_INLINE bool any(NativeBits mask) {
  std::int64_t found = 0;
  for (int i = 0; i < kNativeDoubles; ++i) found |= mask[i];
  return found != 0;
}

// Where 1 - Phi(x) = exp(-depth), the depth at least log 2, and Mills' ratio there.
struct Quantile {
  Native x;
  Native mills;
};

MOGFIT_INLINE Quantile tail_quantile(Native depth) {
  // r (r - x) for r = sqrt(2 depth) <= 40 in t = (r - 8) / (r + 8), interpolated between
  // Chebyshev's nodes: good to 3.2e-5 of the depth.
  constexpr double kCoefficients[] = {
      0.23976749592764647, 0.097877377390096179, 0.0042308993120463398,
      0.33338497303770176, 0.099783978595858768, 0.57204742728291497,
      0.10642200327276758, 1.9009539268610286,   3.0384063331315969};
  constexpr double kFar = 40.0;
  const Native r = sqrt(2.0 * depth);
  const Native t = (r - 8.0) / (r + 8.0);
  Native p = broadcast(0.40766255015231906);
  for (const double coefficient : kCoefficients) p = p * t + coefficient;
  Native x = max(r - p / r, Native{});
  if (any(r > kFar)) {
    // x^2 = r^2 - log(2 pi x^2) - 2 / x^2 + O(x^-4).
    const Native square = 2.0 * (depth - kLogSqrt2Pi - log(r));
    const Native far = sqrt(2.0 * (depth - kLogSqrt2Pi) - log(square) - 2.0 / square);
    x = r > kFar ? far : x;
  }
  // dx / d depth = M, dM / dx = x M - 1: Taylor's series in what is left of the depth.
  const Native m0 = mills_ratio(x);
  const Native m1 = x * m0 - 1.0;
  const Native m2 = m0 + x * m1;
  const Native left = depth - (0.5 * x * x + kLogSqrt2Pi - log(m0));
  const Native step =
      m0 * left * (1.0 + 0.5 * left * (m1 + (1.0 / 3.0) * left * (m0 * m2 + m1 * m1)));
  return {x + step, m0 + step * (m1 + 0.5 * step * m2)};
}

// exp(c^2 / 2) times the integral of exp(-x^2 / 2) over |x - c| <= width / 2, over the width, and
// its derivative in c: Taylor's series, in Hermite's polynomials.
struct NarrowMass {
  Native mass;
  Native derivative;
};

MOGFIT_INLINE NarrowMass narrow_mass(Native centre, double width) {
  constexpr int kTerms = 12;
  const double half = 0.5 * width;
  const Native slope = half * centre;
  Native before = broadcast(1.0);  // half^k He_k(centre)
  Native now = slope;
  NarrowMass result{broadcast(1.0), Native{}};
  double factorial = 1.0;
  for (int k = 1; k < kTerms; ++k) {
    const Native next = slope * now - (k * half * half) * before;
    before = now;
    now = next;
    factorial *= k + 1;
    if (k % 2 == 0) continue;
    const double weight = 1.0 / (factorial * (k + 2));
    result.mass += weight * now;
    result.derivative += (weight * half * (k + 1)) * before;
  }
  return result;
}

// A standard normal between two sides. Turned so that the middle lies on the right of 0; with both
// sides there, everything is relative to phi(low), elsewhere (low <= 0) to 1.
struct Restriction {
  NativeBits turned;
  NativeBits in_tail;
  Native low;
  Native high;
  Native log_unit;
  Native density_low;
  Native density_high;
  Native outside_low;  // 1 - Phi(low) in the tail, Phi(low) elsewhere
  Native outside_high;
  Native mass;
  Native mean;  // not turned
};

MOGFIT_INLINE Restriction above(Native low) {
  Restriction r{};
  r.in_tail = low > 0.0;
  r.low = low;
  r.high = broadcast(kInfinity);
  const Native exponent = -0.5 * low * low;
  r.log_unit = r.in_tail ? exponent - kLogSqrt2Pi : Native{};
  r.density_low = r.in_tail ? broadcast(1.0) : kInverseSqrt2Pi * exp(exponent);
  r.outside_low = r.density_low * mills_ratio(max(low, -low));
  r.mass = r.in_tail ? r.outside_low : 1.0 - r.outside_low;
  r.mean = r.density_low / r.mass;
  return r;
}

MOGFIT_INLINE Restriction between(Native given_low, Native given_high, double width) {
  Restriction r;
  r.turned = given_low + given_high < 0.0;
  r.low = r.turned ? -given_high : given_low;
  r.high = r.turned ? -given_low : given_high;
  r.in_tail = r.low > 0.0;
  const Native exponent = -0.5 * r.low * r.low;
  r.log_unit = r.in_tail ? exponent - kLogSqrt2Pi : Native{};
  const Native unit = r.in_tail ? broadcast(1.0) : broadcast(kInverseSqrt2Pi);
  const Native at_high = r.in_tail ? -width * (r.low + 0.5 * width) : -0.5 * r.high * r.high;
  const Lane<2> powers =
      exp2(Lane<2>{{(r.in_tail ? Native{} : exponent) * kLog2E, at_high * kLog2E}});
  r.density_low = unit * powers.v[0];
  r.density_high = unit * powers.v[1];
  r.outside_low = r.density_low * mills_ratio(max(r.low, -r.low));
  r.outside_high = r.density_high * mills_ratio(r.high);
  r.mass = r.in_tail ? r.outside_low - r.outside_high : (1.0 - r.outside_low) - r.outside_high;
  r.mean = (r.density_low - r.density_high) / r.mass;
  if (width < kNarrow) {
    const Native centre = r.low + 0.5 * width;
    const NativeBits narrow = width * centre < kNarrow;
    const NarrowMass series = narrow_mass(centre, width);
    const Native at_centre =
        r.in_tail ? (-0.5 * width) * (r.low + 0.25 * width) : -0.5 * centre * centre;
    r.mass = narrow ? width * unit * exp(at_centre) * series.mass : r.mass;
    r.mean = narrow ? centre - series.derivative / series.mass : r.mean;
  }
  r.mean = r.turned ? -r.mean : r.mean;
  return r;
}

// A point of the unit interval, and how far it is from 1.
struct Share {
  Native u;
  Native rest;
};

// The value below which the share u of the mass lies, and how it moves with the sides.
struct Draw {
  Native value;
  Native by_low;   // (1 - u) phi(low) / phi(value)
  Native by_high;  // u phi(high) / phi(value)
};

MOGFIT_INLINE Draw draw(const Restriction& r, const Share& given) {
  const Share share{r.turned ? given.rest : given.u, r.turned ? given.u : given.rest};
  const Native below = r.outside_low + share.u * r.mass;
  const Native beyond = r.in_tail ? share.rest * r.outside_low + share.u * r.outside_high
                                  : share.rest * r.mass + r.outside_high;
  const NativeBits rightwards = r.in_tail | (beyond <= below);
  const Native nearer = rightwards ? beyond : below;
  const Quantile quantile = tail_quantile(-r.log_unit - log(nearer));
  Native x = rightwards ? quantile.x : -quantile.x;
  x = x < r.low ? r.low : x;
  x = x > r.high ? r.high : x;
  const Native inverse_density = quantile.mills / nearer;
  const Native by_low = share.rest * r.density_low * inverse_density;
  const Native by_high = share.u * r.density_high * inverse_density;
  return {r.turned ? -x : x, r.turned ? by_high : by_low, r.turned ? by_low : by_high};
}

// What the way back needs of one variable.
struct Variable {
  Native adjoint;
  Native z;
  Native low;      // of z
  Native high;     // of z; 0 where it is infinite
  Native mean;     // of z less its tilt, between the sides
  Native at_low;   // phi(low) / mass
  Native at_high;  // phi(high) / mass
  Native by_low;
  Native by_high;
};

// Sums of exp(psi - log_scale) and of its derivatives over lattices.
class LatticeSum {
 public:
  LatticeSum(const StandardBox& box, const Vector& tilt)
      : n_(box.size()),
        factor_(box.factor),
        slopes_(n_ * n_),
        variables_(n_),
        axes_(n_),
        by_side_(n_),
        by_factor_(n_ * n_) {
    for (int i = 0; i < n_; ++i) {
      const double pivot = box.factor(i, i);
      const Interval& side = box.sides[i];
      sides_.push_back({side.low / pivot, side.high / pivot, side.width / pivot});
      for (int j = 0; j < i; ++j) slopes_[i * n_ + j] = box.factor(i, j) / pivot;
      tilt_.push_back(tilt[i]);
    }
  }

  // Adds the lattice of one shift.
  template <bool kDerivatives>
  void add(int shift, int points) {
    start(shift, points);
    Native total{};
    for (int k = 0; k < points; k += kNativeDoubles) {
      const Native psi = forward();
      if (any(psi > log_scale_ + kHeadroom)) total *= rescale(psi);
      const Native weight = exp(psi - log_scale_);
      total += weight;
      if (kDerivatives) backward(weight);
    }
    totals_[shift] = sum(total);
  }

  // log Z and its error from the spread over the shifts.
  void estimate(int points, StandardMoments& result) const {
    // Three standard errors, and the rounding of the exponents.
    constexpr double kStandardErrors = 3.0;
    double mean = 0.0;
    for (const double total : totals_) mean += total / kShifts;
    double squares = 0.0;
    for (const double total : totals_) squares += (total - mean) * (total - mean);
    result.log_mass = log_scale_ + std::log(mean / points);
    result.error = kStandardErrors * std::sqrt(squares / (kShifts * (kShifts - 1))) / mean +
                   std::numeric_limits<double>::epsilon() * (n_ + std::abs(result.log_mass));
  }

  // The pullback through the factor: for dA = A Phi(A^-1 dSigma A^-T), Phi the lower triangle with
  // its diagonal halved, d log Z / dSigma = A^-T (S + S^T) A^-1 / 2 with S = Phi(A^T dlogZ/dA).
  void derivatives(StandardMoments& result) const {
    double total = 0.0;
    for (const double part : totals_) total += part;
    Vector shift(n_);
    Matrix adjoint = Matrix::Zero(n_, n_);
    for (int i = 0; i < n_; ++i) {
      const double unit = total * factor_(i, i);
      shift[i] = sum(by_side_[i].value) / unit;
      for (int j = 0; j <= i; ++j) adjoint(i, j) = -sum(by_factor_[i * n_ + j].value) / unit;
    }
    result.mean = -factor_.transpose() * shift;
    const Matrix product = factor_.transpose() * adjoint;
    Matrix lower = product.triangularView<Eigen::StrictlyLower>();
    lower.diagonal() = 0.5 * product.diagonal();
    result.second = Matrix::Identity(n_, n_) + lower + lower.transpose();
  }

 private:
  struct Sum {
    Native value{};
  };

  // How far psi may rise above log_scale before everything is rescaled.
  static constexpr double kHeadroom = 300.0;

  // One coordinate of the lattice.
  struct Axis {
    Native x;
    double step;
  };

  void start(int shift, int points) {
    RandomStream random(kSeed, shift);
    for (int j = 0; j < n_; ++j) {
      // Odd multiples of 2^-40: every x is exact, and none is 0, 1/2 or 1.
      const double moved = static_cast<double>(random.bits() >> 24 | 1) * 0x1p-40;
      const auto coordinate = [&, step = generator(j)](std::uint64_t k) {
        return static_cast<double>(k * step % points) / points;
      };
      for (int lane = 0; lane < kNativeDoubles; ++lane) {
        const double x = coordinate(lane) + moved;
        axes_[j].x[lane] = x < 1.0 ? x : x - 1.0;
      }
      axes_[j].step = coordinate(kNativeDoubles);
    }
  }

  // The next points along one axis, folded by the baker's transform: 1 - |2 x - 1|.
  static MOGFIT_INLINE Share next(Axis& axis) {
    const Native centred = 2.0 * axis.x - 1.0;
    const Native rest = max(centred, -centred);
    const Native moved = axis.x + axis.step;
    axis.x = moved < 1.0 ? moved : moved - 1.0;
    return {1.0 - rest, rest};
  }

  // psi at the next points, with what the way back needs.
  MOGFIT_INLINE Native forward() {
    Native psi{};
    for (int i = 0; i < n_; ++i) {
      Variable& v = variables_[i];
      Native centre{};
      for (int j = 0; j < i; ++j) centre += slopes_[i * n_ + j] * variables_[j].z;
      const Interval& side = sides_[i];
      const bool two_sided = side.width < kInfinity;
      v.low = side.low - centre;
      v.high = two_sided ? side.high - centre : Native{};
      const Native low = v.low - tilt_[i];
      const Restriction r = two_sided ? between(low, v.high - tilt_[i], side.width) : above(low);
      v.mean = r.mean;
      v.at_low = (r.turned ? r.density_high : r.density_low) / r.mass;
      v.at_high = (r.turned ? r.density_low : r.density_high) / r.mass;
      psi += r.log_unit + log(r.mass);
      if (i + 1 == n_) break;
      const Draw drawn = draw(r, next(axes_[i]));
      v.z = tilt_[i] + drawn.value;
      v.by_low = drawn.by_low;
      v.by_high = drawn.by_high;
      psi += tilt_[i] * (0.5 * tilt_[i] - v.z);
    }
    return psi;
  }

  // Adjoints from the last variable to the first. With a_i and b_i the derivatives of psi in the
  // lower and in the upper side of z_i,
  //   d psi / d A_ij = -(a_i + b_i) z_j / A_ii,  d psi / d A_ii = -(a_i low_i + b_i high_i) / A_ii.
  MOGFIT_INLINE void backward(Native weight) {
    for (int i = 0; i < n_; ++i) variables_[i].adjoint = broadcast(-tilt_[i]);
    for (int i = n_ - 1; i >= 0; --i) {
      const Variable& v = variables_[i];
      // The last z is integrated out.
      const Native adjoint = i + 1 < n_ ? v.adjoint : Native{};
      const Native by_low = adjoint * v.by_low - v.at_low;
      const Native by_high = adjoint * v.by_high + v.at_high;
      // Their sum: when the sides are close to each other, they nearly cancel.
      const Native move = adjoint * (v.by_low + v.by_high) - v.mean;
      const double width = sides_[i].width;
      const Native stretch =
          width < 1.0 ? move * v.low + by_high * width : by_low * v.low + by_high * v.high;
      const Native weighted = weight * move;
      by_side_[i].value += weighted;
      by_factor_[i * n_ + i].value += weight * stretch;
      for (int j = 0; j < i; ++j) {
        by_factor_[i * n_ + j].value += weighted * variables_[j].z;
        variables_[j].adjoint -= slopes_[i * n_ + j] * move;
      }
    }
  }

  // Makes room for the largest of psi. Returns what sums kept elsewhere are to be multiplied with.
  double rescale(Native psi) {
    double largest = log_scale_;
    for (int lane = 0; lane < kNativeDoubles; ++lane) largest = std::max(largest, psi[lane]);
    const double ratio = std::exp(log_scale_ - largest);
    log_scale_ = largest;
    for (double& total : totals_) total *= ratio;
    for (Sum& sum : by_side_) sum.value *= ratio;
    for (Sum& sum : by_factor_) sum.value *= ratio;
    return ratio;
  }

  int n_;
  Matrix factor_;
  std::vector<Interval> sides_;  // of z_i where all z before are 0
  std::vector<double> slopes_;   // A_ij / A_ii
  std::vector<double> tilt_;
  std::vector<Variable> variables_;
  std::vector<Axis> axes_;
  double log_scale_ = -std::numeric_limits<double>::max();
  std::array<double, kShifts> totals_{};
  std::vector<Sum> by_side_;
  std::vector<Sum> by_factor_;
};

template <bool kDerivatives>
StandardMoments sum_lattice(const StandardBox& box, const LatticePlan& plan) {
  LatticeSum lattice(box, plan.tilt);
  for (int shift = 0; shift < kShifts; ++shift) lattice.add<kDerivatives>(shift, plan.points);
  StandardMoments result{};
  lattice.estimate(plan.points, result);
  if (kDerivatives) lattice.derivatives(result);
  return result;
}

}  // namespace

StandardMoments lattice_probability(const StandardBox& box, const LatticePlan& plan) {
  return sum_lattice<true>(box, plan);
}

LatticePlan plan_lattice(const StandardBox& box, double rtol) {
  // An estimate from eight shifts is itself uncertain, by 1 / sqrt(14) of it.
  const double goal = 0.75 * rtol;
  LatticePlan plan{minimax_tilting(box).tilt, kSmallest};
  while (plan.points < kLargest) {
    const double error = sum_lattice<false>(box, plan).error;
    if (!(error > goal)) break;
    // No faster than the square of the points; so that no size is skipped that would do.
    const double factor = std::exp2(std::max(1.0, std::ceil(0.5 * std::log2(error / goal))));
    plan.points = static_cast<int>(std::min<double>(kLargest, factor * plan.points));
  }
  return plan;
}

}  // namespace mogfit
