// Gradients, EM, the whitened coordinates, the descent and its starts.
#include <algorithm>
#include <cmath>
#include <limits>

#include "check.hpp"
#include "core_tests.hpp"
#include "em.hpp"
#include "errors.hpp"
#include "layouts.hpp"
#include "lbfgs.hpp"
#include "pullback.hpp"
#include "reference.hpp"
#include "sampling.hpp"
#include "starts.hpp"
#include "whitened_coordinates.hpp"

namespace mogfit::tests {

namespace {

std::string name_of(int d, int ngauss) {
  return "d=" + std::to_string(d) + " K=" + std::to_string(ngauss);
}

// A data set, a mixture that does not fit it, weights and a penalty.
struct Problem {
  int n;
  Parameters<double> p;
  std::vector<double> x;
  std::vector<double> weight;
  std::vector<double> scatter;  // S of the penalty
  Layout layout;
  Penalty penalty;

  Problem(int points, int d, int ngauss, double strength)
      : n(points), p(Numbers(d + 50 * ngauss).mixture(ngauss, d)), layout(row_major({}, d)) {
    Numbers numbers(7 * d + ngauss);
    x = numbers.uniforms(static_cast<std::size_t>(n) * d, -3.0, 3.0);
    weight = numbers.uniforms(n, 0.0, 2.0);
    scatter = numbers.mixture(1, d).covariances;
    layout = row_major(x, d);
    penalty.strength = strength;
    penalty.reference = Eigen::Map<const Matrix>(scatter.data(), d, d);
    for (const double w : weight) penalty.total += w;
  }

  Moments moments(const PreparedMixture& mixture) const {
    return data_pass(mixture, {layout.points(), weight.data()}, 1);
  }

