#include "model.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "errors.hpp"

namespace mogfit {

namespace {

void require_flags(const std::vector<char>& flags, const char* name, int ngauss) {
  if (flags.empty() || static_cast<int>(flags.size()) == ngauss) return;
  throw InputError(std::string(name) + ": has " + std::to_string(flags.size()) +
                   " values, expected one for each of " + std::to_string(ngauss) + " components");
}

// The matrix of the shape nearest in likelihood.
Matrix shaped(const Matrix& covariance, Shape shape) {
  const auto d = covariance.rows();
  if (shape == Shape::kFull) return covariance;
  if (shape == Shape::kDiagonal) return covariance.diagonal().asDiagonal();
  return Vector::Constant(d, covariance.trace() / static_cast<double>(d)).asDiagonal();
}

}  // namespace

bool tied(Structure structure) {
  return structure == Structure::kTied || structure == Structure::kTiedDiag ||
         structure == Structure::kTiedSpherical;
}

Shape shape_of(Structure structure) {
  switch (structure) {
    case Structure::kDiag:
    case Structure::kTiedDiag: return Shape::kDiagonal;
    case Structure::kSpherical:
    case Structure::kTiedSpherical: return Shape::kSpherical;
    default: return Shape::kFull;
  }
}

Model Model::for_total(double total) const {
  Model model = *this;
  model.penalty.total = total;
  return model;
}

Model Model::for_fraction(double part) const {
  Model model = *this;
  model.fraction *= part;
  return model;
}

void Model::check(const PreparedMixture& mixture) const {
  const int ngauss = mixture.ngauss();
  const int nvars = mixture.nvars();
  require_flags(held.weights, "fixed_weights", ngauss);
  require_flags(held.means, "fixed_means", ngauss);
  require_flags(held.covariances, "fixed_covariances", ngauss);
  if (tied())
    for (int k = 1; k < ngauss; ++k)
      if (held.covariance(k) != held.covariance(0))
        throw InputError(
            "fixed_covariances: tied covariances are one matrix; hold all of them or none");
  if (!prior) return;
  if (prior->concentration.size() != ngauss || prior->mean.size() != nvars ||
      prior->scale.rows() != nvars)
    throw InputError("prior: of " + std::to_string(prior->concentration.size()) +
                     " components in " + std::to_string(prior->mean.size()) +
                     " variables, but the mixture has " + std::to_string(ngauss) + " in " +
                     std::to_string(nvars));
}

double Model::log_prior(const PreparedMixture& mixture) const {
  if (!prior) return 0.0;
  const int ngauss = mixture.ngauss();
  const double log_total = mixture.log_total_weight();
  double sum = 0.0;
  for (int k = 0; k < ngauss; ++k) {
    const double a = prior->concentration[k] - 1.0;
    // A flat prior says nothing of a weight of 0.
    if (a != 0.0) sum += a * (mixture.log_weights()[k] - log_total);
    const Matrix& w = mixture.whitening(k);
    const double half_log_det = mixture.factor(k).diagonal().array().log().sum();
    const double quadratic = (w * mean_offset(mixture.means().row(k))).squaredNorm();
    sum -= 0.5 * prior->mean_strength * quadratic;
    const double d = mixture.nvars();
    const double share = tied() ? 1.0 / ngauss : 1.0;
    sum -= (1.0 + share * (prior->dof + d + 1.0)) * half_log_det;
    sum -= 0.5 * share * (w * prior->scale).cwiseProduct(w).sum();
  }
  return fraction * sum;
}

double Model::added(const PreparedMixture& mixture) const {
  return log_prior(mixture) - penalty.value(mixture);
}

double Model::ridge_value(const PreparedMixture& mixture) const {
  if (ridge == 0.0) return 0.0;
  const double log_total = mixture.log_total_weight();
  double sum = 0.0;
  for (int k = 0; k < mixture.ngauss(); ++k)
    sum += std::exp(mixture.log_weights()[k] - log_total) * mixture.whitening(k).squaredNorm();
  return 0.5 * ridge * penalty.total * sum;
}

double Model::weight_count(int k) const {
  return prior ? fraction * (prior->concentration[k] - 1.0) : 0.0;
}

double Model::mean_count() const { return prior ? fraction * prior->mean_strength : 0.0; }

Vector Model::mean_offset(const Vector& mu) const {
  return prior ? Vector(prior->mean - mu) : Vector(Vector::Zero(mu.size()));
}

double Model::covariance_count(int ngauss) const {
  double count = penalty.pseudo_points();
  if (!prior) return count;
  const double own = prior->dof + static_cast<double>(prior->mean.size()) + 1.0;
  return count + fraction * (1.0 + (tied() ? own / ngauss : own));
}

Matrix Model::covariance_scatter(int ngauss, int nvars) const {
  Matrix scatter = Matrix::Zero(nvars, nvars);
  if (penalty.strength > 0.0) scatter += penalty.pseudo_points() * penalty.reference;
  if (prior) scatter += (tied() ? fraction / ngauss : fraction) * prior->scale;
  return scatter;
}

std::vector<Matrix> constrain(const Model& model, const PreparedMixture& before,
                              const std::vector<Matrix>& scatter, const Vector& count) {
  const int ngauss = before.ngauss();
  const int nvars = before.nvars();
  const auto estimate = [&](const Matrix& sum, double points) {
    Matrix covariance = shaped(sum / points, model.shape());
    if (model.ridge > 0.0) covariance.diagonal().array() += model.ridge;
    // Rounding differs between the triangles, and cancellation could make it show.
    covariance.triangularView<Eigen::StrictlyUpper>() = covariance.transpose();
    return covariance;
  };
  std::vector<Matrix> covariances(ngauss);
  if (model.tied() && !model.held.covariance(0)) {
    Matrix sum = Matrix::Zero(nvars, nvars);
    for (const Matrix& one : scatter) sum += one;
    covariances.assign(ngauss, estimate(sum, count.sum()));
    return covariances;
  }
  for (int k = 0; k < ngauss; ++k)
    covariances[k] = model.held.covariance(k) || !(count[k] > 0.0) ? before.covariance(k)
                                                                   : estimate(scatter[k], count[k]);
  return covariances;
}

PreparedMixture assemble(const Vector& weights, const Matrix& means,
                         const std::vector<Matrix>& covariances, const PreparedMixture& like) {
  const int nvars = static_cast<int>(means.cols());
  std::vector<double> stacked;
  stacked.reserve(covariances.size() * nvars * nvars);
  for (const Matrix& covariance : covariances)
    stacked.insert(stacked.end(), covariance.data(), covariance.data() + covariance.size());
  return PreparedMixture::from_covariances(static_cast<int>(weights.size()), nvars, weights.data(),
                                           means.data(), stacked.data(), like.truncation());
}

PreparedMixture constrained(const PreparedMixture& mixture, Structure structure) {
  Model model;
  model.structure = structure;
  const Vector weights = (mixture.log_weights().array() - mixture.log_total_weight()).exp();
  std::vector<Matrix> scatter(mixture.ngauss());
  for (int k = 0; k < mixture.ngauss(); ++k) scatter[k] = weights[k] * mixture.covariance(k);
  return assemble(weights, mixture.means(), constrain(model, mixture, scatter, weights), mixture);
}

}  // namespace mogfit
