#include "truncated_sampling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mogfit {

namespace {

constexpr int kMaxProposals = 1'000'000;
constexpr double kRejected = -std::numeric_limits<double>::infinity();

// A tilted proposal costs as much as this many others.
constexpr double kTiltedCost = 4.0;

}  // namespace

TruncatedSampler::TruncatedSampler(const StandardBox& box)
    : sides_(box.sides), coupling_(box.factor), diagonal_(box.factor.diagonal()) {
  for (int i = 0; i < size(); ++i) {
    const double unit = diagonal_[i];
    sides_[i] = {sides_[i].low / unit, sides_[i].high / unit, sides_[i].width / unit};
    coupling_.row(i) /= unit;
  }
  // Only the first variable truncated, which leaves its mass to the others as they come.
  log_envelope_ = normal_interval(sides_[0]).log_mass;
  if (size() == 1) return;
  const Tilting tilting = minimax_tilting(box);
  // Written so that a bound that is not a number is not used.
  if (!(tilting.log_bound < log_envelope_ - std::log(kTiltedCost))) return;
  tilt_ = tilting.tilt;
  log_envelope_ = tilting.log_bound;
  // Nothing exceeds an envelope but by the rounding of psi; where that shows, nothing is exact.
  slack_ = 1e-9 + 1e-14 * (std::abs(log_envelope_) + tilt_.squaredNorm());
  if (!(slack_ < 0.1)) slack_ = kRejected;
  first_term_ = 0.5 * tilt_[0] * tilt_[0] + normal_interval(allowed(0, tilt_[0])).log_mass;
}

bool TruncatedSampler::draw(RandomStream& stream, double* z, Place* places) const {
  for (int tries = 0; tries < kMaxProposals; ++tries) {
    const double accepted =
        tilt_.size() == 0 ? propose_plain(stream, z, places) : propose_tilted(stream, z, places);
    if (accepted > slack_) return false;
    if (accepted > kRejected) return true;
  }
  return false;
}

double TruncatedSampler::shift(int i, const double* z) const {
  double sum = 0.0;
  for (int j = 0; j < i; ++j) sum += coupling_(i, j) * z[j];
  return sum;
}

Interval TruncatedSampler::allowed(int i, double shift) const {
  return {sides_[i].low - shift, sides_[i].high - shift, sides_[i].width};
}

double TruncatedSampler::propose_plain(RandomStream& stream, double* z, Place* places) const {
  places[0] = draw_normal(stream, sides_[0]);
  z[0] = places[0].in(sides_[0]);
  places[0].distance *= diagonal_[0];
  for (int i = 1; i < size(); ++i) {
    z[i] = draw_normal(stream);
    const double y = shift(i, z) + z[i];
    if (!(sides_[i].low <= y && y <= sides_[i].high)) return kRejected;
    places[i] = {Place::From::kZero, diagonal_[i] * y};
  }
  return 0.0;
}

// The last variable has no tilt, so whether the others are accepted does not depend on it.
double TruncatedSampler::propose_tilted(RandomStream& stream, double* z, Place* places) const {
  const int last = size() - 1;
  const double log_uniform = std::log1p(-stream.uniform());
  double excess = first_term_ - log_envelope_;
  for (int i = 0; i <= last; ++i) {
    const double tilt = tilt_[i];
    const double added = shift(i, z) + tilt;
    const Interval range = allowed(i, added);
    if (i > 0) excess += 0.5 * tilt * tilt + normal_interval(range).log_mass;
    if (i == last && !(log_uniform <= excess)) return kRejected;
    places[i] = draw_normal(stream, range);
    const double draw = places[i].in(range);
    z[i] = tilt + draw;
    excess -= tilt * z[i];
    if (places[i].from == Place::From::kZero) places[i].distance = added + draw;
    places[i].distance *= diagonal_[i];
  }
  return excess;
}

TruncatedComponent::TruncatedComponent(const Box& box, const Vector& mean, const Matrix& factor) {
  const int d = static_cast<int>(mean.size());
  Matrix rows = factor;
  std::vector<bool> is_free(d, true);
  for (const StandardisedBox::Group& group : standardise(box, mean, factor).groups) {
    for (int i = 0; i < group.box.size(); ++i) {
      const int j = group.variables[i];
      const double unit = group.units[i];
      is_free[j] = false;
      rows.row(bounded_.size()) = factor.row(j) / unit;
      bounded_.push_back({j, unit, mean[j], box.lower[j], box.upper[j]});
    }
    samplers_.emplace_back(group.box);
  }
  for (int j = 0; j < d; ++j)
    if (is_free[j]) {
      rows.row(bounded_.size() + free_.size()) = factor.row(j);
      free_.push_back(j);
      free_means_.push_back(mean[j]);
    }
  free_factor_ = lower_factor(rows).bottomRows(free_.size());
}

bool TruncatedComponent::draw(RandomStream& stream, Workspace& workspace, double* x) const {
  double* const z = workspace.z.data();
  Place* const places = workspace.places.data();
  int done = 0;
  for (const TruncatedSampler& sampler : samplers_) {
    if (!sampler.draw(stream, z + done, places + done)) return false;
    done += sampler.size();
  }
  for (int i = 0; i < done; ++i) {
    const Bounded& b = bounded_[i];
    double value = b.mean;
    if (places[i].from == Place::From::kLow) value = b.unit > 0.0 ? b.lower : b.upper;
    if (places[i].from == Place::From::kHigh) value = b.upper;
    const double sign = places[i].from == Place::From::kHigh ? -1.0 : 1.0;
    value += sign * b.unit * places[i].distance;
    // Against rounding at the bound alone.
    x[b.variable] = std::min(std::max(value, b.lower), b.upper);
  }
  for (std::size_t f = 0; f < free_.size(); ++f) {
    z[done + f] = draw_normal(stream);
    double value = free_means_[f];
    for (std::size_t l = 0; l <= done + f; ++l) value += free_factor_(f, l) * z[l];
    x[free_[f]] = value;
  }
  return true;
}

}  // namespace mogfit
