#include "penalty.hpp"

namespace mogfit {

double Penalty::value(const PreparedMixture& mixture) const {
  if (strength == 0.0) return 0.0;
  double sum = 0.0;
  for (int k = 0; k < mixture.ngauss(); ++k) {
    const Matrix& w = mixture.whitening(k);
    // tr(S Sigma^-1) = tr(W S W^T)
    sum += (w * reference).cwiseProduct(w).sum() +
           2.0 * mixture.factor(k).diagonal().array().log().sum();
  }
  return strength * total * sum;
}

}  // namespace mogfit
