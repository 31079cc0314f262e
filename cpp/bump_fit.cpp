#include "bump_fit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "nonnegative_heights.hpp"

namespace mogfit {

namespace {

// A step moves a mean by no more standard deviations, and a width by no larger factor's log.
constexpr double kLongestShift = 1.5;
constexpr double kLargestStretch = 0.7;

constexpr double kFirstDamping = 1e-3;
constexpr double kLeastDamping = 1e-15;
constexpr double kMostDamping = 1e10;

// At an optimum one more step would lower the loss by a smaller part of it, whatever its gradient:
// along a narrow valley that is small too.
constexpr double kSmallGain = 1e-8;

// A Gauss-Newton step that leaves more of the loss is followed by a Newton step: residuals that
// stay make Gauss-Newton slow.
constexpr double kSlow = 0.5;

// Where the projection cancels more digits of the loss, it is summed again around the new heights.
constexpr double kCancelled = 0.1;

// Relative rounding error of the loss.
constexpr double kRounding = 1e-13;

// What is known at one set of means and factors, the heights being the best there.
struct State {
  Bumps bumps;
  BumpSums sums;  // moments and residual as of these heights
  double loss = 0.0;

  int columns() const { return bump_columns(bumps.nvars()); }
};

Matrix height_block(const Matrix& gram, int m, int ngauss) {
  Matrix block(ngauss, ngauss);
  for (int k = 0; k < ngauss; ++k)
    for (int l = 0; l < ngauss; ++l) block(k, l) = gram(k * m, l * m);
  return block;
}

struct Step {
  Vector change;
  double gain;
};

class Fitter {
 public:
  Fitter(const FunctionMesh& mesh, const BumpFitSettings& settings, int threads,
         const StopRequested& stop)
      : mesh_(mesh), settings_(settings), threads_(threads), stop_(stop) {}

  int evaluations() const { return evaluations_; }

  // The best heights at these means and factors; the given ones are a guess.
  State evaluate(Bumps bumps, bool curvature) {
    set_shifts(mesh_, bumps, threads_, stop_);
    State state{std::move(bumps), {}, 0.0};
    const int ngauss = state.bumps.size();
    const int m = state.columns();
    for (int round = 0; round < 2; ++round) {
      ++evaluations_;
      state.sums = bump_sums(mesh_, state.bumps, curvature, threads_, stop_);
      const Matrix gram = height_block(state.sums.gram, m, ngauss);
      Vector moments(ngauss);
      for (int k = 0; k < ngauss; ++k) moments[k] = state.sums.moments[k * m];
      const double before = state.sums.residual;
      const Vector change = best_change(gram, moments, state.bumps.heights);
      state.bumps.heights += change;
      for (int k = 0; k < ngauss; ++k) state.sums.moments -= state.sums.gram.col(k * m) * change[k];
      state.sums.residual += change.dot(gram * change) - 2.0 * change.dot(moments);
      state.loss = state.sums.residual;
      if (state.loss > kCancelled * before) break;
    }
    state.loss = std::max(state.loss, 0.0);
    return state;
  }

  // Free entries of the parameters of the shape: m - 1 for each bump.
  std::vector<int> free_entries(const State& state) const {
    const int m = state.columns();
    const int d = state.bumps.nvars();
    std::vector<int> free;
    for (int k = 0; k < state.bumps.size(); ++k) {
      if (!(state.bumps.heights[k] > 0.0)) continue;
      int p = 1;
      for (int j = 0; j < d; ++j, ++p)
        if (!settings_.fixed_means) free.push_back(k * m + p);
      for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j, ++p) {
          const double slope = state.sums.moments[k * m + p];
          const double width = state.bumps.factors[k](i, i);
          const bool held = i == j && ((width <= settings_.narrowest[i] && slope < 0.0) ||
                                       (width >= settings_.widest[i] && slope > 0.0));
          if (!held) free.push_back(k * m + p);
        }
    }
    return free;
  }

  // Largest |c^T r| / |c|.
  double slope(const State& state, const std::vector<int>& free) const {
    double largest = 0.0;
    for (const int i : free) {
      const double norm = std::sqrt(state.sums.gram(i, i));
      if (norm > 0.0) largest = std::max(largest, std::fabs(state.sums.moments[i]) / norm);
    }
    return largest;
  }

  // What rounding leaves of |c^T r| / |c|: coordinates are known to eps, bumps to eps over their
  // widths.
  double rounding(const State& state) const {
    double narrowest = std::numeric_limits<double>::infinity();
    for (int k = 0; k < state.bumps.size(); ++k)
      if (state.bumps.heights[k] > 0.0)
        narrowest = std::min(narrowest, state.bumps.factors[k].diagonal().minCoeff());
    return settings_.rounding + 2.0 * std::numeric_limits<double>::epsilon() / narrowest;
  }

  // Whether a step that changes the loss by rounding alone leads towards the optimum.
  bool better_within_rounding(const State& trial, const State& state) const {
    return trial.loss <= (1.0 + kRounding) * state.loss &&
           slope(trial, free_entries(trial)) < kSlow * slope(state, free_entries(state));
  }

