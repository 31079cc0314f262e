// What Python sees of the fits to functions.
#pragma once

#include <pybind11/pybind11.h>

namespace mogfit {

void bind_function_fits(pybind11::module_& m);

}  // namespace mogfit
