// Families of covariances, priors, ridges and held parameters.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "check.hpp"
#include "core_tests.hpp"
#include "em.hpp"
#include "errors.hpp"
#include "layouts.hpp"
#include "lbfgs.hpp"
#include "reference.hpp"
#include "sampling.hpp"
#include "whitened_coordinates.hpp"

namespace mogfit::tests {

namespace {

constexpr Structure kAll[] = {Structure::kFull, Structure::kDiag,     Structure::kSpherical,
                              Structure::kTied, Structure::kTiedDiag, Structure::kTiedSpherical};

Prior some_prior(int ngauss, int nvars) {
  return {Vector::LinSpaced(ngauss, 1.0, 2.0), Vector::Constant(nvars, 0.3), 0.7, nvars + 2.5,
          Matrix::Identity(nvars, nvars)};
}

// Holds one parameter of each kind, and the covariance of all where they are tied.
Held some_held(int ngauss, bool tied) {
  Held held;
  held.weights.assign(ngauss, 0);
  held.means.assign(ngauss, 0);
  held.covariances.assign(ngauss, tied ? 1 : 0);
  held.weights[0] = held.means[1] = held.covariances[ngauss - 1] = 1;
  return held;
}

// Points drawn from a mixture of the family, and a start that is not it.
struct Problem {
  PreparedMixture truth;
  std::vector<double> x;
  std::vector<double> weight;
  Layout layout;

  Problem(Structure structure, int d, int ngauss, int n)
      : truth(constrained(prepare(Numbers(d + 50 * ngauss).mixture(ngauss, d)), structure)),
        x(static_cast<std::size_t>(n) * d),
        layout(row_major({}, d)) {
    std::vector<std::int64_t> labels(n);
    sample(truth, n, 5, x.data(), labels.data(), 1);
    weight = Numbers(d).uniforms(n, 0.5, 1.5);
    layout = row_major(x, d);
  }

  Observations observations() const { return {layout.points(), weight.data()}; }
  double total() const {
    double sum = 0.0;
    for (const double w : weight) sum += w;
    return sum;
  }
};

void test_gradient(const Problem& problem, const Model& model, const std::string& what) {
  const WhitenedCoordinates coordinates(problem.truth, model);
  Numbers numbers(3);
  Vector theta(coordinates.size());
  for (double& t : theta) t = numbers.uniform(-0.1, 0.1);
  const PreparedMixture at = coordinates.mixture(theta.data());
  const Moments moments = data_pass(at, problem.observations(), 1, {}, model.scatter());
  const Vector gradient = coordinates.gradient(theta.data(), at, moments, model);
  check(coordinates.longest_step(theta, gradient) > 0.0, what + " longest step");
  for (int i = 0; i < coordinates.size(); ++i) {
    constexpr double kStep = 1e-5;
    const auto moved = [&](double t) {
      Vector there = theta;
      there[i] += t;
      const PreparedMixture mixture = coordinates.mixture(there.data());
      return log_likelihood(mixture, problem.observations(), 1) + model.added(mixture) -
             model.ridge_value(mixture);
    };
    const double slope = (moved(kStep) - moved(-kStep)) / (2.0 * kStep);
    check(std::abs(gradient[i] - slope) < 1e-6 * problem.total(), what + " gradient");
  }
}

void test_fits(const Problem& problem, const Model& model, const std::string& what) {
  const EmResult run = em_run(problem.truth, problem.observations(), model, 10, -1.0, 1);
  check(run.steps() == 10, what + " steps");
  if (model.ridge == 0.0)
    check(std::is_sorted(run.logliks.begin(), run.logliks.end(),
                         [](double a, double b) { return a < b - 1e-9; }),
          what + " EM rises");
  const Sample sample{problem.observations(), problem.total(), 1e-7};
  const Descent found = descend(problem.truth, {sample}, model, {}, 1);
  check(found.gradient_norm < 1e-5, what + " descent");
  for (int k = 0; k < found.mixture.ngauss(); ++k) {
    if (model.held.mean(k))
      check(found.mixture.means().row(k) == problem.truth.means().row(k), what + " held mean");
    if (model.held.covariance(k))
      check(found.mixture.factor(k) == problem.truth.factor(k), what + " held covariance");
    if (model.held.weight(k))
      check_close(found.mixture.log_weights()[k], problem.truth.log_weights()[k], 1e-12,
                  what + " held weight");
  }
}

void test_structure(Structure structure, int d, int ngauss) {
  const std::string what = "structure " + std::to_string(static_cast<int>(structure)) +
                           ", d=" + std::to_string(d) + " K=" + std::to_string(ngauss);
  const Problem problem(structure, d, ngauss, 400);
  // A little of the penalty: without it a component may shrink onto a few points without end.
  Model plain(Penalty{1e-4, Matrix::Identity(d, d), 0.0});
  plain.structure = structure;
  plain = plain.for_total(problem.total());
  Model rich = plain;
  rich.prior = some_prior(ngauss, d);
  Model held = rich;
  held.held = some_held(ngauss, plain.tied());
  Model ridged = plain;
  ridged.ridge = 0.05;
  for (const Model& model : {plain, rich, held, ridged}) {
    test_gradient(problem, model, what);
    test_fits(problem, model, what);
  }
}

void test_refusals() {
  const Problem problem(Structure::kFull, 2, 3, 50);
  Model diagonal;
  diagonal.structure = Structure::kDiag;
  check_throws<InputError>([&] { WhitenedCoordinates c(problem.truth, diagonal); },
                           "not of the structure", "a start outside the family");
  Model tied;
  tied.structure = Structure::kTied;
  tied.held.covariances = {1, 0, 0};
  check_throws<InputError>([&] { tied.check(problem.truth); }, "hold all", "one tied covariance");
  Model prior;
  prior.prior = some_prior(2, 2);
  check_throws<InputError>([&] { prior.check(problem.truth); }, "prior: of 2", "a prior's size");
}

}  // namespace

void test_models() {
  for (const Structure structure : kAll) {
    test_structure(structure, 1, 2);
    test_structure(structure, 3, 3);
    test_structure(structure, 18, 2);
  }
  test_refusals();
}

}  // namespace mogfit::tests
