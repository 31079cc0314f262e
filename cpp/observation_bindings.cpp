// What Python sees of points that were seen in part, through noise or projected.
#include <optional>
#include <string>
#include <utility>

#include "array_views.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "posterior.hpp"

namespace mogfit {

namespace {

ObservedArrays observe_arrays(const py::array& x, const std::optional<Array>& sample_weight,
                              bool missing, const std::optional<Array>& deviations,
                              const std::optional<Array>& covariances,
                              const std::optional<Array>& shared,
                              const std::optional<py::array>& projection) {
  ObservedArrays data;
  Observations& o = data.observations;
  o.points = view_points(x);
  const auto keep = [&](const Array& array) {
    data.kept.push_back(array);
    return array.data();
  };
  data.kept.push_back(x);
  const Weights weight = view_weights(sample_weight, o.points.n);
  if (sample_weight) o.weight = keep(*sample_weight);
  data.total_weight = weight.total;
  if (deviations.has_value() + covariances.has_value() + shared.has_value() > 1)
    throw InputError("errors: at most one of deviations, covariances and shared may be given");
  const std::int64_t n = o.points.n;
  const int m = o.points.d;
  const auto take = [&](const Array& errors, Noise noise) {
    o.noise = noise;
    o.errors = keep(errors);
  };
  if (deviations) {
    require_shape(*deviations, "deviations", {n, m});
    take(*deviations, Noise::kDeviations);
  } else if (covariances) {
    require_shape(*covariances, "covariances", {n, m, m});
    take(*covariances, Noise::kCovariances);
  } else if (shared) {
    require_shape(*shared, "shared", {m, m});
    take(*shared, Noise::kShared);
  }
  if (projection) {
    if (projection->ndim() != 3 || projection->shape(2) == 0)
      throw InputError("projection: has shape " + shape_of(*projection) + ", expected (N, M, V)");
    require_shape(*projection, "projection", {n, m, projection->shape(2)});
    o.projected_nvars = static_cast<int>(projection->shape(2));
    // One matrix for all points is kept once.
    const bool one = n > 0 && projection->strides(0) == 0;
    o.projection = keep(one ? Array(py::object((*projection)[py::int_(0)])) : Array(*projection));
    o.projection_stride = one ? 0 : static_cast<std::int64_t>(m) * o.projected_nvars;
  }
  o.noisy = find_noisy_columns(o);
  if (missing) o.patterns = without_gil([&](const StopRequested&) { return find_patterns(o); });
  return data;
}

py::list patterns_of(const ObservedArrays& data) {
  py::list patterns;
  if (!data.observations.patterns) return patterns;
  for (const Pattern& pattern : *data.observations.patterns)
    patterns.append(py::make_tuple(py::tuple(py::cast(pattern.columns)), pattern.rows.size()));
  return patterns;
}

// Of some of the variables, or of all.
py::tuple posterior_of(const PreparedMixture& mixture, const py::object& x, bool covariance,
                       const std::optional<std::vector<int>>& chosen, int threads) {
  const ObservedArrays data = view_data(x, {}, mixture);
  std::vector<int> variables;
  for (int j = 0; !chosen && j < mixture.nvars(); ++j) variables.push_back(j);
  if (chosen) variables = *chosen;
  for (std::size_t j = 0; j < variables.size(); ++j)
    if (variables[j] < 0 || variables[j] >= mixture.nvars() ||
        (j > 0 && variables[j] <= variables[j - 1]))
      throw InputError("variables: must be numbers of variables in increasing order");
  const std::int64_t n = data.observations.points.n;
  const auto count = static_cast<std::int64_t>(variables.size());
  Output means({n, count});
  Output covariances(covariance ? std::vector<py::ssize_t>{n, count, count}
                                : std::vector<py::ssize_t>{0});
  double* const mean = means.mutable_data();
  double* const second = covariance ? covariances.mutable_data() : nullptr;
  without_gil([&](const StopRequested& stop) {
    posterior(mixture, data.observations, variables, mean, second, threads, stop);
  });
  if (!covariance) return py::make_tuple(std::move(means), py::none());
  return py::make_tuple(std::move(means), std::move(covariances));
}

Output draws_of(const PreparedMixture& mixture, const py::object& x, std::uint64_t seed,
                int threads) {
  const ObservedArrays data = view_data(x, {}, mixture);
  Output draws({data.observations.points.n, static_cast<std::int64_t>(mixture.nvars())});
  double* const target = draws.mutable_data();
  without_gil([&](const StopRequested& stop) {
    posterior_draws(mixture, data.observations, seed, target, threads, stop);
  });
  return draws;
}

}  // namespace

void bind_observations(py::module_& m) {
  using py::arg;
  py::class_<ObservedArrays>(m, "Observations")
      .def(py::init(&observe_arrays), arg("X"), arg("sample_weight") = py::none(),
           arg("missing") = false, arg("deviations") = py::none(), arg("covariances") = py::none(),
           arg("shared") = py::none(), arg("projection") = py::none())
      .def_property_readonly("size",
                             [](const ObservedArrays& data) { return data.observations.points.n; })
      .def_property_readonly("nvars",
                             [](const ObservedArrays& data) { return data.observations.nvars(); })
      .def_property_readonly("total_weight",
                             [](const ObservedArrays& data) { return data.total_weight; })
      .def_property_readonly("patterns", &patterns_of);
  m.def("posterior", &posterior_of, arg("mixture"), arg("X"), arg("covariance") = true,
        arg("variables") = py::none(), arg("threads") = 0);
  m.def("posterior_draws", &draws_of, arg("mixture"), arg("X"), arg("seed"), arg("threads") = 0);
}

}  // namespace mogfit
