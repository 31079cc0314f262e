// What Python sees of the core: argument checks and array views only. The GIL is released around
// every loop over points; every failure becomes one of the package's own errors.
#include <optional>
#include <string>
#include <utility>

#include "array_views.hpp"
#include "bindings.hpp"
#include "box_probability.hpp"
#include "data_pass.hpp"
#include "density.hpp"
#include "errors.hpp"
#include "finite.hpp"
#include "sampling.hpp"

#ifndef MOGFIT_MODULE
#define MOGFIT_MODULE _portable
#endif

namespace mogfit {

namespace {

struct Shape {
  int ngauss;
  int nvars;
};

// Shapes of (K,), (K, d), (K, d, d), with K and d from the means.
Shape check_shapes(const Array& weights, const char* weights_name, const Array& means,
                   const Array& matrices, const char* matrices_name) {
  if (means.ndim() != 2 || means.shape(0) == 0 || means.shape(1) == 0)
    throw InputError("mus: has shape " + shape_of(means) + ", expected (K, d)");
  require_shape(weights, weights_name, {means.shape(0)});
  require_shape(matrices, matrices_name, {means.shape(0), means.shape(1), means.shape(1)});
  return {static_cast<int>(means.shape(0)), static_cast<int>(means.shape(1))};
}

Box to_box(const Array& lower, const Array& upper, int nvars) {
  require_shape(lower, "lower", {nvars});
  require_shape(upper, "upper", {nvars});
  const Box box{Eigen::Map<const Vector>(lower.data(), nvars),
                Eigen::Map<const Vector>(upper.data(), nvars)};
  for (int j = 0; j < nvars; ++j)
    if (!(box.lower[j] < box.upper[j]))
      throw DomainError("domain: variable " + std::to_string(j) + " has the bounds " +
                        std::to_string(box.lower[j]) + " and " + std::to_string(box.upper[j]) +
                        "; the lower one must be below the upper one");
  return box;
}

// domain: rows of lower and of upper bounds, or nothing. One without sides is none.
PreparedMixture truncate(PreparedMixture mixture, const std::optional<Array>& domain) {
  if (!domain) return mixture;
  const int nvars = mixture.nvars();
  require_shape(*domain, "domain", {2, nvars});
  const Eigen::Map<const Matrix> bounds(domain->data(), 2, nvars);
  const Array lower(nvars, bounds.row(0).data());
  const Array upper(nvars, bounds.row(1).data());
  const Box box = to_box(lower, upper, nvars);
  if (!box.lower.array().isFinite().any() && !box.upper.array().isFinite().any()) return mixture;
  return without_gil([&](const StopRequested&) { return mixture.with_box(box); });
}

PreparedMixture make_mixture(const Array& weights, const Array& means, const Array& covariances,
                             const std::optional<Array>& domain) {
  const Shape s = check_shapes(weights, "weights", means, covariances, "Sigmas");
  return truncate(PreparedMixture::from_covariances(s.ngauss, s.nvars, weights.data(), means.data(),
                                                    covariances.data()),
                  domain);
}

PreparedMixture make_from_factors(const Array& log_weights, const Array& means,
                                  const Array& factors, const std::optional<Array>& domain) {
  const Shape s = check_shapes(log_weights, "log_weights", means, factors, "factors");
  return truncate(PreparedMixture::from_factors(s.ngauss, s.nvars, log_weights.data(), means.data(),
                                                factors.data()),
                  domain);
}

// Rows of lower and of upper bounds, or None.
py::object domain_of(const PreparedMixture& mixture) {
  if (!mixture.truncation()) return py::none();
  Matrix bounds(2, mixture.nvars());
  bounds.row(0) = mixture.truncation()->box.lower.transpose();
  bounds.row(1) = mixture.truncation()->box.upper.transpose();
  return to_numpy(bounds);
}

// Of every component: a value of its box, or what it is without one.
template <typename Get>
Output of_boxes(const PreparedMixture& mixture, const Get& get) {
  Vector values = Vector::Zero(mixture.ngauss());
  if (mixture.truncation())
    for (int k = 0; k < mixture.ngauss(); ++k) values[k] = get(mixture.box(k));
  return to_numpy(values);
}

py::tuple probability_of_box(const Array& mean, const Array& covariance, const Array& lower,
                             const Array& upper, double rtol) {
  if (mean.ndim() != 1 || mean.shape(0) == 0)
    throw InputError("mean: has shape " + shape_of(mean) + ", expected (d,)");
  if (!(rtol > 0.0)) throw InputError("rtol: is " + std::to_string(rtol) + ", must be above 0");
  const int nvars = static_cast<int>(mean.shape(0));
  require_shape(covariance, "covariance", {nvars, nvars});
  const Box box = to_box(lower, upper, nvars);
  const double one = 1.0;
  const PreparedMixture normal =
      PreparedMixture::from_covariances(1, nvars, &one, mean.data(), covariance.data());
  const BoxProbability result = without_gil([&](const StopRequested&) {
    const Vector at = normal.means().row(0);
    const BoxPlan plan = plan_box(box, at, normal.factor(0), rtol);
    return box_probability(box, at, normal.factor(0), plan);
  });
  return py::make_tuple(result.log_probability, result.error, to_numpy(result.mean),
                        to_numpy(result.excess));
}

Output density_of(const PreparedMixture& mixture, const py::object& x, DensityKind kind,
                  int threads) {
  const ObservedArrays data = view_data(x, {}, mixture);
  Output out(data.observations.points.n);
  double* const target = out.mutable_data();
  without_gil([&](const StopRequested& stop) {
    density(mixture, data.observations, kind, target, threads, stop);
  });
  return out;
}

Output by_component(const PreparedMixture& mixture, const py::object& x, int threads,
                    decltype(responsibilities)* compute) {
  const ObservedArrays data = view_data(x, {}, mixture);
  Output out({data.observations.points.n, static_cast<std::int64_t>(mixture.ngauss())});
  double* const target = out.mutable_data();
  without_gil([&](const StopRequested& stop) {
    compute(mixture, data.observations, target, threads, stop);
  });
  return out;
}

py::tuple draw(const PreparedMixture& mixture, std::int64_t n, std::uint64_t seed, int threads) {
  if (n < 0) throw InputError("n: is " + std::to_string(n) + ", must be 0 or more");
  Output points({n, static_cast<std::int64_t>(mixture.nvars())});
  py::array_t<std::int64_t> labels(n);
  double* const x = points.mutable_data();
  std::int64_t* const l = labels.mutable_data();
  without_gil([&](const StopRequested& stop) { sample(mixture, n, seed, x, l, threads, stop); });
  return py::make_tuple(std::move(points), std::move(labels));
}

// log Z of N(mean, covariance) in one box for many means, (N, d): what a conditional normal needs.
Output log_masses_of_means(const Array& means, const Array& covariance, const Array& lower,
                           const Array& upper, int threads) {
  if (means.ndim() != 2 || means.shape(1) == 0)
    throw InputError("means: has shape " + shape_of(means) + ", expected (N, d)");
  const std::int64_t n = means.shape(0);
  const int nvars = static_cast<int>(means.shape(1));
  require_shape(covariance, "covariance", {nvars, nvars});
  const Box box = to_box(lower, upper, nvars);
  const double one = 1.0;
  const Vector origin = Vector::Zero(nvars);
  const PreparedMixture normal =
      PreparedMixture::from_covariances(1, nvars, &one, origin.data(), covariance.data());
  const double* const at = means.data();
  Output out(n);
  double* const target = out.mutable_data();
  without_gil([&](const StopRequested& stop) {
    box_log_probabilities(box, at, n, normal.factor(0), target, threads, stop);
  });
  return out;
}

// Errors of the core become the package's errors of the same name.
void raise_as(const char* name, const std::exception& error) {
  const py::object type = py::module_::import("mogfit.errors").attr(name);
  PyErr_SetString(type.ptr(), error.what());
}

void translate_errors(std::exception_ptr failure) {
  try {
    if (failure) std::rethrow_exception(failure);
  } catch (const InputError& error) {
    raise_as("InputError", error);
  } catch (const DegenerateError& error) {
    raise_as("DegenerateError", error);
  } catch (const DomainError& error) {
    raise_as("DomainError", error);
  } catch (const NotImplementedError& error) {
    PyErr_SetString(PyExc_NotImplementedError, error.what());
  } catch (const Interrupted&) {
    // The signal's handler has raised already: KeyboardInterrupt, or what the user made of it.
    if (!PyErr_Occurred()) PyErr_SetNone(PyExc_KeyboardInterrupt);
  }
}

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

std::string eigen_version() {
  return std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) + "." +
         std::to_string(EIGEN_MINOR_VERSION);
}

}  // namespace

