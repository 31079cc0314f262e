#include "posterior.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "block_evaluator.hpp"
#include "normal_draws.hpp"
#include "observed_part.hpp"
#include "part_blocks.hpp"
#include "sampling.hpp"

namespace mogfit {

namespace {

// The variables of a part that are not known exactly, and what each component says of them.
class Unknowns {
 public:
  Unknowns(const PreparedMixture& mixture, const ObservedPart& part)
      : part_(part), noisy_(part.noise != Noise::kNone) {
    const int nvars = mixture.nvars();
    const bool partial = !part.regressions.empty();
    std::vector<char> exact(nvars, 0);
    // Values seen without noise; shared noise is part of the regression.
    if (!noisy_ || part.seen_exactly)
      for (std::size_t j = 0; j < part.columns.size(); ++j)
        exact[part.columns[j]] = !partial || is_exact(part, static_cast<int>(j));
    for (int j = 0; j < nvars; ++j)
      if (!exact[j]) variables_.push_back(j);
    for (int k = 0; k < mixture.ngauss(); ++k) {
      const Matrix& factor = part.mixture->factor(k);
      Matrix slopes = Matrix::Identity(nvars, part.mixture->nvars());
      Matrix rest = Matrix::Zero(nvars, nvars);
      if (partial) {
        slopes = part.regressions[k].gain;
        rest = part.regressions[k].rest;
      }
      slopes_.push_back(rows_of(slopes));
      gains_.push_back(noisy_ ? Matrix(slopes_[k] * factor) : slopes_[k]);
      rests_.push_back(rows_and_columns_of(rest));
      means_.push_back(rows_of(mixture.means().row(k).transpose()));
    }
  }

  const std::vector<int>& variables() const { return variables_; }
  int count() const { return static_cast<int>(variables_.size()); }
  // Its number among them, or -1.
  int place_of(int variable) const {
    const auto found = std::find(variables_.begin(), variables_.end(), variable);
    return found == variables_.end() ? -1 : static_cast<int>(found - variables_.begin());
  }
  // E[x - mu | seen] of the unknowns from the scores, or from the centred values.
  const Matrix& gain(int k) const { return gains_[k]; }
  // The same from those of the columns seen, and what that leaves of their covariance.
  const Matrix& slopes(int k) const { return slopes_[k]; }
  const Matrix& rest(int k) const { return rests_[k]; }
  double mean(int k, int u) const { return means_[k](u, 0); }
  bool noisy() const { return noisy_; }

 private:
  static bool is_exact(const ObservedPart& part, int column) {
    return std::all_of(part.regressions.begin(), part.regressions.end(), [&](const auto& r) {
      const int variable = part.columns[column];
      const auto row = r.gain.row(variable);
      return r.rest(variable, variable) == 0.0 && row[column] == 1.0 && row.cwiseAbs().sum() == 1.0;
    });
  }
  Matrix rows_of(const Matrix& all) const {
    Matrix chosen(variables_.size(), all.cols());
    for (std::size_t u = 0; u < variables_.size(); ++u) chosen.row(u) = all.row(variables_[u]);
    return chosen;
  }
  Matrix rows_and_columns_of(const Matrix& all) const {
    return rows_of(rows_of(all).transpose()).transpose();
  }

  const ObservedPart& part_;
  bool noisy_;
  std::vector<int> variables_;
  std::vector<Matrix> slopes_;
  std::vector<Matrix> gains_;
  std::vector<Matrix> rests_;
  std::vector<Matrix> means_;
};

// What the components say of the unknowns of the points of one block.
class BlockPosterior {
 public:
  BlockPosterior(const PreparedMixture& mixture, const ObservedPart& part, const Unknowns& unknowns)
      : mixture_(mixture),
        part_(part),
        unknowns_(unknowns),
        evaluator_(part, Kept::kPosterior),
        inputs_(unknowns.count() ? static_cast<int>(unknowns.gain(0).cols()) : 0),
        conditional_(static_cast<std::size_t>(mixture.ngauss()) * unknowns.count() * kColumn),
        means_(static_cast<std::size_t>(unknowns.count()) * kColumn),
        covariances_(static_cast<std::size_t>(unknowns.count()) * (unknowns.count() + 1) / 2 *
                     kColumn),
        shares_(static_cast<std::size_t>(mixture.ngauss()) * kColumn) {}

