// What the core should answer: one point, one component, one number at a time, in long double.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "prepared_mixture.hpp"

namespace mogfit::tests {

using Real = long double;

// A mixture as plain numbers: K, K x d, K x d x d, row-major.
template <typename T>
struct Parameters {
  int ngauss;
  int nvars;
  std::vector<T> weights;
  std::vector<T> means;
  std::vector<T> covariances;

  const T* mean(int k) const { return means.data() + static_cast<std::size_t>(k) * nvars; }
  const T* covariance(int k) const {
    return covariances.data() + static_cast<std::size_t>(k) * nvars * nvars;
  }
};

inline PreparedMixture prepare(const Parameters<double>& p) {
  return PreparedMixture::from_covariances(p.ngauss, p.nvars, p.weights.data(), p.means.data(),
                                           p.covariances.data());
}

inline Parameters<Real> widen(const Parameters<double>& p) {
  return {p.ngauss,
          p.nvars,
          {p.weights.begin(), p.weights.end()},
          {p.means.begin(), p.means.end()},
          {p.covariances.begin(), p.covariances.end()}};
}

// Lower Cholesky factor, row-major.
inline std::vector<Real> cholesky(const Real* sigma, int d) {
  std::vector<Real> l(static_cast<std::size_t>(d) * d, 0.0L);
  for (int i = 0; i < d; ++i)
    for (int j = 0; j <= i; ++j) {
      Real sum = sigma[i * d + j];
      for (int m = 0; m < j; ++m) sum -= l[i * d + m] * l[j * d + m];
      l[i * d + j] = i == j ? std::sqrt(sum) : sum / l[j * d + j];
    }
  return l;
}

inline Real log_determinant(const std::vector<Real>& l, int d) {
  Real sum = 0.0L;
  for (int j = 0; j < d; ++j) sum += 2.0L * std::log(l[j * d + j]);
  return sum;
}

// |L^-1 y|^2 by forward substitution.
inline Real squared_length(const std::vector<Real>& l, std::vector<Real> y) {
  const int d = static_cast<int>(y.size());
  Real sum = 0.0L;
  for (int i = 0; i < d; ++i) {
    for (int m = 0; m < i; ++m) y[i] -= l[i * d + m] * y[m];
    y[i] /= l[i * d + i];
    sum += y[i] * y[i];
  }
  return sum;
}

struct ReferencePass {
  Real loglik = 0.0L;
  std::vector<Real> log_density;       // n
  std::vector<Real> component_log;     // n x K, without the weight
  std::vector<Real> responsibilities;  // n x K
  std::vector<Real> s0;                // K
  std::vector<Real> s1;                // K x d
  std::vector<Real> s2;                // K x d x d
};

// Of n x d values (row-major); weight may be empty. Points that are not finite are not for it.
inline ReferencePass reference_pass(const Parameters<Real>& p, const std::vector<double>& x,
                                    const std::vector<double>& weight = {}) {
  const int d = p.nvars;
  const std::size_t n = x.size() / d;
  ReferencePass out;
  out.s0.assign(p.ngauss, 0.0L);
  out.s1.assign(static_cast<std::size_t>(p.ngauss) * d, 0.0L);
  out.s2.assign(static_cast<std::size_t>(p.ngauss) * d * d, 0.0L);
  std::vector<std::vector<Real>> factors;
  for (int k = 0; k < p.ngauss; ++k) factors.push_back(cholesky(p.covariance(k), d));
  const Real log_two_pi = std::log(2.0L * std::acos(-1.0L));
  std::vector<Real> y(d);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<Real> joint(p.ngauss);
    Real largest = -std::numeric_limits<Real>::infinity();
    for (int k = 0; k < p.ngauss; ++k) {
      for (int j = 0; j < d; ++j) y[j] = x[i * d + j] - p.mean(k)[j];
      const Real log_normal =
          -0.5L * (squared_length(factors[k], y) + log_determinant(factors[k], d) + d * log_two_pi);
      out.component_log.push_back(log_normal);
      joint[k] = std::log(p.weights[k]) + log_normal;
      largest = std::fmax(largest, joint[k]);
    }
    Real sum = 0.0L;
    for (const Real value : joint) sum += std::exp(value - largest);
    const Real log_density = largest + std::log(sum);
    out.log_density.push_back(log_density);
    const Real s = weight.empty() ? 1.0L : weight[i];
    out.loglik += s * log_density;
    for (int k = 0; k < p.ngauss; ++k) {
      const Real r = std::exp(joint[k] - log_density);
      out.responsibilities.push_back(r);
      out.s0[k] += s * r;
      for (int j = 0; j < d; ++j) y[j] = x[i * d + j] - p.mean(k)[j];
      for (int j = 0; j < d; ++j) {
        out.s1[k * d + j] += s * r * y[j];
        for (int l = 0; l < d; ++l) out.s2[(k * d + j) * d + l] += s * r * y[j] * y[l];
      }
    }
  }
  return out;
}

// strength * total * sum_k [tr(S Sigma_k^-1) + log det Sigma_k], S = reference (d x d).
inline Real reference_penalty(const Parameters<Real>& p, Real strength, Real total,
                              const std::vector<double>& reference) {
  const int d = p.nvars;
  Real sum = 0.0L;
  const std::vector<Real> widened(reference.begin(), reference.end());
  const std::vector<Real> root = cholesky(widened.data(), d);
  for (int k = 0; k < p.ngauss; ++k) {
    const std::vector<Real> l = cholesky(p.covariance(k), d);
    sum += log_determinant(l, d);
    // tr(S Sigma^-1) = sum over the columns c of S's factor of |L^-1 c|^2
    for (int c = 0; c < d; ++c) {
      std::vector<Real> column(d);
      for (int i = 0; i < d; ++i) column[i] = root[i * d + c];
      sum += squared_length(l, column);
    }
  }
  return strength * total * sum;
}

// Numbers that are the same on every machine: the generator is the standard's, the maps are ours.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : engine_(seed) {}

  double uniform(double low, double high) {
    return low + (high - low) * (static_cast<double>(engine_() >> 11) * 0x1p-53);
  }

  std::vector<double> uniforms(std::size_t n, double low, double high) {
    std::vector<double> values(n);
    for (double& value : values) value = uniform(low, high);
    return values;
  }

  // Overlapping components with correlated variables of different scales.
  Parameters<double> mixture(int ngauss, int nvars) {
    Parameters<double> p{ngauss, nvars, uniforms(ngauss, 0.2, 1.0), {}, {}};
    double total = 0.0;
    for (const double w : p.weights) total += w;
    for (double& w : p.weights) w /= total;
    p.means = uniforms(static_cast<std::size_t>(ngauss) * nvars, -2.0, 2.0);
    for (int k = 0; k < ngauss; ++k) {
      const std::vector<double> a = uniforms(static_cast<std::size_t>(nvars) * nvars, -1.0, 1.0);
      for (int i = 0; i < nvars; ++i)
        for (int j = 0; j < nvars; ++j) {
          double sum = i == j ? 0.5 * nvars : 0.0;
          for (int m = 0; m < nvars; ++m) sum += a[i * nvars + m] * a[j * nvars + m];
          p.covariances.push_back(sum / nvars * (1.0 + 0.5 * (i % 3)) * (1.0 + 0.5 * (j % 3)));
        }
    }
    return p;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mogfit::tests