  // Changes of all K m parameters, heights among them, that a damped step makes, and how much the
  // quadratic model of the loss falls by; nothing where the matrix is not positive definite.
  std::optional<Step> step(const State& state, const std::vector<int>& free, double damping,
                           bool newton) const {
    const int m = state.columns();
    std::vector<int> entries;
    for (int k = 0; k < state.bumps.size(); ++k)
      if (state.bumps.heights[k] > 0.0) entries.push_back(k * m);
    const int n_heights = static_cast<int>(entries.size());
    entries.insert(entries.end(), free.begin(), free.end());
    const int n = static_cast<int>(entries.size());
    Matrix normal(n, n);
    Vector slopes(n);
    const auto factor = [&](int i) {
      return i < n_heights ? 1.0 : state.bumps.heights[entries[i] / m];
    };
    for (int i = 0; i < n; ++i) {
      slopes[i] = factor(i) * state.sums.moments[entries[i]];
      for (int j = 0; j < n; ++j)
        normal(i, j) = factor(i) * factor(j) * state.sums.gram(entries[i], entries[j]);
    }
    const Vector diagonal = normal.diagonal();
    if (newton) add_curvature(state, entries, n_heights, normal);
    for (int i = 0; i < n; ++i) normal(i, i) += diagonal[i] * (i < n_heights ? kRidge : damping);
    Vector solution;
    if (!solve_scaled(std::move(normal), slopes, 0.0, solution)) return {};
    Step step{Vector::Zero(state.sums.moments.size()), slopes.dot(solution)};
    for (int i = 0; i < n; ++i) step.change[entries[i]] = solution[i];
    return step;
  }

  // A Newton step where that is asked for and there is one, else Gauss and Newton's.
  std::optional<Step> best_step(const State& state, const std::vector<int>& free, double damping,
                                bool newton) const {
    if (newton)
      if (std::optional<Step> found = step(state, free, damping, true)) return found;
    return step(state, free, damping, false);
  }

  // The parameters after a step, each bump's cut to a length at which its model still says
  // something; whether any was.
  Bumps moved(const Bumps& from, const Vector& change, bool& cut) const {
    Bumps to = from;
    const int d = from.nvars();
    const int m = bump_columns(d);
    cut = false;
    for (int k = 0; k < from.size(); ++k) {
      to.heights[k] = std::max(0.0, from.heights[k] + change[k * m]);
      const auto shift = change.segment(k * m + 1, d);
      const auto stretch = change.segment(k * m + 1 + d, m - 1 - d);
      const double length = std::max(shift.cwiseAbs().maxCoeff() / kLongestShift,
                                     stretch.cwiseAbs().maxCoeff() / kLargestStretch);
      const double part = length > 1.0 ? 1.0 / length : 1.0;
      cut = cut || length > 1.0;
      const Matrix& factor = from.factors[k];
      to.means.row(k) += part * (factor * shift).transpose();
      Matrix t = Matrix::Zero(d, d);
      int p = 0;
      for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j, ++p)
          t(i, j) = i == j ? std::exp(part * stretch[p]) : part * stretch[p];
      to.factors[k] = factor * t;
      for (int j = 0; j < d; ++j)
        to.factors[k](j, j) =
            std::clamp(to.factors[k](j, j), settings_.narrowest[j], settings_.widest[j]);
    }
    return to;
  }

 private:
  // h - guess, for the best h.
  static Vector best_change(const Matrix& gram, const Vector& moments, const Vector& guess) {
    const Vector best = nonnegative_heights(gram, moments + gram * guess, guess);
    // Solved again for the difference: the guess is close, and little cancels in it.
    std::vector<int> active;
    for (int k = 0; k < best.size(); ++k)
      if (best[k] > 0.0) active.push_back(k);
    const int n = static_cast<int>(active.size());
    Vector change = -guess;
    Matrix part(n, n);
    Vector right(n);
    for (int i = 0; i < n; ++i) {
      change[active[i]] = best[active[i]] - guess[active[i]];
      for (int j = 0; j < n; ++j) part(i, j) = gram(active[i], active[j]);
    }
    const Vector left = moments - gram * change;
    for (int i = 0; i < n; ++i) right[i] = left[active[i]];
    Vector correction;
    if (n > 0 && solve_scaled(part, right, kRidge, correction))
      for (int i = 0; i < n; ++i) {
        const double height = guess[active[i]] + change[active[i]] + correction[i];
        if (height > 0.0) change[active[i]] += correction[i];
      }
    return change;
  }

