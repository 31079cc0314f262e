// Which instruction sets this CPU (and its operating system) offers. Built for the baseline, so
// that it can be imported anywhere.
#include <pybind11/pybind11.h>

namespace {

// The levels of the x86-64 psABI that this machine runs, best first; none elsewhere.
pybind11::list supported_levels() {
  pybind11::list levels;
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init();
  const bool v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("ssse3") &&
                  __builtin_cpu_supports("popcnt");
  const bool v3 = v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  const bool v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                  __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512vl");
  if (v4) levels.append("v4");
  if (v3) levels.append("v3");
  if (v2) levels.append("v2");
#endif
  return levels;
}

}  // namespace

PYBIND11_MODULE(_cpu, m) { m.def("supported_levels", &supported_levels); }
