// Points of a truncated mixture of which bounded variables are missing or seen through noise. With
// T = R Sigma R^T + S = C C^T and A = C^-1 R Sigma, what is not known of x given y is
//   x | y, k ~ N(b, B) inside the box,  b = mu + A^T C^-1 (y - R mu),  B = F Sigma F^T + K S K^T
// (K = Sigma R^T T^-1, F = I - K R: no digit is lost where noise is small),
// and with P, t and E the probability of the box, E[x - b] and E[(x - b) (x - b)^T] - B inside it
//   p_k(y) = N(y; R mu, T) P / Z_k,
//   E[x - mu | y] = m + t,  E[(x - mu) (x - mu)^T | y] = B + E + m m^T + m t^T + t m^T,  m = b -
//   mu.
#include <Eigen/Cholesky>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "box_probability.hpp"
#include "errors.hpp"
#include "score_kernel.hpp"

namespace mogfit {

namespace {

// A variable whose variance given projections is this part of its variance is known: the square of
// the rounding error of F.
constexpr double kKnown = 1e-26;

// A pivot of a correlation matrix that is the square root of its rounding error is none.
constexpr double kPivot = 1e-7;

// How far a known variable may be outside its bounds, in its standard deviations, by rounding.
constexpr double kSlack = 1e-10;

// The lower Cholesky factor by way of the correlations, so that units cost no accuracy; nothing
// where there is none.
std::optional<Matrix> cholesky(const Matrix& covariance) {
  const Vector unit = covariance.diagonal().cwiseSqrt();
  const Vector inverse = unit.cwiseInverse();
  const Eigen::LLT<Matrix> llt(inverse.asDiagonal() * covariance * inverse.asDiagonal());
  const Matrix factor = llt.matrixL();
  if (llt.info() != Eigen::Success || !(factor.diagonal().array() > kPivot).all()) return {};
  return Matrix(unit.asDiagonal() * factor);
}

// One point as it was seen.
struct Seen {
  Vector y;
  Matrix noise;
  Matrix projection;
};

// What it tells of x in one component.
struct Told {
  double log_density;  // log N(y; R mu, T) P
  Vector mean;         // E[x - mu | y]
  Matrix covariance;   // Cov[x | y]
};

// x | y, k before it is truncated.
struct Given {
  double log_density;        // log N(y; R mu, T)
  Vector shift;              // m = b - mu
  Matrix covariance;         // B, 0 for variables that are known
  std::vector<int> unknown;  // the others
  bool outside;              // whether a known one is outside its bounds
};

// The unknown variables of it, and their box.
struct Rest {
  Box box;
  Vector mean;
  Matrix factor;
};

class BoxedKernel final : public ScoreKernel {
 public:
  BoxedKernel(const PreparedMixture& mixture, const SeenThrough& seen,
              const std::vector<int>& columns, const Box& box, Kept kept)
      : ScoreKernel(mixture.ngauss(), seen.nvars, kept),
        mixture_(mixture),
        seen_(seen),
        columns_(columns),
        box_(box) {
    for (int k = 0; k < mixture.ngauss(); ++k) covariances_.push_back(mixture.covariance(k));
  }

  void log_joint(const double* x, int registers, double* exponents, double* largest) override {
    for (int i = 0; i < registers * kNativeDoubles; ++i) {
      const Seen seen = read(x + i);
      largest[i] = std::numeric_limits<double>::lowest();
      for (int k = 0; k < mixture_.ngauss(); ++k) {
        const Told told = tell(seen, k);
        const double exponent = (mixture_.log_weights()[k] + told.log_density) * kLog2E;
        exponents[k * kColumn + i] = exponent;
        largest[i] = std::max(largest[i], exponent);
        if (kept_ != Kept::kDensities) keep(told, k, i);
      }
    }
  }

  std::optional<Remainder> remainder(const double* x, int k) const override {
    const Given given = condition(read(x), k);
    Remainder remainder{mixture_.means().row(k).transpose() + given.shift, given.unknown, {}};
    if (given.unknown.empty()) return remainder;
    const Rest rest = rest_of(given, k);
    const double log_weight = 0.0;
    remainder.rest = std::make_shared<PreparedMixture>(
        PreparedMixture::from_factors(1, static_cast<int>(given.unknown.size()), &log_weight,
                                      rest.mean.data(), rest.factor.data())
            .with_box(rest.box));
    return remainder;
  }

 private:
  Seen read(const double* x) const {
    const int m = seen_.seen;
    const int d = seen_.nvars;
    Seen seen{Vector(m), Matrix::Zero(m, m), Matrix::Zero(m, d)};
    const auto next = [&x] {
      const double value = *x;
      x += kColumn;
      return value;
    };
    for (int j = 0; j < m; ++j) seen.y[j] = next();
    for (int j = 0; j < m; ++j) {
      for (int l = seen_.full ? 0 : j; l <= j; ++l) seen.noise(j, l) = seen.noise(l, j) = next();
    }
    for (int j = 0; j < m; ++j) {
      if (seen_.projected)
        for (int v = 0; v < d; ++v) seen.projection(j, v) = next();
      else
        seen.projection(j, columns_[j]) = 1.0;
    }
    return seen;
  }

