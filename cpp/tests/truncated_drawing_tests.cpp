// Draws restricted to intervals and boxes.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "check.hpp"
#include "core_tests.hpp"
#include "normal_draws.hpp"
#include "reference.hpp"
#include "sampling.hpp"
#include "truncated_sampling.hpp"

namespace mogfit::tests {

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string show(double low, double high) {
  return "[" + std::to_string(low) + ", " + std::to_string(high) + "]";
}

// sup |F_n - F| of values that should be uniform on [0, 1], times sqrt(n): above 2.5 with
// probability 2 exp(-2 * 2.5^2) = 7e-6 (Kolmogorov 1933).
void check_uniform(std::vector<double> values, const std::string& what) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i)
    distance = std::max({distance, values[i] - i / n, (i + 1) / n - values[i]});
  check(distance * std::sqrt(n) < 2.5, what + ": distribution");
}

// Counts of 32 bins of the same probability, and the squares of what reaches into the tail, which
// has an algorithm of its own: enough draws to see that either of two rejections is missing.
void test_normal() {
  constexpr int kCount = 20000000;
  constexpr int kBins = 32;
  constexpr double kFar = 3.66;
  RandomStream stream(1, 2);
  std::vector<int> counts(kBins, 0);
  std::vector<double> far;
  for (int i = 0; i < kCount; ++i) {
    const double z = draw_normal(stream);
    ++counts[std::min(kBins - 1, static_cast<int>(kBins * 0.5 * std::erfc(-z * std::sqrt(0.5))))];
    if (std::abs(z) > kFar) far.push_back(std::abs(z) - kFar);
  }
  double chi2 = 0.0;
  for (const int count : counts) chi2 += std::pow(count - kCount / kBins, 2) / (kCount / kBins);
  check(chi2 < kBins + 5.0 * std::sqrt(2.0 * kBins), "normal draws: distribution");
  const NormalInterval tail = normal_interval({kFar, kInfinity, kInfinity});
  const double expected = 2.0 * kCount * std::exp(tail.log_mass);
  const double n = static_cast<double>(far.size());
  check(std::abs(n - expected) < 5.0 * std::sqrt(expected), "normal draws: as many far out");
  double sum = 0.0;
  double sum_of_squares = 0.0;
  for (const double t : far) {
    sum += t * t;
    sum_of_squares += t * t * t * t;
  }
  const double square = tail.second - 2.0 * kFar * tail.mean + kFar * kFar;
  const double deviation = std::sqrt(sum_of_squares / n - std::pow(sum / n, 2));
  check(std::abs(sum / n - square) < 5.0 * deviation / std::sqrt(n), "normal draws: as far out");
}

// The mass below a draw over that of the interval is uniform.
void test_interval(double low, double high, double width) {
  constexpr int kCount = 20000;
  const std::string what = "interval " + show(low, high);
  const Interval interval{low, high, width};
  const NormalInterval expected = normal_interval(interval);
  RandomStream stream(3, 4);
  std::vector<double> below;
  double sum = 0.0;
  bool inside = true;
  for (int i = 0; i < kCount; ++i) {
    const Place place = draw_normal(stream, interval);
    const double z = place.in(interval);
    inside = inside && z >= low && z <= high;
    if (place.from != Place::From::kZero)
      inside = inside && place.distance >= 0.0 && place.distance <= width;
    sum += z;
    Interval part{low, z, place.from == Place::From::kLow ? place.distance : z - low};
    if (place.from == Place::From::kHigh) part = {z, high, place.distance};
    const double mass = std::exp(normal_interval(part).log_mass - expected.log_mass);
    below.push_back(place.from == Place::From::kHigh ? 1.0 - mass : mass);
  }
  check(inside, what + ": inside");
  check_uniform(below, what);
  const double deviation = std::sqrt(expected.second - expected.mean * expected.mean);
  if (width > 1e-3 && std::abs(low + high) < 100.0)
    check(std::abs(sum / kCount - expected.mean) < 5.0 * deviation / std::sqrt(kCount),
          what + ": mean");
}

void test_intervals() {
  for (const double low : {-30.0, -3.0, -1.0, -0.1, 0.0, 0.3, 0.99, 1.01, 2.0, 8.0, 40.0, 1e6}) {
    for (const double width : {1e-9, 0.01, 0.3, 1.2, 1.3, 2.4, 2.6, 7.0, 100.0}) {
      test_interval(low, low + width, width);
      test_interval(-low - width, -low, width);
    }
    test_interval(low, kInfinity, kInfinity);
  }
  test_interval(-1e300, -1.0, 1e300);
}