  // loglik - penalty, with weights divided by their sum.
  Real objective(Parameters<Real> at) const {
    Real total = 0.0L;
    for (const Real w : at.weights) total += w;
    for (Real& w : at.weights) w /= total;
    return reference_pass(at, x, weight).loglik -
           reference_penalty(at, penalty.strength, penalty.total, scatter);
  }
};

// Symmetric difference of the objective when `move(parameters, t)` shifts one number by t.
template <typename Move>
Real difference(const Problem& problem, const Move& move) {
  constexpr Real kStep = 1e-6L;
  Parameters<Real> up = widen(problem.p);
  Parameters<Real> down = up;
  move(up, kStep);
  move(down, -kStep);
  return (problem.objective(up) - problem.objective(down)) / (2.0L * kStep);
}

void set_from_factor(Parameters<Real>& p, int k, const std::vector<Real>& l) {
  const int d = p.nvars;
  for (int i = 0; i < d; ++i)
    for (int j = 0; j < d; ++j) {
      Real sum = 0.0L;
      for (int m = 0; m < d; ++m) sum += l[i * d + m] * l[j * d + m];
      p.covariances[(k * d + i) * d + j] = sum;
    }
}

void test_gradients(int d, int ngauss, double strength) {
  const std::string what = "gradient " + name_of(d, ngauss);
  const Problem problem(60, d, ngauss, strength);
  const PreparedMixture mixture = prepare(problem.p);
  const Moments moments = problem.moments(mixture);
  const FactorGradient factors = gradient_factors(mixture, moments, problem.penalty);
  const StdcorrGradient stdcorr = gradient_stdcorr(mixture, moments, problem.penalty);
  constexpr double kTolerance = 1e-8;
  for (int k = 0; k < ngauss; ++k) {
    const auto by_logit = [&](Parameters<Real>& p, Real t) { p.weights[k] *= std::exp(t); };
    check_close(factors.log_weights[k], difference(problem, by_logit), kTolerance,
                what + " log weight");
    const auto by_weight = [&](Parameters<Real>& p, Real t) { p.weights[k] += t; };
    check_close(stdcorr.weights[k], difference(problem, by_weight), kTolerance, what + " weight");
    int pair = 0;
    for (int j = 0; j < d; ++j) {
      const auto by_mean = [&](Parameters<Real>& p, Real t) { p.means[k * d + j] += t; };
      const Real mean = difference(problem, by_mean);
      check_close(factors.means(k, j), mean, kTolerance, what + " mean");
      check_close(stdcorr.mus(k, j), mean, kTolerance, what + " mu");
      for (int l = 0; l <= j; ++l) {
        const auto by_factor = [&](Parameters<Real>& p, Real t) {
          std::vector<Real> factor = cholesky(p.covariance(k), d);
          factor[j * d + l] += t;
          set_from_factor(p, k, factor);
        };
        check_close(factors.factors[k](j, l), difference(problem, by_factor), kTolerance,
                    what + " factor");
      }
      const auto by_sigma = [&](Parameters<Real>& p, Real t) {
        Real* const sigma = p.covariances.data() + static_cast<std::size_t>(k) * d * d;
        const Real stretch = 1.0L + t / std::sqrt(sigma[j * d + j]);
        for (int l = 0; l < d; ++l) {
          sigma[j * d + l] *= stretch;
          sigma[l * d + j] *= stretch;
        }
      };
      check_close(stdcorr.sigmas(k, j), difference(problem, by_sigma), kTolerance, what + " sigma");
      for (int l = j + 1; l < d; ++l) {
        const auto by_rho = [&](Parameters<Real>& p, Real t) {
          Real* const sigma = p.covariances.data() + static_cast<std::size_t>(k) * d * d;
          const Real shift = t * std::sqrt(sigma[j * d + j] * sigma[l * d + l]);
          sigma[j * d + l] += shift;
          sigma[l * d + j] += shift;
        };
        check_close(stdcorr.rhos(k, pair++), difference(problem, by_rho), kTolerance,
                    what + " rho");
      }
    }
  }
}

void test_em(int d, int ngauss, double strength) {
  const std::string what = "EM " + name_of(d, ngauss);
  const Problem problem(400, d, ngauss, strength);
  const PreparedMixture mixture = prepare(problem.p);
  const ReferencePass pass = reference_pass(widen(problem.p), problem.x, problem.weight);
  const PreparedMixture next = maximise(mixture, problem.moments(mixture), problem.penalty);
  const Real pseudo = 2.0L * strength * problem.penalty.total;
  Real total = 0.0L;
  for (const Real s0 : pass.s0) total += s0;
  for (int k = 0; k < ngauss; ++k) {
    const Real s0 = pass.s0[k];
    check_close(std::exp(next.log_weights()[k]), s0 / total, 1e-11, what + " weight");
    const Matrix covariance = next.covariance(k);
    for (int j = 0; j < d; ++j) {
      const Real shift = pass.s1[k * d + j] / s0;
      check_close(next.means()(k, j), problem.p.means[k * d + j] + shift, 1e-11, what + " mean");
      for (int l = 0; l < d; ++l) {
        const Real scatter = pass.s2[(k * d + j) * d + l] - shift * pass.s1[k * d + l];
        check_close(covariance(j, l),
                    (scatter + pseudo * problem.scatter[j * d + l]) / (s0 + pseudo), 1e-11,
                    what + " covariance");
      }
    }
  }

  // Many steps are one step many times, and never lose.
  double before = -std::numeric_limits<double>::infinity();
  PreparedMixture by_hand = mixture;
  for (int step = 1; step <= 5; ++step) {
    const EmResult run = em_run(mixture, {problem.layout.points(), problem.weight.data()},
                                problem.penalty, step, -1.0, 1);
    by_hand = maximise(by_hand, problem.moments(by_hand), problem.penalty);
    check(run.steps() == step && run.mixture.means() == by_hand.means(), what + " steps");
    // At K = 1 the first step arrives, and the next ones change the last bit only.
    check(run.loglik() >= before - 1e-13 * std::abs(run.loglik()), what + " gains");
    before = run.loglik();
  }
  const EmResult patient = em_run(mixture, {problem.layout.points(), problem.weight.data()},
                                  problem.penalty, 100, 1e9, 1);
  check(patient.steps() == 2, what + " stops at its tolerance");
}

void test_em_corner_cases() {
  // All points on one spot: without a penalty the covariance collapses.
  const Layout spot = row_major(std::vector<double>(20, 1.0), 2);
  const PreparedMixture mixture = prepare({1, 2, {1.0}, {0.0, 0.0}, {1.0, 0.0, 0.0, 1.0}});
  const auto step = [&](double strength) {
    Penalty penalty;
    penalty.strength = strength;
    penalty.total = 10.0;
    penalty.reference = Matrix::Identity(2, 2);
    return em_run(mixture, {spot.points(), nullptr}, penalty, 1, -1.0, 1).mixture;
  };
  check_throws<DegenerateError>([&] { step(0.0); }, "component 0", "collapse");
  check_close(step(1e-3).covariance(0)(0, 0), 0.02L / 10.02L, 1e-12, "collapse held up");

  // A component out of reach of every point keeps its place with weight 0.
  const PreparedMixture far = prepare({2, 1, {0.5, 0.5}, {0.0, 1e5}, {1.0, 1.0}});
  const Layout near = row_major({-1.0, 0.5, 1.5}, 1);
  const PreparedMixture next = em_run(far, {near.points(), nullptr}, {}, 1, -1.0, 1).mixture;
  check(std::isinf(next.log_weights()[1]) && next.means()(1, 0) == 1e5, "empty component");
  check_throws<InputError>([&] { WhitenedCoordinates coordinates(next); }, "positive weight",
                           "anchor with an empty component");
}

// The mixture as plain numbers again.
Parameters<Real> read(const PreparedMixture& mixture) {
  Parameters<Real> p{mixture.ngauss(), mixture.nvars(), {}, {}, {}};
  for (int k = 0; k < p.ngauss; ++k) {
    p.weights.push_back(std::exp(static_cast<Real>(mixture.log_weights()[k])));
    for (int j = 0; j < p.nvars; ++j) p.means.push_back(mixture.means()(k, j));
    std::vector<Real> factor(mixture.factor(k).data(),
                             mixture.factor(k).data() + p.nvars * p.nvars);
    p.covariances.resize(p.covariances.size() + factor.size());
    set_from_factor(p, k, factor);
  }
  return p;
}

void test_whitened(int d, int ngauss) {
  const std::string what = "whitened " + name_of(d, ngauss);
  const Problem problem(50, d, ngauss, 1e-3);
  const PreparedMixture anchor = prepare(problem.p);
  const WhitenedCoordinates coordinates(anchor);
  Vector theta = Vector::Zero(coordinates.size());
  const PreparedMixture same = coordinates.mixture(theta.data());
  check((same.means() - anchor.means()).norm() < 1e-13 &&
            (same.log_weights() - anchor.log_weights()).norm() < 1e-13,
        what + " zero is the anchor");

  Numbers numbers(d);
  for (double& t : theta) t = numbers.uniform(-0.05, 0.05);
  const PreparedMixture at = coordinates.mixture(theta.data());
  const Vector gradient =
      coordinates.gradient(theta.data(), at, problem.moments(at), problem.penalty);
  const Vector direction = gradient.normalized();
  check(coordinates.longest_step(theta, direction) > 0.0, what + " longest step");
  for (int i = 0; i < coordinates.size(); ++i) {
    constexpr double kStep = 1e-5;
    const auto moved = [&](double t) {
      Vector there = theta;
      there[i] += t;
      return problem.objective(read(coordinates.mixture(there.data())));
    };
    const Real slope = (moved(kStep) - moved(-kStep)) / (2.0L * kStep);
    check_close(gradient[i], slope, 1e-6, what + " gradient");
  }
}

// Points of a known mixture.
Layout draw(const PreparedMixture& mixture, int n) {
  std::vector<double> x(static_cast<std::size_t>(n) * mixture.nvars());
  std::vector<std::int64_t> labels(n);
  sample(mixture, n, 5, x.data(), labels.data(), 1);
  return row_major(x, mixture.nvars());
}

void test_descent() {
  const PreparedMixture truth =
      prepare({2, 2, {0.3, 0.7}, {-2, 0, 2, 1}, {1, 0.3, 0.3, 0.5, 0.4, -0.2, -0.2, 1}});
  const Layout data = draw(truth, 20000);
  const Layout few = draw(truth, 1500);
  const PreparedMixture start =
      prepare({2, 2, {0.5, 0.5}, {-1, -1, 1, 1}, {2, 0, 0, 2, 2, 0, 0, 2}});
  const Sample all{{data.points(), nullptr}, 20000.0, 1e-7};
  const Sample first{{few.points(), nullptr}, 1500.0, 1e-3};
  Penalty penalty;
  const DescentOptions options;
  for (const auto& samples : {std::vector<Sample>{all}, std::vector<Sample>{first, all}}) {
    const Descent found = descend(start, samples, penalty, options, 1);
    check(found.ending == Ending::kConverged && found.gradient_norm <= 1e-7, "descent converges");
    check(std::abs(found.em_gain) < 1e-6, "nothing is left for EM");
    check_close(found.loglik, -20000.0L * found.objective, 1e-12, "descent's likelihood");
    check(found.passes > 1.0 && found.passes < 10.0 * found.iterations, "descent's passes");
    check(found.loglik >= log_likelihood(truth, {data.points(), nullptr}, 1), "above the truth");
    check((found.mixture.means() - truth.means()).cwiseAbs().maxCoeff() < 0.1, "finds the truth");
    const Descent threaded = descend(start, samples, penalty, options, 3);
    check(threaded.mixture.means() == found.mixture.means() && threaded.loglik == found.loglik,
          "descent is the same on three threads");
  }

  DescentOptions short_options;
  short_options.max_iterations = 3;
  const Descent cut = descend(start, {all}, penalty, short_options, 1);
  check(cut.ending == Ending::kIterationLimit && cut.iterations == 3, "iteration limit");
  int seen = 0;
  const Descent watched =
      descend(start, {all}, penalty, options, 1, {},
              [&](int, double, double, const PreparedMixture&) { return ++seen < 4; });
  check(watched.ending == Ending::kStoppedByCaller && watched.iterations == 4, "observer stops");
  short_options.max_iterations = 1000;
  short_options.decrease_tolerance = 1e-2;
  check(descend(start, {all}, penalty, short_options, 1).ending == Ending::kSmallDecrease,
        "small decrease");

  const PreparedMixture out_of_reach = prepare({1, 2, {1.0}, {1e200, 0.0}, {1e-100, 0, 0, 1e-100}});
  check_throws<InputError>([&] { descend(out_of_reach, {all}, penalty, options, 1); }, "start",
                           "start out of reach");

  // Fewer distinct points than a covariance needs: the penalty holds it up.
  const Layout three = row_major({0, 0, 1, 0, 0, 1}, 2);
  penalty.strength = 1e-4;
  penalty.reference = Matrix::Identity(2, 2) * (2.0 / 9.0);
  const Sample tiny{{three.points(), nullptr}, 3.0, 1e-6};
  const Descent held = descend(start, {tiny}, penalty, options, 1);
  check(std::isfinite(held.objective) && held.mixture.means().allFinite(), "penalised descent");
}

void test_starts(int n, int d, int ngauss, bool weighted) {
  const std::string what = "start N=" + std::to_string(n) + " " + name_of(d, ngauss);
  Numbers numbers(n + d);
  const std::vector<double> x = numbers.uniforms(static_cast<std::size_t>(n) * d, 5.0, 9.0);
  std::vector<double> weight = numbers.uniforms(n, 0.0, 2.0);
  for (int i = 0; i + 1 < n; i += 2) weight[i] = 0.0;
  const std::vector<double> location(d, 7.0);
  const std::vector<double> scale(d, 1.2);
  const Matrix covariance = Matrix::Identity(d, d) * 1.4;
  const StartOptions options{location.data(), scale.data(), &covariance, 2.0, 3};
  for (const Layout& layout : all_layouts(x, d))
    for (const std::uint64_t stream : {0, 1}) {
      const PreparedMixture start = kmeans_start(
          layout.points(), weighted ? weight.data() : nullptr, ngauss, options, 3, stream);
      check_close(start.log_weights().array().exp().sum(), 1.0L, 1e-14, what + " weights");
      check(start.means().minCoeff() >= 5.0 && start.means().maxCoeff() <= 9.0,
            what + " means lie among the data");
    }
}

}  // namespace

void test_fitting() {
  for (const double strength : {0.0, 1e-3})
    for (const auto& [d, ngauss] : {std::pair{1, 1}, {1, 3}, {2, 2}, {3, 4}, {5, 2}}) {
      test_gradients(d, ngauss, strength);
      test_em(d, ngauss, strength);
    }
  test_gradients(17, 2, 0.0);
  test_em(17, 2, 0.0);
  test_em_corner_cases();
  for (const auto& [d, ngauss] : {std::pair{1, 1}, {1, 4}, {2, 3}, {4, 2}, {18, 1}})
    test_whitened(d, ngauss);
  test_descent();
  for (const auto& [n, d] : {std::pair{1, 1}, {7, 2}, {129, 3}, {300, 17}})
    for (const int ngauss : {1, 2, 9})
      for (const bool weighted : {false, true}) test_starts(n, d, ngauss, weighted);
}

}  // namespace mogfit::tests