  // Less sum_i r_i times the second derivatives of f: blocks of single bumps.
  static void add_curvature(const State& state, const std::vector<int>& entries, int n_heights,
                            Matrix& normal) {
    const int m = state.columns();
    const int d = state.bumps.nvars();
    std::vector<Matrix> second(state.bumps.size());
    for (int k = 0; k < state.bumps.size(); ++k)
      if (state.bumps.heights[k] > 0.0) second[k] = second_derivatives(state.sums.curvature[k], d);
    const int n = static_cast<int>(entries.size());
    for (int i = n_heights; i < n; ++i) {
      const int k = entries[i] / m;
      for (int j = n_heights; j < n; ++j)
        if (entries[j] / m == k)
          normal(i, j) -= state.bumps.heights[k] * second[k](entries[i] % m, entries[j] % m);
      for (int j = 0; j < n_heights; ++j)
        if (entries[j] / m == k) {
          normal(i, j) -= state.sums.moments[entries[i]];
          normal(j, i) -= state.sums.moments[entries[i]];
        }
    }
  }

  const FunctionMesh& mesh_;
  const BumpFitSettings& settings_;
  int threads_;
  const StopRequested& stop_;
  int evaluations_ = 0;
};

}  // namespace

Matrix second_derivatives(const Matrix& q, int d) {
  Matrix second = q;
  const auto mean = [&](int j) { return 1 + j; };
  const auto pair = [&](int i, int j) {
    return i >= j ? 1 + d + i * (i + 1) / 2 + j : 1 + d + j * (j + 1) / 2 + i;
  };
  for (int j = 0; j < d; ++j) second(mean(j), mean(j)) -= q(0, 0);
  for (int k = 0; k < d; ++k)
    for (int l = 0; l <= k; ++l) {
      const int t = pair(k, l);
      const auto add = [&](int j, double value) {
        second(mean(j), t) += value;
        second(t, mean(j)) += value;
      };
      add(k, -q(0, mean(l)));
      add(l, -q(0, mean(k)));
      for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j) {
          double value = 0.0;
          if (i == k) value -= q(0, pair(j, l));
          if (j == k) value -= q(0, pair(i, l));
          if (l == i) value -= q(0, pair(k, j));
          if (i == j && i == k && k == l) value += q(0, pair(i, i));
          second(pair(i, j), t) += value;
        }
    }
  return second;
}

BumpFit fit_bumps(const FunctionMesh& mesh, Bumps start, const BumpFitSettings& settings,
                  int threads, const StopRequested& stop, const BumpObserver& observer) {
  const int d = start.nvars();
  start.heights = Vector::Zero(start.size());
  for (Matrix& factor : start.factors)
    for (int j = 0; j < d; ++j)
      factor(j, j) = std::clamp(factor(j, j), settings.narrowest[j], settings.widest[j]);
  Fitter fitter(mesh, settings, threads, stop);
  State state = fitter.evaluate(std::move(start), false);
  bool newton = false;
  double damping = kFirstDamping;
  BumpEnding ending = BumpEnding::kIterationLimit;
  int iteration = 0;
  double slope = 0.0;
  for (;; ++iteration) {
    const std::vector<int> free = fitter.free_entries(state);
    slope = fitter.slope(state, free);
    if (slope <= fitter.rounding(state)) {
      ending = BumpEnding::kConverged;
      break;
    }
    if (slope <= settings.tolerance * std::sqrt(state.loss)) {
      const std::optional<Step> last = fitter.best_step(state, free, kLeastDamping, newton);
      if (!last || last->gain <= kSmallGain * state.loss) {
        ending = BumpEnding::kConverged;
        break;
      }
    }
    if (iteration >= settings.max_iterations) break;
    bool accepted = false;
    for (double growth = 2.0; damping < kMostDamping; growth *= 2.0) {
      if (const std::optional<Step> next = fitter.best_step(state, free, damping, newton)) {
        bool cut = false;
        State trial = fitter.evaluate(fitter.moved(state.bumps, next->change, cut), true);
        if (trial.loss < state.loss || fitter.better_within_rounding(trial, state)) {
          newton = trial.loss > kSlow * state.loss;
          state = std::move(trial);
          if (growth == 2.0 && !cut) damping = std::max(kLeastDamping, 0.2 * damping);
          accepted = true;
          break;
        }
      }
      damping = std::max(damping, 1e-8) * growth;
    }
    if (!accepted) {
      ending = BumpEnding::kRounding;
      break;
    }
    if (observer && !observer(iteration + 1, state.loss, state.bumps)) {
      ending = BumpEnding::kStopped;
      ++iteration;
      break;
    }
  }
  BumpFit fit{std::move(state.bumps), state.loss, 0.0, {}, {}, iteration,
              fitter.evaluations(),   ending};
  const int m = bump_columns(d);
  fit.slopes.resize(fit.bumps.size(), m - 1);
  for (int k = 0; k < fit.bumps.size(); ++k)
    fit.slopes.row(k) =
        -2.0 * fit.bumps.heights[k] * state.sums.moments.segment(k * m + 1, m - 1).transpose();
  fit.gradient_norm =
      slope / std::max(std::sqrt(state.loss), fitter.rounding(state) / settings.tolerance);
  fit.gram = height_block(state.sums.gram, m, fit.bumps.size());
  return fit;
}

}  // namespace mogfit