PYBIND11_MODULE(MOGFIT_MODULE, m) {
  using py::arg;
  py::register_exception_translator(translate_errors);

  m.attr("compiler") = compiler();
  m.attr("eigen_version") = eigen_version();
  m.attr("has_openmp") = has_openmp();
  m.attr("lane_doubles") = kNativeDoubles;

  py::class_<PreparedMixture>(m, "PreparedMixture")
      .def(py::init(&make_mixture), arg("weights"), arg("means"), arg("covariances"),
           arg("domain") = py::none())
      .def_static("from_factors", &make_from_factors, arg("log_weights"), arg("means"),
                  arg("factors"), arg("domain") = py::none())
      .def("with_domain", &truncate, arg("domain"))
      .def(
          "with_log_weights",
          [](const PreparedMixture& p, const Array& log_weights) {
            require_shape(log_weights, "log_weights", {p.ngauss()});
            return p.with_log_weights(log_weights.data());
          },
          arg("log_weights"))
      .def_property_readonly("domain", &domain_of)
      .def_property_readonly("log_masses",
                             [](const PreparedMixture& p) {
                               return of_boxes(
                                   p, [](const BoxProbability& b) { return b.log_probability; });
                             })
      .def_property_readonly("mass_errors",
                             [](const PreparedMixture& p) {
                               return of_boxes(p, [](const BoxProbability& b) { return b.error; });
                             })
      .def_property_readonly("ngauss", &PreparedMixture::ngauss)
      .def_property_readonly("nvars", &PreparedMixture::nvars)
      .def_property_readonly("log_weights",
                             [](const PreparedMixture& p) { return to_numpy(p.log_weights()); })
      .def_property_readonly(
          "weights",
          [](const PreparedMixture& p) { return to_numpy(Vector(p.log_weights().array().exp())); })
      .def_property_readonly("means", [](const PreparedMixture& p) { return to_numpy(p.means()); })
      .def_property_readonly("factors",
                             [](const PreparedMixture& p) {
                               return stack(p.ngauss(), p.nvars(),
                                            [&](int k) -> const Matrix& { return p.factor(k); });
                             })
      .def_property_readonly("covariances", [](const PreparedMixture& p) {
        return stack(p.ngauss(), p.nvars(), [&](int k) { return p.covariance(k); });
      });

  py::class_<Moments>(m, "Moments")
      .def_readonly("loglik", &Moments::loglik)
      .def_property_readonly("s0", [](const Moments& s) { return to_numpy(s.s0); })
      .def_property_readonly("s1", [](const Moments& s) { return to_numpy(s.s1); })
      .def_property_readonly(
          "s2", [](const Moments& s) { return stack(s.s2, static_cast<int>(s.s1.cols())); });

  m.def(
      "logpdf",
      [](const PreparedMixture& mixture, const py::object& x, int threads) {
        return density_of(mixture, x, DensityKind::kLog, threads);
      },
      arg("mixture"), arg("X"), arg("threads") = 0);
  m.def(
      "pdf",
      [](const PreparedMixture& mixture, const py::object& x, int threads) {
        return density_of(mixture, x, DensityKind::kLinear, threads);
      },
      arg("mixture"), arg("X"), arg("threads") = 0);
  m.def(
      "component_logpdf",
      [](const PreparedMixture& mixture, const py::object& x, int threads) {
        return by_component(mixture, x, threads, &component_log_density);
      },
      arg("mixture"), arg("X"), arg("threads") = 0);
  m.def(
      "responsibilities",
      [](const PreparedMixture& mixture, const py::object& x, int threads) {
        return by_component(mixture, x, threads, &responsibilities);
      },
      arg("mixture"), arg("X"), arg("threads") = 0);
  m.def(
      "data_pass",
      [](const PreparedMixture& mixture, const py::object& x,
         const std::optional<Array>& sample_weight, int threads, bool diagonal) {
        const ObservedArrays data = view_data(x, sample_weight, mixture);
        const Scatter scatter = diagonal ? Scatter::kDiagonal : Scatter::kFull;
        return without_gil([&](const StopRequested& stop) {
          return data_pass(mixture, data.observations, threads, stop, scatter);
        });
      },
      arg("mixture"), arg("X"), arg("sample_weight") = py::none(), arg("threads") = 0,
      arg("diagonal") = false);
  m.def(
      "log_likelihood",
      [](const PreparedMixture& mixture, const py::object& x,
         const std::optional<Array>& sample_weight, int threads) {
        const ObservedArrays data = view_data(x, sample_weight, mixture);
        return without_gil([&](const StopRequested& stop) {
          return log_likelihood(mixture, data.observations, threads, stop);
        });
      },
      arg("mixture"), arg("X"), arg("sample_weight") = py::none(), arg("threads") = 0);
  m.def("box_probability", &probability_of_box, arg("mean"), arg("covariance"), arg("lower"),
        arg("upper"), arg("rtol") = kBoxTolerance);
  m.def("log_masses_of_means", &log_masses_of_means, arg("means"), arg("covariance"), arg("lower"),
        arg("upper"), arg("threads") = 0);
  m.def("sample", &draw, arg("mixture"), arg("n"), arg("seed"), arg("threads") = 0);
  m.def(
      "count_nonfinite",
      [](const py::array& x, int threads) {
        const Points points = view_points(x);
        const NonFinite found = without_gil(
            [&](const StopRequested& stop) { return count_nonfinite(points, threads, stop); });
        return py::make_tuple(found.nan, found.infinite, found.first_row, found.first_column);
      },
      arg("X"), arg("threads") = 0);
  bind_clusters(m);
  bind_observations(m);
  bind_models(m);
  bind_fits(m);
  bind_function_fits(m);
  m.def("get_num_threads", &default_threads);
  m.def("set_num_threads", &set_default_threads, arg("threads"));
}

}  // namespace mogfit