  // x | y, k without the box, and which variables that leaves unknown.
  Given condition(const Seen& seen, int k) const {
    constexpr double kLog2Pi = 1.8378770664093454836;
    const Matrix& sigma = covariances_[k];
    const Vector mu = mixture_.means().row(k).transpose();
    const Matrix projected = seen.projection * sigma;
    const std::optional<Matrix> c = cholesky(projected * seen.projection.transpose() + seen.noise);
    if (!c) throw DegenerateError("data: what was seen of a point has a singular covariance");
    const auto lower = c->triangularView<Eigen::Lower>();
    const Vector z = lower.solve(seen.y - seen.projection * mu);
    // K = Sigma R^T T^-1, and F = I - K R, whose rows of what was seen as it is are those of S
    // T^-1.
    const Matrix gain = lower.transpose().solve(lower.solve(projected)).transpose();
    Matrix rest = Matrix::Identity(seen_.nvars, seen_.nvars) - gain * seen.projection;
    if (!seen_.projected) {
      const Matrix left = lower.transpose().solve(lower.solve(seen.noise)).transpose();
      for (int j = 0; j < seen_.seen; ++j) {
        rest.row(columns_[j]).setZero();
        for (int l = 0; l < seen_.seen; ++l) rest(columns_[j], columns_[l]) = left(j, l);
      }
    }
    Given given{
        -0.5 * z.squaredNorm() - c->diagonal().array().log().sum() - 0.5 * seen_.seen * kLog2Pi,
        lower.solve(projected).transpose() * z,
        rest * sigma * rest.transpose() + gain * seen.noise * gain.transpose(),
        {},
        false};
    std::vector<int> place(seen_.nvars, -1);
    if (!seen_.projected)
      for (int j = 0; j < seen_.seen; ++j)
        if (seen.noise(j, j) == 0.0) place[columns_[j]] = j;
    for (int v = 0; v < seen_.nvars; ++v) {
      const bool known =
          place[v] >= 0 || (seen_.projected && given.covariance(v, v) <= kKnown * sigma(v, v));
      if (!known) {
        given.unknown.push_back(v);
        continue;
      }
      given.covariance.row(v).setZero();
      given.covariance.col(v).setZero();
      const double slack = place[v] < 0 ? kSlack * std::sqrt(sigma(v, v)) : 0.0;
      const double value = place[v] < 0 ? mu[v] + given.shift[v] : seen.y[place[v]];
      given.shift[v] = value - mu[v];
      given.outside =
          given.outside || value < box_.lower[v] - slack || value > box_.upper[v] + slack;
    }
    // Rounding differs between the triangles.
    given.covariance.triangularView<Eigen::StrictlyUpper>() = given.covariance.transpose();
    return given;
  }

  // The normal of the unknown variables, before it is truncated, and their box.
  Rest rest_of(const Given& given, int k) const {
    const int count = static_cast<int>(given.unknown.size());
    Rest rest{{Vector(count), Vector(count)}, Vector(count), Matrix(count, count)};
    Matrix covariance(count, count);
    for (int u = 0; u < count; ++u) {
      const int variable = given.unknown[u];
      rest.box.lower[u] = box_.lower[variable];
      rest.box.upper[u] = box_.upper[variable];
      rest.mean[u] = mixture_.means()(k, variable) + given.shift[variable];
      for (int v = 0; v < count; ++v)
        covariance(u, v) = given.covariance(variable, given.unknown[v]);
    }
    const std::optional<Matrix> factor = cholesky(covariance);
    if (!factor)
      throw NotImplementedError(
          "domain: what was seen of a point, without noise, leaves its variables on a line or a "
          "plane inside the domain, whose probability is not computed; give the errors, or leave "
          "out the domain");
    rest.factor = *factor;
    return rest;
  }

  Told tell(const Seen& seen, int k) const {
    const Given given = condition(seen, k);
    Told told{given.log_density, given.shift, given.covariance};
    if (given.outside) {
      told.log_density = -std::numeric_limits<double>::infinity();
      return told;
    }
    if (given.unknown.empty()) return told;
    const Rest rest = rest_of(given, k);
    const BoxProbability inside = box_probability(rest.box, rest.mean, rest.factor, {});
    told.log_density += inside.log_probability;
    const int count = static_cast<int>(given.unknown.size());
    for (int u = 0; u < count; ++u) {
      told.mean[given.unknown[u]] += inside.mean[u];
      for (int v = 0; v < count; ++v)
        told.covariance(given.unknown[u], given.unknown[v]) +=
            inside.excess(u, v) - inside.mean[u] * inside.mean[v];
    }
    return told;
  }

  void keep(const Told& told, int k, int i) {
    const Matrix& whitening = mixture_.whitening(k);
    const int d = seen_.nvars;
    const Vector g = whitening * told.mean;
    Matrix second = told.covariance;
    if (kept_ == Kept::kScores) {
      second = whitening * second * whitening.transpose() + g * g.transpose();
      second.diagonal().array() -= 1.0;
    }
    int m = 0;
    for (int v = 0; v < d; ++v) score(k, m++)[i] = g[v];
    for (int v = 0; v < d; ++v)
      for (int w = 0; w <= v; ++w) score(k, m++)[i] = second(v, w);
  }

  const PreparedMixture& mixture_;
  SeenThrough seen_;
  std::vector<int> columns_;
  Box box_;
  std::vector<Matrix> covariances_;
};

}  // namespace

std::unique_ptr<ScoreKernel> boxed_kernel(const PreparedMixture& mixture, const SeenThrough& seen,
                                          const std::vector<int>& columns, const Box& box,
                                          Kept kept) {
  return std::make_unique<BoxedKernel>(mixture, seen, columns, box, kept);
}

}  // namespace mogfit
