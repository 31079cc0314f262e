#include "threads.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <string>

#include "errors.hpp"

#ifdef _OPENMP
#include <omp.h>
#endif
#ifdef __unix__
#include <pthread.h>
#endif

namespace mogfit {

namespace {

std::atomic<int> chosen_threads{0};
std::atomic<bool> forked{false};

void watch_forks() {
#ifdef __unix__
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { forked = true; }); });
#endif
}

// Work that one thread should have before a second one is worth waking.
constexpr double kNanosecondsPerThread = 50e3;

// How often a calling thread asks whether to stop.
constexpr auto kStopInterval = std::chrono::milliseconds(50);

}  // namespace

void check_stop(const StopRequested& stop) {
  static thread_local std::chrono::steady_clock::time_point last_asked;
  if (!stop) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_asked < kStopInterval) return;
  last_asked = now;
  if (stop()) throw Interrupted();
}

bool has_openmp() {
#ifdef _OPENMP
  return true;
#else
  return false;
#endif
}

int default_threads() {
  if (!has_openmp() || forked) return 1;
  if (chosen_threads > 0) return chosen_threads;
#ifdef _OPENMP
  // OMP_NUM_THREADS may ask for more than the affinity mask allows; more would only be in the way.
  return std::max(1, std::min(omp_get_max_threads(), omp_get_num_procs()));
#else
  return 1;
#endif
}

void set_default_threads(int threads) { chosen_threads = threads; }

int useful_threads(int requested, std::int64_t count, double nanoseconds) {
  if (requested < 0)
    throw InputError("threads: is " + std::to_string(requested) +
                     ", must be a whole number, 1 or more, or 0 for the default");
  const int allowed = !has_openmp() || forked ? 1 : requested > 0 ? requested : default_threads();
  const double worth = static_cast<double>(count) * nanoseconds / kNanosecondsPerThread;
  const auto useful =
      std::min<double>({static_cast<double>(allowed), static_cast<double>(count), worth});
  return std::max(1, static_cast<int>(useful));
}

void parallel_for(std::int64_t count, int threads, const StopRequested& stop,
                  const std::function<void(std::int64_t, int)>& body) {
  watch_forks();
  std::atomic<bool> stopped{false};
  std::exception_ptr failure;
  std::mutex failure_lock;

  const auto run = [&](std::int64_t i, int thread) {
    if (stopped.load(std::memory_order_relaxed)) return;
    try {
      if (thread == 0) check_stop(stop);
      body(i, thread);
    } catch (...) {
      const std::lock_guard<std::mutex> guard(failure_lock);
      if (!failure) failure = std::current_exception();
      stopped = true;
    }
  };

  if (threads <= 1) {
    for (std::int64_t i = 0; i < count; ++i) run(i, 0);
  } else {
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (std::int64_t i = 0; i < count; ++i) run(i, omp_get_thread_num());
#endif
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace mogfit
