#include "kmeans_plusplus.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mogfit {

namespace {

// The choice of centres. One sweep over the data a round takes the centre chosen last into account
// and tries the next candidates; a draw needs the masses of blocks, and the rows of one block only.
class Seeding {
 public:
  Seeding(const Cloud& cloud, RandomStream& random)
      : cloud_(cloud), random_(random), nearest_(cloud.blocks() * kBlock) {
    std::fill_n(nearest_.data(), nearest_.size(), std::numeric_limits<double>::infinity());
  }

  std::vector<double> centres(int ngauss) {
    const int candidates = 2 + static_cast<int>(std::log(static_cast<double>(ngauss)));
    std::vector<double> chosen;
    double total = 0.0;
    for (int k = 0; k < ngauss; ++k) {
      // Without mass every point is a centre already: the data hold fewer distinct points than
      // there are clusters.
      std::vector<std::int64_t> rows(total > 0.0 ? candidates : 1);
      for (std::int64_t& row : rows) row = total > 0.0 ? draw(total) : draw_by_weight();
      total = take_best(rows);
      chosen.insert(chosen.end(), last_.begin(), last_.end());
    }
    return chosen;
  }

 private:
  // The row at which the running sum of the weights reaches a random part of their sum.
  std::int64_t draw_by_weight() {
    double target = random_.uniform() * cloud_.total_weight();
    const std::int64_t block = find(cloud_.block_weights(), target);
    const double* const weights = cloud_.weights(block);
    return block * kBlock + find(std::vector<double>(weights, weights + kBlock), target);
  }

  // The same for the masses: weight times squared distance to the nearest centre.
  std::int64_t draw(double total) {
    double target = random_.uniform() * total;
    const std::int64_t block = find(block_masses_, target);
    std::vector<double> masses(kBlock);
    for (int at = 0; at < kBlock; at += kGroupPoints) {
      const Lane<kGroup> nearest = nearest_with_last<0>(block, at);
      static_for<kGroup>([&](auto r) {
        const int i = at + r * kNativeDoubles;
        const Native values = mass(load(cloud_.weights(block) + i), nearest.v[r]);
        std::memcpy(masses.data() + i, &values, sizeof values);
      });
    }
    return block * kBlock + find(masses, target);
  }

  // Where the running sum of masses reaches the target, which loses those before; never at a mass
  // of 0 if there are others.
  static std::int64_t find(const std::vector<double>& masses, double& target) {
    std::int64_t last = 0;
    for (std::size_t i = 0; i < masses.size(); ++i) {
      if (!(masses[i] > 0.0)) continue;
      last = static_cast<std::int64_t>(i);
      if (target < masses[i]) break;
      target -= masses[i];
    }
    return last;
  }

  template <int D>
  Lane<kGroup> nearest_with_last(std::int64_t b, int at) const {
    const double* const nearest = nearest_.data() + b * kBlock + at;
    const Lane<kGroup> before =
        each<kGroup>([&](auto r) { return load(nearest + r * kNativeDoubles); });
    if (last_.empty()) return before;
    const Lane<kGroup> square = squared_distance<D>(cloud_.block(b) + at, cloud_.d, last_.data());
    return each<kGroup>(
        [&](auto r) { return square.v[r] < before.v[r] ? square.v[r] : before.v[r]; });
  }

  // Takes the last centre into account; sums: those of the masses with each candidate as the next.
  template <int D>
  void try_block(std::int64_t b, const std::vector<double>& trials, Scratch& sums) {
    const int count = static_cast<int>(sums.size()) / kNativeDoubles;
    std::fill_n(sums.data(), sums.size(), 0.0);
    for (int at = 0; at < kBlock; at += kGroupPoints) {
      const Lane<kGroup> nearest = nearest_with_last<D>(b, at);
      static_for<kGroup>([&](auto r) {
        store(nearest_.data() + b * kBlock + at + r * kNativeDoubles, nearest.v[r]);
      });
      for (int c = 0; c < count; ++c) {
        const Lane<kGroup> square =
            squared_distance<D>(cloud_.block(b) + at, cloud_.d, trials.data() + c * cloud_.d);
        const Lane<kGroup> masses = each<kGroup>([&](auto r) {
          const Native least = square.v[r] < nearest.v[r] ? square.v[r] : nearest.v[r];
          return mass(load(cloud_.weights(b) + at + r * kNativeDoubles), least);
        });
        double* const sum = sums.data() + c * kNativeDoubles;
        static_assert(kGroup == 4);
        store(sum, load(sum) + ((masses.v[0] + masses.v[1]) + (masses.v[2] + masses.v[3])));
      }
    }
  }

  // Makes one of the rows a centre: the one that leaves the least mass, which it returns.
  double take_best(const std::vector<std::int64_t>& rows) {
    const int d = cloud_.d;
    const int count = static_cast<int>(rows.size());
    std::vector<double> trials(rows.size() * d);
    for (int c = 0; c < count; ++c) cloud_.copy_row(rows[c], trials.data() + c * d);
    // Of each block, for each candidate.
    std::vector<double> masses(cloud_.blocks() * count);
    with_dimension(d, [&](auto dimension) {
      cloud_.for_chunks(d * (count + 1.0),
                        [&](std::int64_t, std::int64_t first, std::int64_t last) {
                          Scratch sums(count * kNativeDoubles);
                          for (std::int64_t b = first; b < last; ++b) {
                            try_block<dimension>(b, trials, sums);
                            for (int c = 0; c < count; ++c)
                              masses[b * count + c] = sum(load(sums.data() + c * kNativeDoubles));
                          }
                        });
    });
    std::vector<double> totals(count, 0.0);
    for (std::size_t m = 0; m < masses.size(); ++m) totals[m % count] += masses[m];
    const auto best = std::min_element(totals.begin(), totals.end()) - totals.begin();
    block_masses_.resize(cloud_.blocks());
    for (std::int64_t b = 0; b < cloud_.blocks(); ++b) block_masses_[b] = masses[b * count + best];
    last_.assign(trials.begin() + best * d, trials.begin() + (best + 1) * d);
    return totals[best];
  }

  const Cloud& cloud_;
  RandomStream& random_;
  Scratch nearest_;                   // squared distances to the centres, but for the last one
  std::vector<double> last_;          // the centre chosen last
  std::vector<double> block_masses_;  // with all centres
};

}  // namespace

std::vector<double> kmeans_plusplus(const Cloud& cloud, int ngauss, RandomStream& random) {
  return Seeding(cloud, random).centres(ngauss);
}

}  // namespace mogfit
