// Draws from a mixture, the same for any number of threads.
#pragma once

#include <cstdint>

#include "prepared_mixture.hpp"
#include "threads.hpp"

namespace mogfit {

// n draws: row i of `points` (n x d) from component labels[i], chosen with probability
// proportional to its weight. Points are drawn in blocks, each with a random stream of its own, so
// the first m of n draws are those of a call for m. Every weight finite, at least one positive.
// Draws of a truncated mixture lie inside its box; DegenerateError names a component of which next
// to nothing does.
void sample(const PreparedMixture& mixture, std::int64_t n, std::uint64_t seed, double* points,
            std::int64_t* labels, int threads, const StopRequested& stop = {});

}  // namespace mogfit