  // Responsibilities, and E[x_u | seen, k] for every unknown u and component k.
  void load(std::int64_t block) {
    evaluator_.load(block);
    evaluator_.sum_components(BlockEvaluator::Keep::kShares);
    const int length = evaluator_.registers() * kNativeDoubles;
    for (int k = 0; k < mixture_.ngauss(); ++k) {
      for (int i = 0; i < length; i += kNativeDoubles)
        store(share(k) + i,
              mogfit::load(evaluator_.exponents(k) + i) * mogfit::load(evaluator_.inverse() + i));
      for (int u = 0; u < unknowns_.count(); ++u)
        for (int i = 0; i < length; i += kNativeDoubles) {
          Native value = broadcast(unknowns_.mean(k, u));
          for (int j = 0; j < inputs_; ++j) value += input(k, j, i) * unknowns_.gain(k)(u, j);
          store(conditional(k, u) + i, value);
        }
    }
    for (int u = 0; u < unknowns_.count(); ++u)
      for (int i = 0; i < length; i += kNativeDoubles) {
        Native sum{};
        for (int k = 0; k < mixture_.ngauss(); ++k)
          sum += mogfit::load(share(k) + i) * mogfit::load(conditional(k, u) + i);
        store(mean(u) + i, sum);
      }
  }

  int nvars() const { return mixture_.nvars(); }
  int rows() const { return evaluator_.rows(); }
  // Whether the density of the point is not a positive number.
  bool undefined(int i) { return !(evaluator_.inverse()[i] > 0.0); }
  double* share(int k) { return shares_.data() + static_cast<std::size_t>(k) * kColumn; }
  double* conditional(int k, int u) {
    return conditional_.data() + (static_cast<std::size_t>(k) * unknowns_.count() + u) * kColumn;
  }
  double* mean(int u) { return means_.data() + static_cast<std::size_t>(u) * kColumn; }

  // Whether column j of point i was seen without noise, although others may not have been.
  bool exact(int j, int i) const {
    if (part_.noise == Noise::kNone || part_.projected()) return false;
    const int offset = part_.noise == Noise::kCovariances ? j * (j + 1) / 2 + j : j;
    return evaluator_.coordinate(part_.points.d + offset)[i] == 0.0;
  }

  // What is left of point i in component k inside a domain.
  std::optional<Remainder> remainder(int k, int i) const {
    return evaluator_.seen_through()->remainder(evaluator_.coordinate(0) + i, k);
  }

  // Cov[x | seen, k] of the unknowns of point i.
  Matrix covariance(int k, int i) {
    const Matrix& rest = unknowns_.rest(k);
    if (!unknowns_.noisy()) return rest;
    const int n = inputs_;
    Matrix inner(n, n);
    int m = n;
    for (int a = 0; a < n; ++a)
      for (int b = 0; b <= a; ++b)
        inner(a, b) = inner(b, a) = evaluator_.seen_through()->score(k, m++)[i];
    return rest + unknowns_.slopes(k) * inner * unknowns_.slopes(k).transpose();
  }

  // Cov[x | seen] of the unknowns, after which covariance_entry gives them.
  void sum_covariances() {
    const int count = unknowns_.count();
    const int length = evaluator_.registers() * kNativeDoubles;
    std::vector<Native> inner(static_cast<std::size_t>(inputs_) * inputs_);
    for (int i = 0; i < length; i += kNativeDoubles) {
      for (int m = 0; m < count * (count + 1) / 2; ++m) store(entry(m) + i, Native{});
      for (int k = 0; k < mixture_.ngauss(); ++k) {
        const Native r = mogfit::load(share(k) + i);
        if (unknowns_.noisy()) load_inner(k, i, inner.data());
        int m = 0;
        for (int u = 0; u < count; ++u) {
          const Native weighted = r * offset(k, u, i);
          for (int v = 0; v <= u; ++v, ++m) {
            Native within = broadcast(unknowns_.rest(k)(u, v));
            if (unknowns_.noisy()) within += through_slopes(k, u, v, inner.data());
            store(entry(m) + i,
                  mogfit::load(entry(m) + i) + r * within + weighted * offset(k, v, i));
          }
        }
      }
    }
  }
  double covariance_entry(int u, int v, int i) {
    return entry(u >= v ? u * (u + 1) / 2 + v : v * (v + 1) / 2 + u)[i];
  }

 private:
  Native offset(int k, int u, int i) {
    return mogfit::load(conditional(k, u) + i) - mogfit::load(mean(u) + i);
  }

  // Cov[x | seen, k] of the columns seen, of one register of points.
  void load_inner(int k, int i, Native* inner) {
    int m = inputs_;
    for (int a = 0; a < inputs_; ++a)
      for (int b = 0; b <= a; ++b)
        inner[a * inputs_ + b] = inner[b * inputs_ + a] =
            mogfit::load(evaluator_.seen_through()->score(k, m++) + i);
  }

