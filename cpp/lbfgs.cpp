#include "lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <optional>
#include <utility>

#include "em.hpp"
#include "errors.hpp"
#include "whitened_coordinates.hpp"

namespace mogfit {

namespace {

// Wolfe's conditions: sufficient decrease, and the slope that must be left.
constexpr double kDecrease = 1e-4;
constexpr double kCurvature = 0.9;

// Rounding error of the mean log-likelihood, relative to its size.
constexpr double kRoundingError = 4e-15;

constexpr int kMaxTrials = 20;

// Over how many iterations a slow decrease is judged.
constexpr int kPatience = 10;

// A point on the way: where, how high, which way down.
struct Evaluation {
  Vector theta;
  PreparedMixture mixture;
  Moments moments;
  double objective;
  Vector gradient;       // in the coordinates of the descent
  double gradient_norm;  // largest entry in coordinates anchored at the mixture itself
};

double largest_entry(const Vector& v) { return v.size() ? v.cwiseAbs().maxCoeff() : 0.0; }

// The curvature seen so far; `multiply` applies the inverse Hessian it implies (Nocedal 1980).
class InverseHessian {
 public:
  explicit InverseHessian(int memory) : memory_(memory) {}

  void update(const Vector& step, const Vector& change) {
    const double product = step.dot(change);
    // Curvature must be positive beyond rounding for the model to stay positive definite.
    if (!(product > 1e-10 * step.norm() * change.norm())) return;
    if (static_cast<int>(pairs_.size()) == memory_) pairs_.pop_front();
    pairs_.push_back({step, change, 1.0 / product});
  }

  Vector multiply(Vector v) const {
    std::vector<double> alpha(pairs_.size());
    for (std::size_t i = pairs_.size(); i-- > 0;) {
      alpha[i] = pairs_[i].inverse * pairs_[i].step.dot(v);
      v -= alpha[i] * pairs_[i].change;
    }
    if (!pairs_.empty()) {
      const Pair& last = pairs_.back();
      v *= 1.0 / (last.inverse * last.change.squaredNorm());
    }
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      const double beta = pairs_[i].inverse * pairs_[i].change.dot(v);
      v += (alpha[i] - beta) * pairs_[i].step;
    }
    return v;
  }

  bool empty() const { return pairs_.empty(); }
  void clear() { pairs_.clear(); }

 private:
  struct Pair {
    Vector step;
    Vector change;
    double inverse;  // 1 / step . change
  };
  int memory_;
  std::deque<Pair> pairs_;
};

// Evaluates mixtures on one sample, and searches along lines.
class Minimiser {
 public:
  // `model` is that of the sample.
  Minimiser(const Sample& sample, const Model& model, int threads, const StopRequested& stop)
      : sample_(sample), model_(model), threads_(threads), stop_(stop) {}

  int passes() const { return passes_; }

  Evaluation evaluate(const WhitenedCoordinates& coordinates, Vector theta) {
    PreparedMixture mixture = coordinates.mixture(theta.data());
    Moments moments = data_pass(mixture, sample_.observations, threads_, stop_, model_.scatter());
    ++passes_;
    const double objective =
        -(moments.loglik + model_.added(mixture) - model_.ridge_value(mixture)) /
        sample_.total_weight;
    Evaluation at{std::move(theta), std::move(mixture), std::move(moments), objective, {}, 0.0};
    at.gradient = gradient(coordinates, at);
    const WhitenedCoordinates own(at.mixture, model_);
    at.gradient_norm = largest_entry(gradient(own, at, Vector::Zero(own.size())));
    return at;
  }

  // The same point in coordinates anchored at it; no pass is needed.
  void reanchor(WhitenedCoordinates& coordinates, Evaluation& at) const {
    coordinates = WhitenedCoordinates(at.mixture, model_);
    at.theta = Vector::Zero(coordinates.size());
    at.gradient = gradient(coordinates, at);
  }

  // A point along `direction` that satisfies Wolfe's conditions; none when rounding forbids one.
  std::optional<Evaluation> search(const WhitenedCoordinates& coordinates, const Evaluation& from,
                                   const Vector& direction, double first_step) {
    const double slope = from.gradient.dot(direction);
    const double rounding = kRoundingError * std::max(1.0, std::abs(from.objective));
    double low = 0.0;
    double low_objective = from.objective;
    double low_slope = slope;
    double high = std::numeric_limits<double>::infinity();
    double step = std::min(first_step, coordinates.longest_step(from.theta, direction));
    std::optional<Evaluation> best;
    for (int trial = 0; trial < kMaxTrials; ++trial) {
      std::optional<Evaluation> at = try_evaluate(coordinates, from.theta + step * direction);
      if (!at || !std::isfinite(at->objective) || !at->gradient.allFinite()) {
        // Out of range, or a singular covariance: shorten the step.
        high = step;
        step = low + 0.2 * (step - low);
        continue;
      }
      const double at_slope = at->gradient.dot(direction);
      const bool lower = at->objective <= from.objective + kDecrease * step * slope;
      // Where rounding hides the decrease, slopes still tell (approximate Wolfe conditions).
      const bool level =
          at->objective <= from.objective + rounding && at_slope <= (2.0 * kDecrease - 1.0) * slope;
      if (!lower && !level) {
        high = step;
        step = interpolate(low, low_objective, low_slope, step, at->objective, at_slope);
        continue;
      }
      const bool flat = at_slope >= kCurvature * slope;
      if (flat) return at;
      low = step;
      low_objective = at->objective;
      low_slope = at_slope;
      best = std::move(at);
      const double longest = coordinates.longest_step(from.theta, direction);
      if (step >= longest) return best;
      step = std::isfinite(high) ? 0.5 * (low + high) : std::min(3.0 * step, longest);
    }
    return best;
  }