struct Case {
  std::string name;
  Vector lower;
  Vector upper;
  Vector mean;
  Matrix factor;
};

Case make_case(const std::string& name, const std::vector<double>& lower,
               const std::vector<double>& upper, int seed) {
  const int d = static_cast<int>(lower.size());
  const Parameters<double> p = Numbers(seed).mixture(1, d);
  const PreparedMixture mixture = prepare(p);
  const Vector mean = mixture.means().row(0);
  const Vector deviation = mixture.covariance(0).diagonal().cwiseSqrt();
  // Sides in standard deviations from the mean.
  const auto place = [&](const std::vector<double>& side) -> Vector {
    return mean + deviation.cwiseProduct(Eigen::Map<const Vector>(side.data(), d));
  };
  return {name, place(lower), place(upper), mean, mixture.factor(0)};
}

// Mean and second moments within five standard errors of those of the box, by quadrature.
void test_component(const Case& c) {
  constexpr int kCount = 100000;
  const int d = static_cast<int>(c.mean.size());
  const Box box{c.lower, c.upper};
  const BoxProbability expected = box_probability(box, c.mean, c.factor, {});
  const Matrix second = expected.excess + c.factor * c.factor.transpose();
  const TruncatedComponent component(box, c.mean, c.factor);
  TruncatedComponent::Workspace workspace(d);
  RandomStream stream(5, 6);
  RandomStream again(5, 6);
  Matrix draws(kCount, d);
  Vector repeated(d);
  bool drawn = true;
  bool inside = true;
  bool same = true;
  for (int i = 0; i < kCount; ++i) {
    drawn = drawn && component.draw(stream, workspace, draws.row(i).data());
    for (int j = 0; j < d; ++j)
      inside = inside && c.lower[j] <= draws(i, j) && draws(i, j) <= c.upper[j];
    if (i >= 100) continue;
    drawn = drawn && component.draw(again, workspace, repeated.data());
    same = same && repeated == draws.row(i).transpose();
  }
  check(drawn, c.name + ": drawn");
  check(inside, c.name + ": inside");
  check(same, c.name + ": the same stream gives the same bits");
  const auto check_mean = [&](const Eigen::ArrayXd& values, double mean, const std::string& what) {
    const double seen = values.mean();
    const double error = std::sqrt((values - seen).square().mean() / kCount);
    check(std::abs(seen - mean) <= 5.0 * error, c.name + ": " + what);
  };
  for (int j = 0; j < d; ++j) {
    const Eigen::ArrayXd y = draws.col(j).array() - c.mean[j];
    check_mean(y, expected.mean[j], "mean of " + std::to_string(j));
    for (int l = 0; l <= j; ++l)
      check_mean(y * (draws.col(l).array() - c.mean[l]), second(j, l),
                 "product of " + std::to_string(j) + " and " + std::to_string(l));
  }
}

void test_components() {
  const double none = kInfinity;
  test_component(make_case("no sides", {-none, -none}, {none, none}, 1));
  test_component(make_case("one side", {-none, 0.5}, {none, none}, 2));
  test_component(make_case("one upper side, far", {-none, -none, -none}, {none, -9.0, none}, 3));
  test_component(make_case("orthant", {0.0, 0.0, 0.0}, {none, none, none}, 4));
  test_component(make_case("most of the mass", {-3.0, -none, -2.5}, {none, 2.0, 4.0}, 5));
  test_component(make_case("a box", {-1.0, -0.5, 0.0}, {1.0, 1.5, 2.0}, 6));
  test_component(make_case("a box in the tail", {3.0, 2.0}, {4.0, 5.0}, 7));
  test_component(
      make_case("some of four free", {1.0, -none, 0.0, -none}, {none, none, 2.0, none}, 8));
  test_component(
      make_case("one of four free", {-1.0, -none, 0.0, -none}, {1.0, -0.5, 2.0, none}, 9));
  // Of six tilted proposals one is accepted here.
  Case sliver = make_case("sliver", {0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0}, 14);
  sliver.mean.setZero();
  sliver.lower << 2.32, 1.97, -3.36, -1.88;
  sliver.upper << 8.06, 5.07, -1.32, -0.7;
  sliver.factor << 1.0, 0.0, 0.0, 0.0, 0.712, 0.702, 0.0, 0.0, 0.502, 0.685, 0.528, 0.0, 0.458,
      -0.873, 0.158, 0.06;
  test_component(sliver);
  // Variables in two groups that know nothing of each other.
  Case groups = make_case("groups", {1.0, 0.0, -none, 2.0}, {none, 1.0, -1.0, none}, 10);
  groups.factor.bottomLeftCorner(2, 2).setZero();
  test_component(groups);
  // A side far below what its digits resolve at the mean, and one that is narrow.
  Case narrow = make_case("narrow", {-none, -none}, {none, none}, 11);
  narrow.mean << -20.0, 3.0;
  narrow.factor << 1.0, 0.0, 0.3, 0.8;
  narrow.lower << 0.0, -none;
  narrow.upper << 1e-9, 2.0;
  test_component(narrow);
}

