// Points seen in part, through noise and projected: every kind of pass against a loop in long
// double, in memory of exactly its size.
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "core_tests.hpp"
#include "data_pass.hpp"
#include "density.hpp"
#include "errors.hpp"
#include "layouts.hpp"
#include "observations.hpp"
#include "posterior.hpp"
#include "reference.hpp"

namespace mogfit::tests {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinite = std::numeric_limits<double>::infinity();

// How some points were seen, with the arrays behind it.
struct Case {
  Parameters<double> mixture;
  std::vector<double> values;  // N x M
  int seen;                    // M
  Noise noise = Noise::kNone;
  std::vector<double> errors;
  std::vector<double> projection;
  std::vector<double> weight;
  Layout layout;

  int n() const { return static_cast<int>(values.size()) / seen; }

  Observations observations() const {
    Observations o;
    o.points = layout.points();
    o.weight = weight.data();
    o.noise = noise;
    o.errors = errors.data();
    if (!projection.empty()) {
      o.projection = projection.data();
      o.projected_nvars = mixture.nvars;
      o.projection_stride = static_cast<std::int64_t>(seen) * mixture.nvars;
    }
    o.noisy = find_noisy_columns(o);
    o.patterns = find_patterns(o);
    return o;
  }

  // S_i, M x M; an infinite variance is that of a missing value.
  Real error(int i, int j, int l) const {
    const std::size_t m = seen;
    switch (noise) {
      case Noise::kNone: return 0.0L;
      case Noise::kShared: return errors[j * m + l];
      case Noise::kDeviations:
        return j == l ? static_cast<Real>(errors[i * m + j]) * errors[i * m + j] : 0.0L;
      case Noise::kCovariances: return errors[(i * m + j) * m + l];
    }
    return 0.0L;
  }
  Real row(int i, int j, int v) const {
    if (projection.empty()) return j == v ? 1.0L : 0.0L;
    return projection[(static_cast<std::size_t>(i) * seen + j) * mixture.nvars + v];
  }
};

// What the loop finds.
struct Expected {
  Real loglik = 0.0L;
  std::vector<Real> log_density, s0, s1, s2, means;
};

// log N(y; R mu, T) + log w, and E[x - mu | y] and Cov[x | y], of one point and component.
Real one_component(const Case& c, int i, int k, std::vector<Real>& shift,
                   std::vector<Real>& covariance) {
  const int d = c.mixture.nvars;
  const Parameters<Real> p = widen(c.mixture);
  std::vector<int> rows;
  for (int j = 0; j < c.seen; ++j)
    if (!std::isnan(c.values[i * c.seen + j]) &&
        std::isfinite(static_cast<double>(c.error(i, j, j))))
      rows.push_back(j);
  const int m = static_cast<int>(rows.size());
  std::vector<Real> cross(m * d), t(m * m), y(m);
  for (int a = 0; a < m; ++a) {
    y[a] = c.values[i * c.seen + rows[a]];
    for (int v = 0; v < d; ++v) {
      y[a] -= c.row(i, rows[a], v) * p.mean(k)[v];
      for (int u = 0; u < d; ++u)
        cross[a * d + v] += c.row(i, rows[a], u) * p.covariance(k)[u * d + v];
    }
  }
  for (int a = 0; a < m; ++a)
    for (int b = 0; b < m; ++b) {
      t[a * m + b] = c.error(i, rows[a], rows[b]);
      for (int v = 0; v < d; ++v) t[a * m + b] += cross[a * d + v] * c.row(i, rows[b], v);
    }
  const std::vector<Real> l = cholesky(t.data(), m);
  // Solves L z = column, for y and for the columns of `cross`.
  const auto solve = [&](std::vector<Real> column) {
    for (int a = 0; a < m; ++a) {
      for (int b = 0; b < a; ++b) column[a] -= l[a * m + b] * column[b];
      column[a] /= l[a * m + a];
    }
    return column;
  };
  const std::vector<Real> z = solve(y);
  std::vector<std::vector<Real>> columns;
  for (int v = 0; v < d; ++v) {
    std::vector<Real> column(m);
    for (int a = 0; a < m; ++a) column[a] = cross[a * d + v];
    columns.push_back(solve(column));
  }
  Real log_density = std::log(p.weights[k]) - 0.5L * log_determinant(l, m) -
                     0.5L * m * 1.837877066409345483560659472811235L;
  for (const Real value : z) log_density -= 0.5L * value * value;
  shift.assign(d, 0.0L);
  covariance.assign(p.covariance(k), p.covariance(k) + d * d);
  for (int v = 0; v < d; ++v)
    for (int a = 0; a < m; ++a) {
      shift[v] += columns[v][a] * z[a];
      for (int u = 0; u < d; ++u) covariance[v * d + u] -= columns[v][a] * columns[u][a];
    }
  return log_density;
}

Expected expect(const Case& c) {
  const int d = c.mixture.nvars;
  const int ngauss = c.mixture.ngauss;
  Expected e;
  e.s0.assign(ngauss, 0.0L);
  e.s1.assign(ngauss * d, 0.0L);
  e.s2.assign(ngauss * d * d, 0.0L);
  for (int i = 0; i < c.n(); ++i) {
    std::vector<std::vector<Real>> shifts(ngauss), covariances(ngauss);
    std::vector<Real> logs(ngauss);
    Real largest = -std::numeric_limits<Real>::infinity();
    for (int k = 0; k < ngauss; ++k) {
      logs[k] = one_component(c, i, k, shifts[k], covariances[k]);
      largest = std::fmax(largest, logs[k]);
    }
    Real sum = 0.0L;
    for (const Real value : logs) sum += std::exp(value - largest);
    const Real log_density = largest + std::log(sum);
    e.log_density.push_back(log_density);
    e.loglik += c.weight[i] * log_density;
    std::vector<Real> mean(d, 0.0L);
    for (int k = 0; k < ngauss; ++k) {
      const Real r = std::exp(logs[k] - log_density);
      e.s0[k] += c.weight[i] * r;
      for (int v = 0; v < d; ++v) {
        mean[v] += r * (c.mixture.mean(k)[v] + shifts[k][v]);
        e.s1[k * d + v] += c.weight[i] * r * shifts[k][v];
        for (int u = 0; u < d; ++u)
          e.s2[(k * d + v) * d + u] +=
              c.weight[i] * r * (shifts[k][v] * shifts[k][u] + covariances[k][v * d + u]);
      }
    }
    e.means.insert(e.means.end(), mean.begin(), mean.end());
  }
  return e;
}

std::vector<int> all_variables(int d) {
  std::vector<int> variables(d);
  for (int v = 0; v < d; ++v) variables[v] = v;
  return variables;
}

void check_case(const Case& c, const std::string& what) {
  constexpr double kTolerance = 1e-10;
  const int d = c.mixture.nvars;
  const PreparedMixture mixture = prepare(c.mixture);
  const Observations seen = c.observations();
  const Expected expected = expect(c);
  const double scale = c.n() * kTolerance;
  const Moments moments = data_pass(mixture, seen, 1);
  check_close(moments.loglik, expected.loglik, kTolerance, what + " log-likelihood");
  check_close(log_likelihood(mixture, seen, 1), expected.loglik, kTolerance, what + " alone");
  for (int k = 0; k < c.mixture.ngauss; ++k) {
    check_close(moments.s0[k], expected.s0[k], scale, what + " S0");
    for (int v = 0; v < d; ++v) {
      check_close(moments.s1(k, v), expected.s1[k * d + v], scale, what + " S1");
      for (int u = 0; u < d; ++u)
        check_close(moments.s2[k](v, u), expected.s2[(k * d + v) * d + u], scale, what + " S2");
    }
  }
  std::vector<double> log_density(c.n());
  density(mixture, seen, DensityKind::kLog, log_density.data(), 1);
  std::vector<double> means(static_cast<std::size_t>(c.n()) * d), draws(means.size());
  std::vector<double> covariances(means.size() * d);
  posterior(mixture, seen, all_variables(d), means.data(), covariances.data(), 1);
  posterior_draws(mixture, seen, 7, draws.data(), 1);
  for (int i = 0; i < c.n(); ++i) {
    check_close(log_density[i], expected.log_density[i], kTolerance, what + " log density");
    for (int v = 0; v < d; ++v) {
      check_close(means[i * d + v], expected.means[i * d + v], kTolerance, what + " mean");
      check(covariances[(i * d + v) * d + v] >= -1e-12, what + " variance");
      check(std::isfinite(draws[i * d + v]), what + " draw");
    }
  }
  std::vector<double> again(means.size());
  for (const int threads : {2, 5}) {
    const Moments others = data_pass(mixture, seen, threads);
    check(others.loglik == moments.loglik && others.s1 == moments.s1 && others.s2 == moments.s2,
          what + " threads");
    posterior(mixture, seen, all_variables(d), again.data(), nullptr, threads);
    check_same_bits(again, means, what + " means on threads");
  }
}

void knock_out(Numbers& numbers, std::vector<double>& values, double share) {
  for (double& value : values)
    if (numbers.uniform(0.0, 1.0) < share) value = kNan;
}

// S = A A^T of n random points.
std::vector<double> random_covariances(Numbers& numbers, int n, int m) {
  std::vector<double> all;
  for (int i = 0; i < n; ++i) {
    const std::vector<double> a = numbers.uniforms(static_cast<std::size_t>(m) * m, -0.6, 0.6);
    for (int j = 0; j < m; ++j)
      for (int l = 0; l < m; ++l) {
        double sum = 0.0;
        for (int q = 0; q < m; ++q) sum += a[j * m + q] * a[l * m + q];
        all.push_back(sum);
      }
  }
  return all;
}

Case make_case(int n, int d, int ngauss, Noise noise, double missing, int projected) {
  Numbers numbers(1 + 1000 * d + 100 * ngauss + 10 * static_cast<int>(noise) + projected + n);
  const int m = projected ? projected : d;
  Parameters<double> mixture = numbers.mixture(ngauss, d);
  std::vector<double> values = numbers.uniforms(static_cast<std::size_t>(n) * m, -4.0, 4.0);
  knock_out(numbers, values, missing);
  std::vector<double> errors, projection;
  if (noise == Noise::kShared) errors = random_covariances(numbers, 1, m);
  if (noise == Noise::kCovariances) errors = random_covariances(numbers, n, m);
  if (noise == Noise::kDeviations) {
    errors = numbers.uniforms(static_cast<std::size_t>(n) * m, 0.0, 2.0);
    if (missing > 0.0)
      for (std::size_t i = 0; i < errors.size(); i += 7) errors[i] = kInfinite;
  }
  if (projected) projection = numbers.uniforms(static_cast<std::size_t>(n) * m * d, -1.0, 1.0);
  std::vector<double> weight = numbers.uniforms(n, 0.0, 3.0);
  for (int i = 0; i < n; i += 4) weight[i] = 0.0;
  Layout layout = row_major(values, m);
  return {mixture, values, m, noise, errors, projection, weight, layout};
}

std::string name_of(int n, int d, int ngauss, Noise noise, double missing, int projected) {
  return "observations n=" + std::to_string(n) + " d=" + std::to_string(d) +
         " K=" + std::to_string(ngauss) + " noise=" + std::to_string(static_cast<int>(noise)) +
         (missing > 0.0 ? " missing" : "") + " M=" + std::to_string(projected);
}

// A domain: what was seen tells of the variable that is missing by one dimension's quadrature.
void test_domain() {
  const Parameters<double> p{1, 2, {1.0}, {0.3, -0.2}, {1.0, 0.6, 0.6, 1.5}};
  const PreparedMixture free = prepare(p);
  const double lowest = -std::numeric_limits<double>::infinity();
  Vector lower(2), upper(2);
  lower << lowest, -1.0;
  upper << kInfinite, 0.5;
  const PreparedMixture mixture = free.with_box({lower, upper});
  const std::vector<double> values = {0.7, kNan};
  const Layout layout = row_major(values, 2);
  Observations seen;
  seen.points = layout.points();
  seen.patterns = find_patterns(seen);
  double mean[2];
  posterior(mixture, seen, all_variables(2), mean, nullptr, 1);
  // x_2 given x_1 is N(m, s^2) between the bounds.
  const double m = -0.2 + 0.6 * (0.7 - 0.3);
  const double s = std::sqrt(1.5 - 0.36);
  long double mass = 0.0L, first = 0.0L;
  constexpr int kSteps = 200000;
  for (int i = 0; i < kSteps; ++i) {
    const double x = -1.0 + 1.5 * (i + 0.5) / kSteps;
    const long double weight = std::exp(-0.5L * (x - m) * (x - m) / (s * s));
    mass += weight;
    first += weight * x;
  }
  check_close(mean[0], 0.7L, 0.0, "a value seen in a domain");
  check_close(mean[1], first / mass, 1e-9, "a value missing in a domain");

  // More bounded variables than quadrature takes.
  Numbers numbers(5);
  const PreparedMixture wide = prepare(numbers.mixture(2, 6));
  const PreparedMixture boxed =
      wide.with_box({Vector::Constant(6, -9.0), Vector::Constant(6, 9.0)});
  const Layout blank = row_major({0.0, kNan, kNan, kNan, kNan, kNan}, 6);
  Observations few;
  few.points = blank.points();
  few.patterns = find_patterns(few);
  check_throws<NotImplementedError>([&] { data_pass(boxed, few, 1); }, "bounded variables",
                                    "too many bounded variables");
}

}  // namespace

void test_observations() {
  for (const int d : {1, 2, 3, 6, 7})
    for (const Noise noise :
         {Noise::kNone, Noise::kShared, Noise::kDeviations, Noise::kCovariances})
      for (const double missing : {0.0, 0.3})
        check_case(make_case(131, d, 3, noise, missing, 0), name_of(131, d, 3, noise, missing, 0));
  for (const Noise noise : {Noise::kShared, Noise::kDeviations, Noise::kCovariances})
    for (const int projected : {2, 4})
      check_case(make_case(33, 3, 2, noise, 0.2, projected),
                 name_of(33, 3, 2, noise, 0.2, projected));
  check_case(make_case(1, 2, 1, Noise::kDeviations, 0.0, 0), "one noisy point");
  check_case(make_case(5, 3, 1, Noise::kNone, 1.0, 0), "nothing seen");
  test_domain();
}

}  // namespace mogfit::tests
