// Sampling, random streams, and the loop that runs in parallel.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <stdexcept>
#include <thread>

#include "check.hpp"
#include "core_tests.hpp"
#include "errors.hpp"
#include "random_stream.hpp"
#include "reference.hpp"
#include "sampling.hpp"
#include "threads.hpp"

namespace mogfit::tests {

namespace {

// The authors' known answers for Philox4x32-10 (Random123, file kat_vectors).
void test_philox() {
  using Words = std::array<std::uint32_t, 4>;
  check(philox({0, 0, 0, 0}, 0) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        "Philox of zeros");
  constexpr std::uint32_t kOnes = 0xffffffff;
  check(philox({kOnes, kOnes, kOnes, kOnes}, ~std::uint64_t{0}) ==
            Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        "Philox of ones");
  check(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822) ==
            Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
        "Philox of the digits of pi");
}

struct Draws {
  std::vector<double> points;
  std::vector<std::int64_t> labels;

  Draws(const PreparedMixture& mixture, int n, std::uint64_t seed, int threads)
      : points(static_cast<std::size_t>(n) * mixture.nvars()), labels(n) {
    sample(mixture, n, seed, points.data(), labels.data(), threads);
  }
};

void test_shapes(int d, int ngauss) {
  const PreparedMixture mixture = prepare(Numbers(d).mixture(ngauss, d));
  const Draws all(mixture, 1025, 9, 1);
  for (const int n : {0, 1, 7, 127, 128, 129}) {
    const Draws few(mixture, n, 9, 3);
    const std::string what = "draws n=" + std::to_string(n) + " d=" + std::to_string(d);
    check_same_bits(few.points, {all.points.begin(), all.points.begin() + n * d}, what);
    check(std::equal(few.labels.begin(), few.labels.end(), all.labels.begin()), what + " labels");
  }
  for (const double x : all.points) check(std::isfinite(x), "draws are finite");
  for (const std::int64_t k : all.labels) check(k >= 0 && k < ngauss, "labels in range");
}

// Means and covariances of each component within five standard errors.
void test_moments() {
  constexpr int kDraws = 60000;
  constexpr int kVars = 3;
  Parameters<double> p = Numbers(4).mixture(4, kVars);
  p.weights = {0.5, 0.0, 0.3, 0.2};
  const Draws draws(prepare(p), kDraws, 11, 3);
  const Draws serial(prepare(p), kDraws, 11, 1);
  check_same_bits(draws.points, serial.points, "draws on three threads");
  check(draws.labels == serial.labels, "labels on three threads");
  for (int k = 0; k < p.ngauss; ++k) {
    std::vector<int> rows;
    for (int i = 0; i < kDraws; ++i)
      if (draws.labels[i] == k) rows.push_back(i);
    const double count = static_cast<double>(rows.size());
    const double w = p.weights[k];
    check(std::abs(count - kDraws * w) <= 5.0 * std::sqrt(kDraws * w * (1.0 - w)),
          "component " + std::to_string(k) + " is drawn as often as its weight says");
    if (rows.empty()) continue;
    for (int j = 0; j < kVars; ++j)
      for (int l = 0; l <= j; ++l) {
        const double* sigma = p.covariance(k);
        double mean = 0.0;
        double product = 0.0;
        for (const int i : rows) {
          const double a = draws.points[i * kVars + j] - p.mean(k)[j];
          mean += a / count;
          product += a * (draws.points[i * kVars + l] - p.mean(k)[l]) / count;
        }
        const double jj = sigma[j * kVars + j];
        const double ll = sigma[l * kVars + l];
        const double jl = sigma[j * kVars + l];
        check(std::abs(mean) <= 5.0 * std::sqrt(jj / count), "mean of the draws");
        check(std::abs(product - jl) <= 5.0 * std::sqrt((jj * ll + jl * jl) / count),
              "covariance of the draws");
      }
  }
}

// Any set of weights is drawn from as it says, within five standard errors.
void test_weights() {
  constexpr int kDraws = 50000;
  for (int seed = 0; seed < 40; ++seed) {
    const Parameters<double> p = Numbers(seed).mixture(2 + seed % 8, 1);
    const Draws draws(prepare(p), kDraws, seed, 1);
    for (int k = 0; k < p.ngauss; ++k) {
      const double w = p.weights[k];
      const auto count = std::count(draws.labels.begin(), draws.labels.end(), k);
      check(std::abs(count - kDraws * w) <= 5.0 * std::sqrt(kDraws * w * (1.0 - w)),
            "weights, seed " + std::to_string(seed));
    }
  }
}

void test_parallel_for() {
  for (const int threads : {1, 3}) {
    const std::string what = "parallel_for on " + std::to_string(threads);
    std::vector<int> visits(1000, 0);
    parallel_for(1000, threads, {}, [&](std::int64_t i, int thread) {
      if (thread >= 0 && thread < threads) ++visits[i];
    });
    for (const int count : visits) check(count == 1, what + ": each once");
    parallel_for(0, threads, {}, [](std::int64_t, int) { check(false, "called for nothing"); });
    check_throws<std::runtime_error>(
        [&] {
          parallel_for(100, threads, {}, [](std::int64_t i, int) {
            if (i == 42) throw std::runtime_error("from the body");
          });
        },
        "from the body", what + ": errors come through");
    // Whoever asks to stop is asked within a tenth of a second, on the calling thread.
    std::atomic<int> done{0};
    check_throws<Interrupted>(
        [&] {
          parallel_for(
              1000, threads, [] { return true; },
              [&](std::int64_t, int) {
                ++done;
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
              });
        },
        "interrupted", what + ": stops");
    check(done < 500, what + ": stops early");
  }
  set_default_threads(2);
  check(default_threads() == (has_openmp() ? 2 : 1), "threads as set");
  set_default_threads(0);
  check(default_threads() >= 1, "threads as found");
  check(useful_threads(4, 1000, 1.0) == 1, "little work stays on one thread");
  check(useful_threads(4, 3, 1e9) == (has_openmp() ? 3 : 1), "no more threads than pieces");
}

}  // namespace

void test_drawing_and_threads() {
  test_philox();
  for (const int d : {1, 2, 3, 4, 5, 16, 33}) test_shapes(d, 1 + d % 9);
  test_moments();
  test_weights();
  test_parallel_for();
}

}  // namespace mogfit::tests
