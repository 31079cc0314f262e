// Exact draws from a normal vector restricted to a box.
#pragma once

#include <vector>

#include "minimax_tilting.hpp"
#include "normal_draws.hpp"
#include "standard_box.hpp"

namespace mogfit {

// Draws z ~ N(0, I) restricted to a box by proposal and acceptance. Immutable: all randomness is in
// the stream.
class TruncatedSampler {
 public:
  explicit TruncatedSampler(const StandardBox& box);

  int size() const { return static_cast<int>(sides_.size()); }

  // Of all proposals exp(log Z - log_envelope) are accepted, Z the probability of the box.
  double log_envelope() const { return log_envelope_; }

  // One draw: z, and where (factor z)_i lies between its sides. False when a million proposals in a
  // row were rejected, or psi is lost in rounding: the box holds next to no mass.
  [[nodiscard]] bool draw(RandomStream& stream, double* z, Place* places) const;

 private:
  // The sides are those of z_i plus what z_1..z_(i-1) add to it.
  double shift(int i, const double* z) const;
  Interval allowed(int i, double shift) const;
  // Log of the probability with which this proposal was accepted, -inf when it was not.
  double propose_plain(RandomStream& stream, double* z, Place* places) const;
  double propose_tilted(RandomStream& stream, double* z, Place* places) const;

  std::vector<Interval> sides_;  // in units of the diagonal of the factor
  Matrix coupling_;              // rows of the factor over their diagonal entries
  Vector diagonal_;
  Vector tilt_;  // empty: the variables after the first are not tilted but drawn untruncated
  double log_envelope_;
  double first_term_ = 0.0;  // of psi
  double slack_ = 0.0;       // how far rounding may lift psi above the envelope
};

// Draws x ~ N(mean, factor factor^T), lower <= x <= upper, the factor lower triangular. Free
// variables are drawn given the bounded ones. Immutable as well.
class TruncatedComponent {
 public:
  TruncatedComponent(const Box& box, const Vector& mean, const Matrix& factor);

  struct Workspace {
    explicit Workspace(int nvars) : z(nvars), places(nvars) {}
    std::vector<double> z;
    std::vector<Place> places;
  };

  // x inside the box to the last bit; false as said above.
  [[nodiscard]] bool draw(RandomStream& stream, Workspace& workspace, double* x) const;

 private:
  struct Bounded {
    int variable;
    double unit;
    double mean;
    double lower;
    double upper;
  };
  std::vector<TruncatedSampler> samplers_;
  std::vector<Bounded> bounded_;  // group after group
  std::vector<int> free_;
  std::vector<double> free_means_;
  Matrix free_factor_;  // x - mean = free_factor z, z those of the bounded variables, then others
};

}  // namespace mogfit
