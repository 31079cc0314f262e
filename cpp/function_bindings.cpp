#include "bindings.hpp"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "array_views.hpp"
#include "bump_fit.hpp"

namespace mogfit {

namespace {

Vector vector_of(const Array& array, const char* name, py::ssize_t size) {
  require_shape(array, name, {size});
  return Eigen::Map<const Vector>(array.data(), size);
}

void require_finite(const Array& array, const char* name) {
  const double* const p = array.data();
  for (py::ssize_t i = 0; i < array.size(); ++i)
    if (!std::isfinite(p[i]))
      throw InputError(std::string(name) + ": the value at index " + std::to_string(i) +
                       " is not finite");
}

std::unique_ptr<FunctionMesh> make_mesh(const py::array& x, const Array& values,
                                        const std::optional<Array>& roots) {
  const Points points = view_points(x);
  if (points.n == 0 || points.d == 0)
    throw InputError("X: has shape " + shape_of(x) + "; at least one point is needed");
  require_shape(values, "F", {points.n});
  require_finite(values, "F");
  if (roots) {
    require_shape(*roots, "roots", {points.n});
    require_finite(*roots, "roots");
  }
  return std::make_unique<FunctionMesh>(points, values.data(), roots ? roots->data() : nullptr);
}

Bumps make_bumps(const FunctionMesh& mesh, const Array& means, const Array& factors) {
  const int d = mesh.nvars();
  if (means.ndim() != 2 || means.shape(0) == 0 || means.shape(1) != d)
    throw InputError("means: has shape " + shape_of(means) + ", expected (K, " + std::to_string(d) +
                     ")");
  const auto ngauss = static_cast<int>(means.shape(0));
  require_shape(factors, "factors", {ngauss, d, d});
  require_finite(means, "means");
  require_finite(factors, "factors");
  Bumps bumps;
  bumps.means = Eigen::Map<const Matrix>(means.data(), ngauss, d);
  for (int k = 0; k < ngauss; ++k) {
    const Eigen::Map<const Matrix> factor(factors.data() + static_cast<std::size_t>(k) * d * d, d,
                                          d);
    if (!(factor.diagonal().array() > 0.0).all())
      throw InputError("factors: the diagonal of component " + std::to_string(k) +
                       " is not positive");
    bumps.factors.push_back(factor.triangularView<Eigen::Lower>());
  }
  bumps.heights = Vector::Zero(ngauss);
  bumps.shifts = Vector::Zero(ngauss);
  return bumps;
}

// Logarithms of the heights at the means; -inf where a bump counts nothing.
Vector log_heights(const Bumps& bumps) {
  return bumps.heights.array().log() + bumps.shifts.array();
}

const char* name_of(BumpEnding ending) {
  switch (ending) {
    case BumpEnding::kConverged: return "converged";
    case BumpEnding::kRounding: return "rounding";
    case BumpEnding::kIterationLimit: return "iteration limit";
    case BumpEnding::kStopped: return "stopped";
  }
  return "";
}

Output factors_of(const Bumps& bumps) { return stack(bumps.factors, bumps.nvars()); }

BumpFit fit(const FunctionMesh& mesh, const Array& means, const Array& factors,
            const Array& narrowest, const Array& widest, bool fixed_means, int max_iterations,
            double tolerance, const py::object& observer, int threads) {
  BumpFitSettings settings;
  settings.fixed_means = fixed_means;
  settings.narrowest = vector_of(narrowest, "narrowest", mesh.nvars());
  settings.widest = vector_of(widest, "widest", mesh.nvars());
  if (!((settings.narrowest.array() > 0.0).all() &&
        (settings.narrowest.array() <= settings.widest.array()).all()))
    throw InputError("narrowest: must be above 0 and at most widest");
  settings.max_iterations = max_iterations;
  settings.tolerance = tolerance;
  BumpObserver observe;
  if (!observer.is_none())
    observe = [&](int iteration, double loss, const Bumps& at) {
      const py::gil_scoped_acquire gil;
      const py::object answer =
          observer(iteration, loss, to_numpy(at.means), factors_of(at), to_numpy(log_heights(at)));
      return !(py::isinstance<py::bool_>(answer) && !answer.cast<bool>());
    };
  Bumps start = make_bumps(mesh, means, factors);
  return without_gil([&](const StopRequested& stop) {
    return fit_bumps(mesh, std::move(start), settings, threads, stop, observe);
  });
}

Output values_of(const FunctionMesh& mesh, const Array& means, const Array& factors,
                 const Array& log_heights, int threads) {
  Bumps bumps = make_bumps(mesh, means, factors);
  const Vector logs = vector_of(log_heights, "log_heights", bumps.size());
  Output out(mesh.size());
  double* const target = out.mutable_data();
  without_gil([&](const StopRequested& stop) {
    set_shifts(mesh, bumps, threads, stop);
    bumps.heights = (logs - bumps.shifts).array().exp();
    bump_values(mesh, bumps, target, threads, stop);
  });
  return out;
}

}  // namespace

void bind_function_fits(py::module_& m) {
  using py::arg;
  py::class_<BumpFit>(m, "BumpFit")
      .def_property_readonly("means", [](const BumpFit& f) { return to_numpy(f.bumps.means); })
      .def_property_readonly("factors", [](const BumpFit& f) { return factors_of(f.bumps); })
      .def_property_readonly("log_heights",
                             [](const BumpFit& f) { return to_numpy(log_heights(f.bumps)); })
      .def_property_readonly("heights", [](const BumpFit& f) { return to_numpy(f.bumps.heights); })
      .def_property_readonly("slopes", [](const BumpFit& f) { return to_numpy(f.slopes); })
      .def_property_readonly("gram", [](const BumpFit& f) { return to_numpy(f.gram); })
      .def_readonly("loss", &BumpFit::loss)
      .def_readonly("gradient_norm", &BumpFit::gradient_norm)
      .def_readonly("iterations", &BumpFit::iterations)
      .def_readonly("evaluations", &BumpFit::evaluations)
      .def_property_readonly("ending", [](const BumpFit& f) { return name_of(f.ending); });
  py::class_<FunctionMesh>(m, "FunctionMesh")
      .def(py::init(&make_mesh), arg("X"), arg("F"), arg("roots") = py::none())
      .def_property_readonly("size", &FunctionMesh::size)
      .def_property_readonly("nvars", &FunctionMesh::nvars)
      .def("fit", &fit, arg("means"), arg("factors"), arg("narrowest"), arg("widest"),
           arg("fixed_means") = false, arg("max_iterations") = 200, arg("tolerance") = 1e-8,
           arg("observer") = py::none(), arg("threads") = 0)
      .def("values", &values_of, arg("means"), arg("factors"), arg("log_heights"),
           arg("threads") = 0);
}

}  // namespace mogfit
