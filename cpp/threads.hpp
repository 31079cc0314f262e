// Where loops run in parallel: how many threads, forked children, and stopping early.
#pragma once

#include <cstdint>
#include <functional>

namespace mogfit {

// Whether this build can use more than one thread.
bool has_openmp();

// Threads a call may use when it does not say: OMP_NUM_THREADS and the affinity mask, as OpenMP
// reads them, unless set_default_threads has been called. 1 in a forked child, whose parent's
// thread pool must not be touched.
int default_threads();
void set_default_threads(int threads);

// True when the work should stop. Called on the calling thread only, between pieces of work.
using StopRequested = std::function<bool()>;

// Asks `stop` (which may be empty) if this thread has not asked for a while, across calls: passes
// that are shorter than the interval are interrupted as well. Throws Interrupted when it says so.
void check_stop(const StopRequested& stop);

// Calls body(i, thread) for i in [0, count), each once, in any order, on up to `threads` threads
// (0: the default), thread in [0, threads). Throws Interrupted when stop() answered true, and
// whatever a body threw. Results must not depend on which thread ran which i.
void parallel_for(std::int64_t count, int threads, const StopRequested& stop,
                  const std::function<void(std::int64_t, int)>& body);

// Threads worth using for `count` pieces of `nanoseconds` work each: a parallel region costs
// several microseconds, so small problems stay on one. Throws InputError when `requested` < 0.
int useful_threads(int requested, std::int64_t count, double nanoseconds);

}  // namespace mogfit
