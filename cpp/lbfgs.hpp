// Limited-memory BFGS in the whitened coordinates of a mixture: how fits descend.
#pragma once

#include <functional>
#include <vector>

#include "data_pass.hpp"
#include "model.hpp"
#include "prepared_mixture.hpp"

namespace mogfit {

// Why a descent ended.
enum class Ending {
  kConverged,       // the gradient criterion is met
  kIterationLimit,  // max_iterations is used up
  kRounding,        // no step lowers the objective beyond its rounding error
  kSmallDecrease,   // the objective gained less than decrease_tolerance over a while
  kStoppedByCaller  // the observer asked to stop
};

// The data, or a sample of them: fits of large data descend on growing samples first.
struct Sample {
  Observations observations;
  double total_weight;
  double gradient_tolerance;  // on the largest entry of the whitened gradient
};

struct DescentOptions {
  double decrease_tolerance = 0.0;  // on the mean decrease an iteration, over ten of them
  int max_iterations = 1000;        // on each sample
  int memory = 20;                  // pairs that model the curvature
  int reanchor = 200;               // iterations after which the metric is renewed
};

// After every iteration: iteration, objective, largest gradient entry, mixture. False stops.
using Observer = std::function<bool(int, double, double, const PreparedMixture&)>;

struct Descent {
  PreparedMixture mixture;
  double objective;      // -(loglik + prior - penalty - ridge) / sum(s)
  double loglik;         // of the data alone
  double gradient_norm;  // largest entry of the whitened gradient, anchored at `mixture` itself
  double em_gain;        // what one EM step from here gains in what is maximised, in nats
  int iterations;
  double passes;  // over the last sample; smaller samples count in proportion
  Ending ending;
};

// Minimises -(loglik + what the model adds) / sum(s) from `start`, whose objective must be finite
// (InputError otherwise) and whose covariances are in the model's family, on each sample in turn:
// the last one is what the result speaks of, and the curvature learnt on the smaller ones is kept.
// Trial steps move no mean by more than a few of its component's standard deviations and no scale
// by more than a factor of a few, so nothing overflows and no step jumps into a distant basin. The
// line search accepts by the Wolfe conditions, or by their approximate form where rounding hides
// the decrease (Hager & Zhang 2005).
Descent descend(const PreparedMixture& start, const std::vector<Sample>& samples,
                const Model& model, const DescentOptions& options, int threads,
                const StopRequested& stop = {}, const Observer& observer = {});

}  // namespace mogfit
