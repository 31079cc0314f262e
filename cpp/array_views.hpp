// NumPy arrays as the core sees them, and back: checks of shapes and views, no copy of data.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "errors.hpp"
#include "observations.hpp"
#include "packing.hpp"
#include "points.hpp"
#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

namespace py = pybind11;

// All array types, in one place. Parameters are small: they are converted and copied freely.
using Array = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Output = py::array_t<double>;

inline std::string shape_of(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis)
    text += (axis ? ", " : "") + std::to_string(array.shape(axis));
  return text + (array.ndim() == 1 ? ",)" : ")");
}

inline void require_shape(const py::array& array, const char* name,
                          std::initializer_list<py::ssize_t> expected) {
  bool right = array.ndim() == static_cast<py::ssize_t>(expected.size());
  std::string wanted = "(";
  py::ssize_t axis = 0;
  for (const py::ssize_t size : expected) {
    right = right && array.shape(axis) == size;
    wanted += (axis ? ", " : "") + std::to_string(size);
    ++axis;
  }
  if (!right)
    throw InputError(std::string(name) + ": has shape " + shape_of(array) + ", expected " + wanted +
                     (expected.size() == 1 ? ",)" : ")"));
}

// A view of the user's array, whatever its strides. float64 and float32 are read as they lie.
inline Points view_points(const py::array& array) {
  if (array.ndim() != 2)
    throw InputError("data: has shape " + shape_of(array) + ", expected (N, d)");
  Points points;
  if (py::isinstance<py::array_t<double>>(array)) {
    points.scalar = Points::Scalar::kFloat64;
  } else if (py::isinstance<py::array_t<float>>(array)) {
    points.scalar = Points::Scalar::kFloat32;
  } else {
    throw py::type_error("data: must be a native float64 or float32 array");
  }
  const py::ssize_t size = array.itemsize();
  if (array.strides(0) % size != 0 || array.strides(1) % size != 0 ||
      reinterpret_cast<std::uintptr_t>(array.data()) % size != 0)
    throw py::type_error("data: must be aligned");
  points.data = array.data();
  points.n = array.shape(0);
  points.d = static_cast<int>(array.shape(1));
  points.row_stride = array.strides(0) / size;
  points.column_stride = array.strides(1) / size;
  return points;
}

// The user's weights, or null, and their sum (the number of points without any).
struct Weights {
  const double* data = nullptr;
  double total = 0.0;
};

inline Weights view_weights(const std::optional<Array>& weight, std::int64_t n) {
  if (!weight) return {nullptr, static_cast<double>(n)};
  require_shape(*weight, "sample_weight", {n});
  Weights weights{weight->data(), 0.0};
  for (std::int64_t i = 0; i < n; ++i) {
    const double s = weights.data[i];
    if (!(s >= 0.0 && s <= std::numeric_limits<double>::max()))
      throw InputError("sample_weight: that of row " + std::to_string(i) + " is " +
                       std::to_string(s) + "; weights must be finite, 0 or more");
    weights.total += s;
  }
  return weights;
}

inline void require_mass(const Weights& weights) {
  if (weights.total > 0.0) return;
  throw InputError(weights.data == nullptr ? "data: 0 rows; at least one is needed"
                                           : "sample_weight: all are 0");
}

// What was seen of the points, with the arrays that hold it.
struct ObservedArrays {
  Observations observations;
  double total_weight;
  std::vector<py::object> kept;
};

// What a call is given: an array of points and their weights, or observations, which have their
// own.
inline ObservedArrays view_data(const py::object& x, const std::optional<Array>& weight,
                                const PreparedMixture& mixture) {
  ObservedArrays data;
  std::string seen;
  if (py::isinstance<ObservedArrays>(x)) {
    if (weight) throw InputError("sample_weight: observations have their own weights");
    data = py::cast<const ObservedArrays&>(x);
    seen = "data: observations of " + std::to_string(data.observations.nvars()) + " variables";
  } else {
    const auto array = py::cast<py::array>(x);
    data.observations.points = view_points(array);
    const Weights weights = view_weights(weight, data.observations.points.n);
    data.observations.weight = weights.data;
    data.total_weight = weights.total;
    seen = "data: has shape " + shape_of(array);
  }
  if (data.observations.nvars() != mixture.nvars())
    throw InputError(seen + ", but the mixture has " + std::to_string(mixture.nvars()) +
                     " variables");
  return data;
}

inline void require_mass(const ObservedArrays& data) {
  if (data.total_weight > 0.0) return;
  throw InputError(data.observations.weight == nullptr ? "data: 0 rows; at least one is needed"
                                                       : "sample_weight: all are 0");
}

inline Output to_numpy(const Vector& vector) {
  Output array(vector.size());
  std::copy_n(vector.data(), vector.size(), array.mutable_data());
  return array;
}

inline Output to_numpy(const Matrix& matrix) {
  Output array({matrix.rows(), matrix.cols()});
  std::copy_n(matrix.data(), matrix.size(), array.mutable_data());
  return array;
}

// K matrices of d x d.
template <typename Get>
Output stack(int ngauss, int nvars, const Get& get) {
  Output array({ngauss, nvars, nvars});
  double* p = array.mutable_data();
  for (int k = 0; k < ngauss; ++k, p += static_cast<std::size_t>(nvars) * nvars) {
    Eigen::Map<Matrix>(p, nvars, nvars) = get(k);
  }
  return array;
}

inline Output stack(const std::vector<Matrix>& matrices, int nvars) {
  return stack(static_cast<int>(matrices.size()), nvars,
               [&](int k) -> const Matrix& { return matrices[k]; });
}

inline Matrix to_matrix(const Array& array, const char* name, int nvars) {
  require_shape(array, name, {nvars, nvars});
  return Eigen::Map<const Matrix>(array.data(), nvars, nvars);
}

// Lets Ctrl-C through: asked between pieces of work, on the calling thread.
inline bool signal_pending() {
  const py::gil_scoped_acquire gil;
  return PyErr_CheckSignals() != 0;
}

template <typename Work>
auto without_gil(const Work& work) {
  const py::gil_scoped_release released;
  return work(StopRequested(signal_pending));
}

}  // namespace mogfit
