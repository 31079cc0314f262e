// What Python sees of models: the family of the covariances, what is held, and priors.
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "array_views.hpp"
#include "bindings.hpp"
#include "errors.hpp"
#include "model.hpp"

namespace mogfit {

namespace {

constexpr std::pair<const char*, Structure> kStructures[] = {
    {"full", Structure::kFull},           {"diag", Structure::kDiag},
    {"spherical", Structure::kSpherical}, {"tied", Structure::kTied},
    {"tied_diag", Structure::kTiedDiag},  {"tied_spherical", Structure::kTiedSpherical}};

Structure structure_named(const std::string& name) {
  std::string allowed;
  for (const auto& [text, structure] : kStructures) {
    if (name == text) return structure;
    allowed += (allowed.empty() ? "'" : ", '") + std::string(text) + "'";
  }
  throw InputError("structure: is '" + name + "'; allowed: " + allowed);
}

const char* name_of(Structure structure) {
  for (const auto& [text, of] : kStructures)
    if (structure == of) return text;
  return "";
}

using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

std::vector<char> flags(const std::optional<Flags>& given, const char* name) {
  if (!given) return {};
  if (given->ndim() != 1)
    throw InputError(std::string(name) + ": has shape " + shape_of(*given) + ", expected (K,)");
  return {given->data(), given->data() + given->size()};
}

void require_number(double value, const char* name) {
  if (!(std::abs(value) <= std::numeric_limits<double>::max()))
    throw InputError(std::string(name) + ": is " + std::to_string(value) + ", must be finite");
}

Prior make_prior(const Array& concentration, const Array& mean, double mean_strength, double dof,
                 const Array& scale) {
  if (concentration.ndim() != 1)
    throw InputError("concentration: has shape " + shape_of(concentration) + ", expected (K,)");
  if (mean.ndim() != 1) throw InputError("mean: has shape " + shape_of(mean) + ", expected (d,)");
  require_number(mean_strength, "mean_strength");
  require_number(dof, "dof");
  if (mean_strength < 0.0)
    throw InputError("mean_strength: is " + std::to_string(mean_strength) + ", must be 0 or more");
  Prior prior{Eigen::Map<const Vector>(concentration.data(), concentration.size()),
              Eigen::Map<const Vector>(mean.data(), mean.size()), mean_strength, dof,
              to_matrix(scale, "scale", static_cast<int>(mean.size()))};
  if (!(prior.concentration.array() >= 1.0).all() || !prior.concentration.allFinite())
    throw InputError("concentration: must be finite and 1 or more; below 1 there is no maximum");
  if (!prior.mean.allFinite()) throw InputError("mean: holds values that are not finite");
  return prior;
}

Model make_model(const std::string& structure, const std::optional<Flags>& fixed_weights,
                 const std::optional<Flags>& fixed_means,
                 const std::optional<Flags>& fixed_covariances, const Prior* prior, double ridge) {
  if (!(ridge >= 0.0 && ridge <= std::numeric_limits<double>::max()))
    throw InputError("ridge: is " + std::to_string(ridge) + ", must be finite, 0 or more");
  Model model;
  model.structure = structure_named(structure);
  model.held = {flags(fixed_weights, "fixed_weights"), flags(fixed_means, "fixed_means"),
                flags(fixed_covariances, "fixed_covariances")};
  if (prior) model.prior = *prior;
  model.ridge = ridge;
  return model;
}

}  // namespace

void bind_models(py::module_& m) {
  using py::arg;

  py::class_<Prior>(m, "Prior")
      .def(py::init(&make_prior), arg("concentration"), arg("mean"), arg("mean_strength"),
           arg("dof"), arg("scale"));
  py::class_<Model>(m, "Model")
      .def(py::init(&make_model), arg("structure") = "full", py::kw_only(),
           arg("fixed_weights") = py::none(), arg("fixed_means") = py::none(),
           arg("fixed_covariances") = py::none(), arg("prior") = py::none(), arg("ridge") = 0.0)
      .def_property_readonly("structure",
                             [](const Model& model) { return name_of(model.structure); })
      .def("for_fraction", &Model::for_fraction, arg("fraction"))
      .def(
          "log_prior",
          [](const Model& model, const PreparedMixture& mixture) {
            model.check(mixture);
            return model.log_prior(mixture);
          },
          arg("mixture"))
      .def(
          "ridge_value",
          [](const Model& model, const PreparedMixture& mixture, double total) {
            return model.for_total(total).ridge_value(mixture);
          },
          arg("mixture"), arg("total"));
  m.def(
      "constrained",
      [](const PreparedMixture& mixture, const std::string& structure) {
        return constrained(mixture, structure_named(structure));
      },
      arg("mixture"), arg("structure"));
}

}  // namespace mogfit
