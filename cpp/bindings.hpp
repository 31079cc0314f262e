// What the parts of the bindings add to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace mogfit {

void bind_clusters(pybind11::module_& m);
void bind_observations(pybind11::module_& m);
void bind_models(pybind11::module_& m);
void bind_fits(pybind11::module_& m);
void bind_function_fits(pybind11::module_& m);

}  // namespace mogfit