  // (slopes inner slopes^T)_uv
  Native through_slopes(int k, int u, int v, const Native* inner) const {
    const Matrix& slopes = unknowns_.slopes(k);
    Native total{};
    for (int a = 0; a < inputs_; ++a) {
      Native sum{};
      for (int b = 0; b < inputs_; ++b) sum += inner[a * inputs_ + b] * slopes(v, b);
      total += sum * slopes(u, a);
    }
    return total;
  }

  double* entry(int m) { return covariances_.data() + static_cast<std::size_t>(m) * kColumn; }

  Native input(int k, int j, int i) {
    if (unknowns_.noisy()) return mogfit::load(evaluator_.seen_through()->score(k, j) + i);
    return mogfit::load(evaluator_.coordinate(j) + i) - part_.mixture->means()(k, j);
  }

  const PreparedMixture& mixture_;
  const ObservedPart& part_;
  const Unknowns& unknowns_;
  BlockEvaluator evaluator_;
  int inputs_;
  Scratch conditional_;
  Scratch means_;
  Scratch covariances_;
  Scratch shares_;
};

// Calls seen(block posterior, unknowns, part, first) for every block of the rows of which something
// was seen, and blank(part) for those of which nothing was.
template <typename Seen, typename Blank>
void for_each_part(const PreparedMixture& mixture, const Observations& observations, int threads,
                   const StopRequested& stop, const Seen& seen, const Blank& blank) {
  const auto one = [&](const ObservedPart& part) {
    if (part.blank()) return blank(part);
    const Unknowns unknowns(mixture, part);
    for_each_block(
        part, mixture.ngauss() * (estimated_nanoseconds(part) + unknowns.count() * part.points.d),
        threads, stop, [&] { return std::make_unique<BlockPosterior>(mixture, part, unknowns); },
        [&](BlockPosterior& posterior, std::int64_t first) {
          seen(posterior, unknowns, part, first);
        });
  };
  for_each_batch(mixture, observations, threads, stop, [&](const std::vector<ObservedPart>& parts) {
    for (const ObservedPart& part : parts) one(part);
  });
}

// The values of row i of a part that were seen, at their places among the V variables.
void copy_seen(const ObservedPart& part, std::int64_t i, double* x) {
  part.points.visit([&](const auto* data) {
    const auto* const source = data + part.points.row(i) * part.points.row_stride;
    for (std::size_t j = 0; j < part.columns.size(); ++j)
      x[part.columns[j]] = static_cast<double>(
          source[part.points.columns ? part.points.columns[j] : j * part.points.column_stride]);
  });
}

// Those of them that have no noise, which rounding must not change.
void copy_exact(const BlockPosterior& posterior, const ObservedPart& part, int i, std::int64_t row,
                double* x) {
  std::vector<double> seen(x, x + posterior.nvars());
  copy_seen(part, row, seen.data());
  for (std::size_t j = 0; j < part.columns.size(); ++j)
    if (posterior.exact(static_cast<int>(j), i)) x[part.columns[j]] = seen[part.columns[j]];
}

void draw_inside(const Remainder& remainder, std::uint64_t seed, double* x) {
  std::copy_n(remainder.known.data(), remainder.known.size(), x);
  if (!remainder.rest) return;
  std::vector<double> inside(remainder.unknown.size());
  std::int64_t label = 0;
  sample(*remainder.rest, 1, seed, inside.data(), &label, 1);
  for (std::size_t u = 0; u < inside.size(); ++u) x[remainder.unknown[u]] = inside[u];
}

// The overall mean and covariance: what is known of rows of which nothing was seen.
void prior(const PreparedMixture& mixture, Vector& mean, Matrix& covariance) {
  const Vector weights = (mixture.log_weights().array() - mixture.log_total_weight()).exp();
  std::vector<Vector> means;
  mean = Vector::Zero(mixture.nvars());
  for (int k = 0; k < mixture.ngauss(); ++k) {
    means.push_back(mixture.means().row(k).transpose());
    if (mixture.truncation()) means[k] += mixture.box(k).mean;
    mean += weights[k] * means[k];
  }
  covariance = Matrix::Zero(mixture.nvars(), mixture.nvars());
  for (int k = 0; k < mixture.ngauss(); ++k) {
    const Vector offset = means[k] - mean;
    covariance += weights[k] * (mixture.covariance(k) + offset * offset.transpose());
    if (!mixture.truncation()) continue;
    const Vector& inside = mixture.box(k).mean;
    covariance += weights[k] * (mixture.box(k).excess - inside * inside.transpose());
  }
}

}  // namespace

void posterior(const PreparedMixture& mixture, const Observations& observations,
               const std::vector<int>& variables, double* means, double* covariances, int threads,
               const StopRequested& stop) {
  const auto width = static_cast<std::int64_t>(variables.size());
  const auto blank = [&](const ObservedPart& part) {
    Vector mean;
    Matrix covariance;
    prior(mixture, mean, covariance);
    for (std::int64_t i = 0; i < part.points.n; ++i) {
      const std::int64_t row = part.points.row(i);
      for (std::int64_t u = 0; u < width; ++u) {
        means[row * width + u] = mean[variables[u]];
        for (std::int64_t v = 0; covariances && v < width; ++v)
          covariances[(row * width + u) * width + v] = covariance(variables[u], variables[v]);
      }
    }
  };
  const auto write = [&](BlockPosterior& posterior, const Unknowns& unknowns,
                         const ObservedPart& part, std::int64_t first) {
    // Where each of the variables stands among the unknowns; -1 where it was seen exactly.
    std::vector<int> place(variables.size());
    for (std::size_t u = 0; u < variables.size(); ++u) place[u] = unknowns.place_of(variables[u]);
    std::vector<double> seen(mixture.nvars());
    std::vector<char> exact(mixture.nvars(), 0);
    if (covariances) posterior.sum_covariances();
    for (int i = 0; i < posterior.rows(); ++i) {
      const std::int64_t row = part.points.row(first + i);
      const auto known = [&](double value) {
        return posterior.undefined(i) ? std::numeric_limits<double>::quiet_NaN() : value;
      };
      copy_seen(part, first + i, seen.data());
      for (std::size_t j = 0; j < part.columns.size(); ++j)
        exact[part.columns[j]] = posterior.exact(static_cast<int>(j), i);
      for (std::int64_t u = 0; u < width; ++u) {
        means[row * width + u] = place[u] < 0 || exact[variables[u]]
                                     ? seen[variables[u]]
                                     : known(posterior.mean(place[u])[i]);
        for (std::int64_t v = 0; covariances && v < width; ++v)
          covariances[(row * width + u) * width + v] =
              place[u] < 0 || place[v] < 0
                  ? 0.0
                  : known(posterior.covariance_entry(place[u], place[v], i));
      }
    }
  };
  for_each_part(mixture, observations, threads, stop, write, blank);
}

void posterior_draws(const PreparedMixture& mixture, const Observations& observations,
                     std::uint64_t seed, double* draws, int threads, const StopRequested& stop) {
  const int nvars = mixture.nvars();
  // Rows of which nothing was seen: the mixture's own draws.
  const auto blank = [&](const ObservedPart& part) {
    const std::int64_t n = part.points.n;
    std::vector<double> own(static_cast<std::size_t>(n) * nvars);
    std::vector<std::int64_t> labels(n);
    sample(mixture, n, seed, own.data(), labels.data(), threads, stop);
    for (std::int64_t i = 0; i < n; ++i)
      std::copy_n(own.data() + i * nvars, nvars, draws + part.points.row(i) * nvars);
  };
  const auto draw = [&](BlockPosterior& posterior, const Unknowns& unknowns,
                        const ObservedPart& part, std::int64_t first) {
    const auto& variables = unknowns.variables();
    for (int i = 0; i < posterior.rows(); ++i) {
      const std::int64_t row = part.points.row(first + i);
      double* const x = draws + row * nvars;
      copy_seen(part, first + i, x);
      if (unknowns.count() == 0) continue;
      RandomStream stream(seed, static_cast<std::uint64_t>(row));
      double left = stream.uniform();
      int k = 0;
      while (k + 1 < mixture.ngauss() && left >= posterior.share(k)[i])
        left -= posterior.share(k++)[i];
      if (part.box && !posterior.undefined(i)) {
        draw_inside(*posterior.remainder(k, i), stream.bits(), x);
        copy_exact(posterior, part, i, first + i, x);
        continue;
      }
      // A covariance may be singular: of values that noise hardly touches.
      const Eigen::LDLT<Matrix> ldlt(posterior.covariance(k, i));
      Vector z(unknowns.count());
      for (int u = 0; u < unknowns.count(); ++u)
        z[u] = draw_normal(stream) * std::sqrt(std::max(0.0, ldlt.vectorD()[u]));
      const Vector offset = ldlt.transpositionsP().transpose() * (ldlt.matrixL() * z).eval();
      for (int u = 0; u < unknowns.count(); ++u)
        x[variables[u]] = posterior.undefined(i) ? std::numeric_limits<double>::quiet_NaN()
                                                 : posterior.conditional(k, u)[i] + offset[u];
      copy_exact(posterior, part, i, first + i, x);
    }
  };
  for_each_part(mixture, observations, threads, stop, draw, blank);
}

}  // namespace mogfit