// Seen from its side, a draw keeps the digits that its distance from the mean would take.
void test_digits() {
  const Box box{Vector::Zero(1), Vector::Constant(1, 1e-30)};
  const TruncatedComponent component(box, Vector::Constant(1, -5.0), Matrix::Identity(1, 1));
  TruncatedComponent::Workspace workspace(1);
  RandomStream stream(7, 8);
  std::vector<double> values(20000);
  bool drawn = true;
  for (double& x : values) {
    drawn = drawn && component.draw(stream, workspace, &x);
    x *= 1e30;
  }
  check(drawn, "drawn from a narrow box");
  check_uniform(values, "a narrow box at 0");
}

// z_1 <= 1 and sqrt(1 - e^2) z_1 + e z_2 >= 2 leaves nothing but z_1 close to 1, out to 10^12
// standard deviations: whoever cannot draw that must say so.
void test_far_corners() {
  for (const double e : {1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-8, 1e-9, 1e-12}) {
    StandardBox box{{{-1.0, 1.0, 2.0}, {2.0, 3.0, 1.0}}, Matrix::Zero(2, 2)};
    box.factor << 1.0, 0.0, std::sqrt(1.0 - e * e), e;
    const TruncatedSampler sampler(box);
    RandomStream stream(9, 10);
    double z[2];
    Place places[2];
    const bool drawn = sampler.draw(stream, z, places);
    const std::string what = "corner " + std::to_string(std::log10(e));
    check(drawn || e < 1e-3, what + ": drawn");
    // The exponent falls by (1 - z_1) / e^2 from there.
    check(!drawn || 1.0 - z[0] < 20.0 * e * e + 1e-15, what + ": in the corner");
  }
}

void test_mixture() {
  constexpr int kVars = 3;
  constexpr int kCount = 5000;
  Parameters<double> p = Numbers(12).mixture(4, kVars);
  p.weights = {0.5, 0.0, 0.3, 0.2};
  const Box box{Vector::Constant(kVars, -0.5), Vector::Constant(kVars, 1.5)};
  const PreparedMixture mixture = prepare(p).with_box(box);
  const auto draw = [&](int n, int threads, std::vector<std::int64_t>& labels) {
    std::vector<double> points(static_cast<std::size_t>(n) * kVars);
    labels.resize(n);
    sample(mixture, n, 13, points.data(), labels.data(), threads);
    return points;
  };
  std::vector<std::int64_t> labels;
  const std::vector<double> points = draw(kCount, 1, labels);
  check(std::all_of(points.begin(), points.end(), [](double x) { return x >= -0.5 && x <= 1.5; }),
        "points of a truncated mixture lie inside");
  for (int k = 0; k < p.ngauss; ++k) {
    const double w = p.weights[k];
    const auto count = std::count(labels.begin(), labels.end(), k);
    check(std::abs(count - kCount * w) <= 5.0 * std::sqrt(kCount * w * (1.0 - w)),
          "truncation leaves the weights as they are");
  }
  for (const int n : {0, 1, 511, 512, 513, kCount}) {
    std::vector<std::int64_t> fewer;
    const std::string what = "truncated draws n=" + std::to_string(n);
    check_same_bits(draw(n, 3, fewer), {points.begin(), points.begin() + n * kVars}, what);
    check(std::equal(fewer.begin(), fewer.end(), labels.begin()), what + " labels");
  }
}

}  // namespace

void test_truncated_drawing() {
  test_normal();
  test_intervals();
  test_components();
  test_digits();
  test_far_corners();
  test_mixture();
}

}  // namespace mogfit::tests
