// What Python sees of the fits to data: gradients, EM, the descent and where it starts.
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "array_views.hpp"
#include "bindings.hpp"
#include "data_pass.hpp"
#include "em.hpp"
#include "errors.hpp"
#include "lbfgs.hpp"
#include "model.hpp"
#include "pullback.hpp"
#include "starts.hpp"
#include "whitened_coordinates.hpp"

namespace mogfit {

namespace {

Penalty make_penalty(double strength, const std::optional<Array>& reference, double total,
                     int nvars) {
  if (!(strength >= 0.0 && strength <= std::numeric_limits<double>::max()))
    throw InputError("penalty: is " + std::to_string(strength) + ", must be finite, 0 or more");
  Penalty penalty;
  if (strength == 0.0) return penalty;
  if (!reference) throw InputError("reference: needed when the penalty is not 0");
  penalty.strength = strength;
  penalty.reference = to_matrix(*reference, "reference", nvars);
  penalty.total = total;
  return penalty;
}

// What the caller's model and penalty make together, for the mixture and the weight of the data.
Model full_model(const Model* given, double strength, const std::optional<Array>& reference,
                 double total, const PreparedMixture& mixture) {
  Model model = given ? *given : Model();
  model.penalty = make_penalty(strength, reference, total, mixture.nvars());
  model.check(mixture);
  return model.for_total(total);
}

void require_finite(double loglik) {
  if (std::isfinite(loglik)) return;
  throw InputError(
      "data: the log-likelihood is not finite: a value is NaN or infinite, or a row is too far "
      "from every component");
}

void require_same_sizes(const PreparedMixture& mixture, const Moments& moments) {
  if (moments.s1.rows() == mixture.ngauss() && moments.s1.cols() == mixture.nvars()) return;
  throw InputError("moments: of " + std::to_string(moments.s1.rows()) + " components in " +
                   std::to_string(moments.s1.cols()) + " variables, but the mixture has " +
                   std::to_string(mixture.ngauss()) + " in " + std::to_string(mixture.nvars()));
}

py::tuple take_em_step(const PreparedMixture& mixture, const py::object& x,
                       const std::optional<Array>& sample_weight, double penalty_strength,
                       const std::optional<Array>& reference, int threads, bool monotone,
                       const Model* given) {
  const ObservedArrays data = view_data(x, sample_weight, mixture);
  require_mass(data);
  const Model model = full_model(given, penalty_strength, reference, data.total_weight, mixture);
  auto [loglik, next] = without_gil([&](const StopRequested& stop) {
    const Moments moments = data_pass(mixture, data.observations, threads, stop, model.scatter());
    require_finite(moments.loglik);
    return std::make_pair(moments.loglik,
                          monotone ? maximise(mixture, moments, model, StepLength::kMonotone)
                                   : em_step(mixture, moments, model));
  });
  return py::make_tuple(loglik, std::move(next));
}

py::tuple run_em(const PreparedMixture& mixture, const py::object& x,
                 const std::optional<Array>& sample_weight, double penalty_strength,
                 const std::optional<Array>& reference, int steps, double tolerance, int threads,
                 const Model* given, double previous, bool path) {
  if (steps < 1) throw InputError("steps: is " + std::to_string(steps) + ", must be 1 or more");
  const ObservedArrays data = view_data(x, sample_weight, mixture);
  require_mass(data);
  const Model model = full_model(given, penalty_strength, reference, data.total_weight, mixture);
  EmResult result = without_gil([&](const StopRequested& stop) {
    return em_run(mixture, data.observations, model, steps, tolerance, threads, stop, previous);
  });
  const double loglik = result.loglik();
  const int taken = result.steps();
  if (!path) return py::make_tuple(std::move(result.mixture), loglik, taken);
  return py::make_tuple(std::move(result.mixture), loglik, taken, std::move(result.logliks));
}

// -(loglik + what the model adds) / sum(s) and its gradient in the whitened coordinates; then
// loglik itself.
py::tuple whitened_objective(const WhitenedCoordinates& coordinates, const Array& theta,
                             const py::object& x, const std::optional<Array>& sample_weight,
                             double penalty_strength, const std::optional<Array>& reference,
                             int threads, const Model* given) {
  require_shape(theta, "theta", {coordinates.size()});
  const PreparedMixture& anchor = coordinates.anchor();
  const ObservedArrays data = view_data(x, sample_weight, anchor);
  require_mass(data);
  const double total = data.total_weight;
  const Model model = full_model(given, penalty_strength, reference, total, anchor);
  const double* const t = theta.data();
  double loglik = 0.0;
  double value = 0.0;
  const Vector gradient = without_gil([&](const StopRequested& stop) -> Vector {
    const PreparedMixture at = coordinates.mixture(t);
    const Moments moments = data_pass(at, data.observations, threads, stop, model.scatter());
    loglik = moments.loglik;
    value = -(loglik + model.added(at) - model.ridge_value(at)) / total;
    return coordinates.gradient(t, at, moments, model) / -total;
  });
  return py::make_tuple(value, to_numpy(gradient), loglik);
}

const char* name_of(Ending ending) {
  switch (ending) {
    case Ending::kConverged: return "converged";
    case Ending::kIterationLimit: return "iteration limit";
    case Ending::kRounding: return "rounding";
    case Ending::kSmallDecrease: return "small decrease";
    case Ending::kStoppedByCaller: return "stopped";
  }
  return "";
}

// samples: (X, sample_weight or None, gradient_tolerance), the data themselves last.
using PySample = std::tuple<py::object, std::optional<Array>, double>;

Descent run_descent(const PreparedMixture& mixture, const std::vector<PySample>& py_samples,
                    double penalty_strength, const std::optional<Array>& reference,
                    double decrease_tolerance, int max_iterations, int memory, int reanchor,
                    const py::object& observer, int threads, const Model* given) {
  if (py_samples.empty()) throw InputError("samples: at least one is needed");
  std::vector<Sample> samples;
  for (const auto& [x, sample_weight, gradient_tolerance] : py_samples) {
    const ObservedArrays data = view_data(x, sample_weight, mixture);
    require_mass(data);
    samples.push_back({data.observations, data.total_weight, gradient_tolerance});
  }
  const Model model = full_model(given, penalty_strength, reference, 0.0, mixture);
  const DescentOptions options{decrease_tolerance, max_iterations, memory, reanchor};
  Observer observe;
  if (!observer.is_none())
    observe = [&](int iteration, double objective, double gradient, const PreparedMixture& at) {
      const py::gil_scoped_acquire gil;
      return !observer(iteration, objective, gradient, at).is(py::bool_(false));
    };
  return without_gil([&](const StopRequested& stop) {
    return descend(mixture, samples, model, options, threads, stop, observe);
  });
}

PreparedMixture start(const py::array& x, const std::optional<Array>& sample_weight, int ngauss,
                      const Array& location, const Array& scale, const Array& covariance,
                      double shrinkage, int lloyd_iterations, std::uint64_t seed,
                      std::uint64_t stream) {
  const Points points = view_points(x);
  const Weights weight = view_weights(sample_weight, points.n);
  require_shape(location, "location", {points.d});
  require_shape(scale, "scale", {points.d});
  const Matrix overall = to_matrix(covariance, "covariance", points.d);
  const StartOptions options{location.data(), scale.data(), &overall, shrinkage, lloyd_iterations};
  return without_gil([&](const StopRequested& stop) {
    return kmeans_start(points, weight.data, ngauss, options, seed, stream, stop);
  });
}

}  // namespace

void bind_fits(py::module_& m) {
  using py::arg;

  py::class_<WhitenedCoordinates>(m, "WhitenedCoordinates")
      .def(py::init([](PreparedMixture anchor, const Model* model) {
             return WhitenedCoordinates(std::move(anchor), model ? *model : Model());
           }),
           arg("anchor"), arg("model") = py::none())
      .def_property_readonly("size", &WhitenedCoordinates::size)
      .def_property_readonly("anchor", &WhitenedCoordinates::anchor)
      .def(
          "mixture",
          [](const WhitenedCoordinates& c, const Array& theta) {
            require_shape(theta, "theta", {c.size()});
            return c.mixture(theta.data());
          },
          arg("theta"))
      .def("objective", &whitened_objective, arg("theta"), arg("X"), arg("sample_weight"),
           arg("penalty"), arg("reference"), arg("threads") = 0, arg("model") = py::none());

  m.def(
      "gradient_factors",
      [](const PreparedMixture& mixture, const Moments& moments, double strength,
         const std::optional<Array>& reference, double total) {
        require_same_sizes(mixture, moments);
        const FactorGradient g = gradient_factors(
            mixture, moments, make_penalty(strength, reference, total, mixture.nvars()));
        return py::make_tuple(to_numpy(g.log_weights), to_numpy(g.means),
                              stack(g.factors, mixture.nvars()));
      },
      arg("mixture"), arg("moments"), arg("penalty") = 0.0, arg("reference") = py::none(),
      arg("total") = 0.0);
  m.def(
      "gradient_stdcorr",
      [](const PreparedMixture& mixture, const Moments& moments, double strength,
         const std::optional<Array>& reference, double total) {
        require_same_sizes(mixture, moments);
        const StdcorrGradient g = gradient_stdcorr(
            mixture, moments, make_penalty(strength, reference, total, mixture.nvars()));
        return py::make_tuple(to_numpy(g.weights), to_numpy(g.mus), to_numpy(g.sigmas),
                              to_numpy(g.rhos));
      },
      arg("mixture"), arg("moments"), arg("penalty") = 0.0, arg("reference") = py::none(),
      arg("total") = 0.0);
  m.def(
      "penalty_value",
      [](const PreparedMixture& mixture, double strength, const Array& reference, double total) {
        return make_penalty(strength, reference, total, mixture.nvars()).value(mixture);
      },
      arg("mixture"), arg("penalty"), arg("reference"), arg("total"));
  m.def("em_step", &take_em_step, arg("mixture"), arg("X"), arg("sample_weight") = py::none(),
        arg("penalty") = 0.0, arg("reference") = py::none(), arg("threads") = 0,
        arg("monotone") = false, arg("model") = py::none());
  m.def("em_run", &run_em, arg("mixture"), arg("X"), arg("sample_weight") = py::none(),
        arg("penalty") = 0.0, arg("reference") = py::none(), arg("steps") = 1,
        arg("tolerance") = -1.0, arg("threads") = 0, arg("model") = py::none(),
        arg("previous") = -std::numeric_limits<double>::infinity(), arg("path") = false);
  py::class_<Descent>(m, "Descent")
      .def_readonly("mixture", &Descent::mixture)
      .def_readonly("objective", &Descent::objective)
      .def_readonly("loglik", &Descent::loglik)
      .def_readonly("gradient_norm", &Descent::gradient_norm)
      .def_readonly("em_gain", &Descent::em_gain)
      .def_readonly("iterations", &Descent::iterations)
      .def_readonly("passes", &Descent::passes)
      .def_property_readonly("ending", [](const Descent& d) { return name_of(d.ending); });
  m.def("descend", &run_descent, arg("mixture"), arg("samples"), arg("penalty"), arg("reference"),
        arg("decrease_tolerance") = 0.0, arg("max_iterations") = 1000, arg("memory") = 20,
        arg("reanchor") = 200, arg("observer") = py::none(), arg("threads") = 0,
        arg("model") = py::none());
  m.def("kmeans_start", &start, arg("X"), arg("sample_weight"), arg("ngauss"), arg("location"),
        arg("scale"), arg("covariance"), arg("shrinkage"), arg("lloyd_iterations"), arg("seed"),
        arg("stream"));
}

}  // namespace mogfit
