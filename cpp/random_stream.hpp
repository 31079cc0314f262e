// Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011).
//
// A draw is a function of (seed, stream, counter) alone, so streams can be handed out by block and
// the same numbers come out on any number of threads and any instruction set.
#pragma once

#include <array>
#include <cstdint>

namespace mogfit {

inline constexpr std::uint32_t kPhiloxMultiplier0 = 0xD2511F53;
inline constexpr std::uint32_t kPhiloxMultiplier1 = 0xCD9E8D57;
inline constexpr std::uint32_t kPhiloxWeyl0 = 0x9E3779B9;
inline constexpr std::uint32_t kPhiloxWeyl1 = 0xBB67AE85;

inline std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                           std::uint64_t key) {
  auto key0 = static_cast<std::uint32_t>(key);
  auto key1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{kPhiloxMultiplier0} * counter[0];
    const std::uint64_t product1 = std::uint64_t{kPhiloxMultiplier1} * counter[2];
    counter = {static_cast<std::uint32_t>(product1 >> 32) ^ counter[1] ^ key0,
               static_cast<std::uint32_t>(product1),
               static_cast<std::uint32_t>(product0 >> 32) ^ counter[3] ^ key1,
               static_cast<std::uint32_t>(product0)};
    key0 += kPhiloxWeyl0;
    key1 += kPhiloxWeyl1;
  }
  return counter;
}

// A sequence of uniform draws from one stream of a seed.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_counter = 0)
      : seed_(seed), stream_(stream), counter_(first_counter) {}

  // Uniform on [0, 1) with 53 bits.
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

  // Uniform on 0, ..., n - 1 (the bias, n / 2^64, is out of reach).
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>(static_cast<unsigned __int128>(bits()) * n >> 64);
  }

  std::uint64_t bits() {
    if (used_ == 2) {
      const auto block =
          philox({static_cast<std::uint32_t>(counter_), static_cast<std::uint32_t>(counter_ >> 32),
                  static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                 seed_);
      ++counter_;
      words_ = {block[0] | std::uint64_t{block[1]} << 32, block[2] | std::uint64_t{block[3]} << 32};
      used_ = 0;
    }
    return words_[used_++];
  }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_;
  std::array<std::uint64_t, 2> words_{};
  int used_ = 2;
};

}  // namespace mogfit
