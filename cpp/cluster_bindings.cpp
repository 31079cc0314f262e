// K-means and the moments of labelled points, as Python sees them.
#include <utility>

#include "array_views.hpp"
#include "bindings.hpp"
#include "kmeans.hpp"
#include "label_moments.hpp"

namespace mogfit {

namespace {

using Labels = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;

void require_components(int ngauss) {
  if (ngauss < 1) throw InputError("ngauss: is " + std::to_string(ngauss) + ", must be 1 or more");
}

py::tuple find_labels(const py::array& x, const std::optional<Array>& sample_weight, int ngauss,
                      const Array& location, const Array& scale, std::uint64_t seed,
                      std::uint64_t stream, int max_iterations, double tolerance, int threads) {
  const Points points = view_points(x);
  const Weights weight = view_weights(sample_weight, points.n);
  require_mass(weight);
  require_components(ngauss);
  require_shape(location, "location", {points.d});
  require_shape(scale, "scale", {points.d});
  const KMeansOptions options{location.data(), scale.data(), max_iterations, tolerance};
  const Clusters clusters = without_gil([&](const StopRequested& stop) {
    return kmeans(points, weight.data, ngauss, options, seed, stream, threads, stop);
  });
  py::array_t<std::int32_t> labels(points.n);
  std::copy(clusters.labels.begin(), clusters.labels.end(), labels.mutable_data());
  return py::make_tuple(std::move(labels), to_numpy(clusters.centres));
}

py::tuple moments_of_labels(const py::array& x, const Labels& labels,
                            const std::optional<Array>& sample_weight, int ngauss, bool diagonal,
                            int threads) {
  const Points points = view_points(x);
  const Weights weight = view_weights(sample_weight, points.n);
  require_components(ngauss);
  require_shape(labels, "labels", {points.n});
  const std::int32_t* const label = labels.data();
  for (std::int64_t i = 0; i < points.n; ++i)
    if (label[i] < 0 || label[i] >= ngauss)
      throw InputError("labels: that of row " + std::to_string(i) + " is " +
                       std::to_string(label[i]) + "; labels must be from 0 to " +
                       std::to_string(ngauss - 1));
  const Scatter scatter = diagonal ? Scatter::kDiagonal : Scatter::kFull;
  const LabelMoments moments = without_gil([&](const StopRequested& stop) {
    return label_moments(points, label, weight.data, ngauss, scatter, threads, stop);
  });
  return py::make_tuple(to_numpy(moments.s0), to_numpy(moments.means), stack(moments.s2, points.d));
}

}  // namespace

void bind_clusters(py::module_& m) {
  using py::arg;
  m.def("kmeans_labels", &find_labels, arg("X"), arg("sample_weight"), arg("ngauss"),
        arg("location"), arg("scale"), arg("seed"), arg("stream") = 0, arg("max_iterations") = 300,
        arg("tolerance") = 1e-4, arg("threads") = 0);
  m.def("label_moments", &moments_of_labels, arg("X"), arg("labels"), arg("sample_weight"),
        arg("ngauss"), arg("diagonal") = false, arg("threads") = 0);
}

}  // namespace mogfit