 private:
  Vector gradient(const WhitenedCoordinates& coordinates, const Evaluation& at,
                  const Vector& theta) const {
    return coordinates.gradient(theta.data(), at.mixture, at.moments, model_) /
           -sample_.total_weight;
  }
  Vector gradient(const WhitenedCoordinates& coordinates, const Evaluation& at) const {
    return gradient(coordinates, at, at.theta);
  }

  std::optional<Evaluation> try_evaluate(const WhitenedCoordinates& coordinates, Vector theta) {
    try {
      return evaluate(coordinates, std::move(theta));
    } catch (const DegenerateError&) {
      return std::nullopt;
    } catch (const InputError&) {
      // A weight or a mean has left the range of doubles.
      return std::nullopt;
    }
  }

  // Minimum of the cubic through both ends, kept away from them.
  static double interpolate(double low, double low_objective, double low_slope, double high,
                            double high_objective, double high_slope) {
    const double width = high - low;
    const double d1 = low_slope + high_slope - 3.0 * (high_objective - low_objective) / width;
    const double square = d1 * d1 - low_slope * high_slope;
    double fraction = 0.5;
    if (square >= 0.0) {
      const double d2 = std::sqrt(square);
      const double t = 1.0 - (high_slope + d2 - d1) / (high_slope - low_slope + 2.0 * d2);
      if (std::isfinite(t)) fraction = std::clamp(t, 0.1, 0.9);
    }
    return low + fraction * width;
  }

  const Sample& sample_;
  Model model_;
  int threads_;
  const StopRequested& stop_;
  int passes_ = 0;
};

double gain_of_em_step(const Sample& sample, const Model& model, const Evaluation& at, int threads,
                       const StopRequested& stop) {
  try {
    const PreparedMixture next = em_step(at.mixture, at.moments, model);
    const double reached = log_likelihood(next, sample.observations, threads, stop) +
                           model.added(next) - model.ridge_value(next);
    return reached + at.objective * sample.total_weight;
  } catch (const DegenerateError&) {
    // The step collapses a component: there is everything to gain.
    return std::numeric_limits<double>::infinity();
  }
}

}  // namespace

Descent descend(const PreparedMixture& start, const std::vector<Sample>& samples,
                const Model& model, const DescentOptions& options, int threads,
                const StopRequested& stop, const Observer& observer) {
  WhitenedCoordinates coordinates(start.with_fresh_plans(),
                                  model.for_total(samples.back().total_weight));
  InverseHessian hessian(options.memory);
  std::optional<Evaluation> current;
  Ending ending = Ending::kIterationLimit;
  double passes = 0.0;
  int iterations = 0;
  int since_anchor = 0;
  for (const Sample& sample : samples) {
    const double total = sample.total_weight;
    const Model its_model =
        model.for_fraction(total / samples.back().total_weight).for_total(total);
    Minimiser minimiser(sample, its_model, threads, stop);
    current = minimiser.evaluate(
        coordinates, current ? current->theta : Vector(Vector::Zero(coordinates.size())));
    if (!std::isfinite(current->objective) || !current->gradient.allFinite())
      throw InputError(
          "start: the log-likelihood at the starting parameters is not finite; move the starting "
          "means nearer to the data or widen the covariances");
    ending = Ending::kIterationLimit;
    std::deque<double> history;
    for (int iteration = 0; iteration <= options.max_iterations; ++iteration) {
      if (current->gradient_norm <= sample.gradient_tolerance) {
        ending = Ending::kConverged;
        break;
      }
      if (iteration == options.max_iterations) break;
      if (since_anchor >= options.reanchor) {
        minimiser.reanchor(coordinates, *current);
        hessian.clear();
        since_anchor = 0;
      }
      Vector direction = -hessian.multiply(current->gradient);
      if (!(direction.dot(current->gradient) < 0.0)) {
        hessian.clear();
        direction = -current->gradient;
      }
      std::optional<Evaluation> next = minimiser.search(coordinates, *current, direction, 1.0);
      if (!next) {
        if (since_anchor == 0 && hessian.empty()) {
          ending = Ending::kRounding;
          break;
        }
        // Once more, from here, with a fresh metric.
        minimiser.reanchor(coordinates, *current);
        hessian.clear();
        since_anchor = 0;
        continue;
      }
      hessian.update(next->theta - current->theta, next->gradient - current->gradient);
      history.push_back(current->objective);
      current = std::move(*next);
      ++iterations;
      ++since_anchor;
      if (observer &&
          !observer(iterations, current->objective, current->gradient_norm, current->mixture)) {
        ending = Ending::kStoppedByCaller;
        break;
      }
      if (static_cast<int>(history.size()) <= kPatience) continue;
      history.pop_front();
      if (history.front() - current->objective < kPatience * options.decrease_tolerance) {
        ending = Ending::kSmallDecrease;
        break;
      }
    }
    passes += minimiser.passes() * static_cast<double>(sample.observations.points.n) /
              static_cast<double>(samples.back().observations.points.n);
    if (ending == Ending::kStoppedByCaller) break;
  }
  const double em_gain = gain_of_em_step(
      samples.back(), model.for_total(samples.back().total_weight), *current, threads, stop);
  return {std::move(current->mixture),
          current->objective,
          current->moments.loglik,
          current->gradient_norm,
          em_gain,
          iterations,
          passes + 1.0,
          ending};
}

}  // namespace mogfit
