// Aligned scratch memory: what the kernels work in, never the user's arrays.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace mogfit {

// Lanes are loaded and stored at multiples of their size, at most this many bytes.
inline constexpr std::size_t kAlignment = 64;

// A zeroed array of doubles, aligned for lanes and padded to a whole number of registers.
class Scratch {
 public:
  Scratch() = default;
  explicit Scratch(std::size_t size) : size_(size) {
    if (size == 0) return;
    constexpr std::size_t kUnit = kAlignment / sizeof(double);
    const std::size_t padded = (size + kUnit - 1) / kUnit * kUnit;
    data_.reset(static_cast<double*>(
        ::operator new(padded * sizeof(double), std::align_val_t{kAlignment})));
    for (std::size_t i = 0; i < padded; ++i) data_[i] = 0.0;
  }

  double* data() { return data_.get(); }
  const double* data() const { return data_.get(); }
  double& operator[](std::size_t i) { return data_[i]; }
  const double& operator[](std::size_t i) const { return data_[i]; }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(double* p) const { ::operator delete(p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<double[], Free> data_;
  std::size_t size_ = 0;
};

}  // namespace mogfit
