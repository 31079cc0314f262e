#include "sampling.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "errors.hpp"
#include "lanes.hpp"
#include "random_stream.hpp"
#include "scratch.hpp"
#include "truncated_sampling.hpp"

namespace mogfit {

namespace {

// Points drawn together; a multiple of every lane width.
constexpr int kDraws = 512;

using Words = std::uint64_t __attribute__((vector_size(kNativeDoubles * sizeof(double))));

// The product of the low 32 bits of each word, 64 bits wide.
MOGFIT_INLINE Words multiply_low(Words a, std::uint32_t b) {
#if defined(__AVX512F__)
  return (Words)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (Words)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#elif defined(__SSE2__)
  return (Words)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x(b));
#else
  return (a & 0xffffffffu) * b;
#endif
}

// Philox4x32-10 in lanes: the blocks `counter` of a stream, each as two 64-bit words. The same
// numbers as RandomStream gives.
struct PhiloxLanes {
  Words first;
  Words second;
};

MOGFIT_INLINE PhiloxLanes philox_lanes(Words counter, std::uint64_t stream, std::uint64_t seed) {
  constexpr std::uint64_t kLow = 0xffffffffu;
  // Only the low 32 bits of each word mean anything until the end.
  Words c0 = counter;
  Words c1 = counter >> 32;
  Words c2 = Words{} + (stream & kLow);
  Words c3 = Words{} + (stream >> 32);
  std::uint64_t key0 = seed & kLow;
  std::uint64_t key1 = seed >> 32;
  static_for<10>([&](auto) {
    const Words product0 = multiply_low(c0, kPhiloxMultiplier0);
    const Words product1 = multiply_low(c2, kPhiloxMultiplier1);
    c0 = (product1 >> 32) ^ c1 ^ key0;
    c1 = product1;
    c2 = (product0 >> 32) ^ c3 ^ key1;
    c3 = product0;
    key0 = (key0 + kPhiloxWeyl0) & kLow;
    key1 = (key1 + kPhiloxWeyl1) & kLow;
  });
  return {(c0 & kLow) | (c1 << 32), (c2 & kLow) | (c3 << 32)};
}

// Uniform on [0, 1) with 52 bits.
MOGFIT_INLINE Native to_uniform(Words words) {
  constexpr std::uint64_t kOne = 0x3ff0000000000000;
  const Words mantissa = (words >> 12) | kOne;
  return from_bits((NativeBits)mantissa) - 1.0;
}

struct SineCosine {
  Native sine;
  Native cosine;
};

// sin and cos of 2 pi u for u in [0, 1): 4 u = n + f, |f| <= 1/2, then Chebyshev polynomials of
// sin(pi f / 2) and cos(pi f / 2), and the quadrant n swaps and signs them.
MOGFIT_INLINE SineCosine sine_cosine(Native u) {
  const Native shifted = u * 4.0 + kRoundToInteger;
  const Native f = u * 4.0 - (shifted - kRoundToInteger);
  const Native z = f * f;
  Native s = z * 5.6339337815378539538e-8 + -3.598643352982309702e-6;
  s = s * z + 1.6044115074219091052e-4;
  s = s * z + -4.6817541323409759917e-3;
  s = s * z + 7.9692626246043003134e-2;
  s = s * z + -0.64596409750624431573;
  s = s * z + 1.5707963267948966143;
  s = s * f;
  Native c = z * -6.3293963449674235121e-9 + 4.7106784055052271063e-7;
  c = c * z + -2.5202039028029176105e-5;
  c = c * z + 9.1926027454684461873e-4;
  c = c * z + -2.0863480763340772521e-2;
  c = c * z + 0.25366950790104782321;
  c = c * z + -1.2337005501361698269;
  c = c * z + 1.0;
  const NativeBits quadrant = bits(shifted);
  const NativeBits odd = -(quadrant & 1);
  const NativeBits sine_sign = (quadrant & 2) << 62;
  const NativeBits cosine_sign = ((quadrant + 1) & 2) << 62;
  const NativeBits sine = (bits(s) & ~odd) | (bits(c) & odd);
  const NativeBits cosine = (bits(c) & ~odd) | (bits(s) & odd);
  return {from_bits(sine ^ sine_sign), from_bits(cosine ^ cosine_sign)};
}

// `count` normal draws by Box & Muller (1958); count is a multiple of twice the lane width.
void fill_normals(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_counter, int count,
                  double* normals) {
  Words counter;
  for (int i = 0; i < kNativeDoubles; ++i) counter[i] = first_counter + i;
  alignas(kAlignment) double radius[kDraws];
  for (int done = 0; done < count; done += 2 * kDraws) {
    const int pairs = std::min(kDraws, (count - done) / 2);
    double* const sine = normals + done;
    double* const cosine = sine + pairs;
    for (int i = 0; i < pairs; i += kNativeDoubles, counter += kNativeDoubles) {
      const PhiloxLanes random = philox_lanes(counter, stream, seed);
      // 1 - u lies in (0, 1]: its logarithm is finite.
      store(radius + i, -2.0 * log(1.0 - to_uniform(random.first)));
      const SineCosine angle = sine_cosine(to_uniform(random.second));
      store(sine + i, angle.sine);
      store(cosine + i, angle.cosine);
    }
    for (int i = 0; i < pairs; ++i) {
      const double r = std::sqrt(radius[i]);
      sine[i] *= r;
      cosine[i] *= r;
    }
  }
}

// Draws component k with probability w_k / sum(w) from one uniform (Walker 1977, Vose 1991).
class AliasTable {
 public:
  explicit AliasTable(const Vector& weights)
      : size_(static_cast<int>(weights.size())), threshold_(size_), choices_(2 * size_) {
    const Vector scaled = weights * (size_ / weights.sum());
    std::vector<int> small;
    std::vector<int> large;
    for (int k = 0; k < size_; ++k) {
      (scaled[k] < 1.0 ? small : large).push_back(k);
      threshold_[k] = scaled[k];
      choices_[2 * k] = choices_[2 * k + 1] = k;
    }
    while (!small.empty() && !large.empty()) {
      const int under = small.back();
      const int over = large.back();
      small.pop_back();
      choices_[2 * under] = over;
      threshold_[over] -= 1.0 - threshold_[under];
      if (threshold_[over] < 1.0) {
        large.pop_back();
        small.push_back(over);
      }
    }
    // What rounding left over are components that fill their slots: both choices are their own,
    // but for one of weight 0, which is never drawn.
    int heaviest = 0;
    weights.maxCoeff(&heaviest);
    for (const int k : small)
      if (!(scaled[k] > 0.0)) choices_[2 * k] = choices_[2 * k + 1] = heaviest;
  }

  int draw(double u) const {
    const double place = u * size_;
    const int k = static_cast<int>(place);
    // An index, not a branch: nothing could predict it.
    return choices_[2 * k + static_cast<int>(place - k < threshold_[k])];
  }

 private:
  int size_;
  std::vector<double> threshold_;
  std::vector<int> choices_;  // for each slot: its alias, then its own component
};

// What it takes to place a point: mu_k and the columns of L_k, each padded to whole registers.
Scratch pack_factors(const PreparedMixture& mixture) {
  const int d = mixture.nvars();
  const std::size_t width = round_up(d, kNativeDoubles);
  Scratch packed(mixture.ngauss() * (1 + d) * width);
  double* p = packed.data();
  for (int k = 0; k < mixture.ngauss(); ++k) {
    for (int j = 0; j < d; ++j) p[j] = mixture.means()(k, j);
    p += width;
    for (int l = 0; l < d; ++l, p += width)
      for (int j = l; j < d; ++j) p[j] = mixture.factor(k)(j, l);
  }
  return packed;
}

// P points of one component, first + (0 .. P - 1) of them in `which`: x = mu + L z, a register of
// coordinates at a time; z and x are d and `stride` apart from point to point.
template <int P, typename D>
MOGFIT_INLINE void place(D nvars, const double* component, const int* which, const double* z,
                         int stride, double* x) {
  const int d = nvars;
  const int width = round_up(d, kNativeDoubles);
  for (int first = 0; first < d; first += kNativeDoubles) {
    const Lane<P> mean = each<P>([&](auto) { return load(component + first); });
    Lane<P> value = mean;
    // Columns to the right of these rows are zero here: L is lower triangular.
    const int columns = std::min(d, first + kNativeDoubles);
    for (int l = 0; l < columns; ++l) {
      const Native column = load(component + (1 + l) * width + first);
      static_for<P>([&](auto p) { value.v[p] += column * z[which[p] * d + l]; });
    }
    static_for<P>(
        [&](auto p) { std::memcpy(x + which[p] * stride + first, &value.v[p], sizeof(Native)); });
  }
}

// Few variables: one point after the other; what a row writes past its end the next overwrites.
template <typename D>
void place_in_order(D nvars, const double* packed, const int* labels, const double* z, int count,
                    double* points) {
  const int d = nvars;
  const int size = (1 + d) * round_up(d, kNativeDoubles);
  for (int i = 0; i < count; ++i)
    place<1>(nvars, packed + static_cast<std::size_t>(labels[i]) * size, &i, z, d, points);
}

// Many variables: the points of one component together, four at a time, so that its factor is
// read once for all of them. Rows are padded to whole registers.
void place_by_component(int d, int ngauss, const double* packed, const int* labels, const double* z,
                        double* rows) {
  const int width = round_up(d, kNativeDoubles);
  const std::size_t size = static_cast<std::size_t>(1 + d) * width;
  std::vector<int> start(ngauss + 1, 0);
  for (int i = 0; i < kDraws; ++i) ++start[labels[i] + 1];
  for (int k = 0; k < ngauss; ++k) start[k + 1] += start[k];
  int order[kDraws];
  std::vector<int> next(start.begin(), start.end() - 1);
  for (int i = 0; i < kDraws; ++i) order[next[labels[i]]++] = i;
  for (int k = 0; k < ngauss; ++k) {
    int i = start[k];
    for (; i + 4 <= start[k + 1]; i += 4) place<4>(d, packed + k * size, order + i, z, width, rows);
    for (; i < start[k + 1]; ++i) place<1>(d, packed + k * size, order + i, z, width, rows);
  }
}

// Draws of one block, n x d, from the labels and the normals; `rows` is scratch.
void place_block(const PreparedMixture& mixture, const double* packed, const int* labels,
                 const double* z, int count, double* rows, double* points) {
  const int d = mixture.nvars();
  const auto in_order = [&](auto nvars) {
    place_in_order(nvars, packed, labels, z, count, rows);
    std::copy_n(rows, static_cast<std::size_t>(count) * d, points);
  };
  switch (d) {
    case 1: return in_order(std::integral_constant<int, 1>{});
    case 2: return in_order(std::integral_constant<int, 2>{});
    case 3: return in_order(std::integral_constant<int, 3>{});
    case 4: return in_order(std::integral_constant<int, 4>{});
    case 5: return in_order(std::integral_constant<int, 5>{});
    case 6: return in_order(std::integral_constant<int, 6>{});
    case 7: return in_order(std::integral_constant<int, 7>{});
    case 8: return in_order(std::integral_constant<int, 8>{});
    default: break;
  }
  const int width = round_up(d, kNativeDoubles);
  place_by_component(d, mixture.ngauss(), packed, labels, z, rows);
  for (int i = 0; i < count; ++i) std::copy_n(rows + i * width, d, points + i * d);
}

// Component of every point of one block.
void draw_labels(const AliasTable& table, std::uint64_t seed, std::uint64_t stream, int* labels) {
  Words counter;
  for (int i = 0; i < kNativeDoubles; ++i) counter[i] = i;
  alignas(kAlignment) double u[kNativeDoubles];
  constexpr int kHalf = kDraws / 2;
  for (int i = 0; i < kHalf; i += kNativeDoubles, counter += kNativeDoubles) {
    const PhiloxLanes random = philox_lanes(counter, stream, seed);
    store(u, to_uniform(random.first));
    for (int j = 0; j < kNativeDoubles; ++j) labels[i + j] = table.draw(u[j]);
    store(u, to_uniform(random.second));
    for (int j = 0; j < kNativeDoubles; ++j) labels[kHalf + i + j] = table.draw(u[j]);
  }
}

// Draws of a mixture truncated to a box, one after the other from the stream of their block.
void sample_truncated(const PreparedMixture& mixture, const AliasTable& table, std::int64_t n,
                      std::uint64_t seed, double* points, std::int64_t* labels, int threads,
                      const StopRequested& stop) {
  const int d = mixture.nvars();
  // Nothing but a component that is never drawn may be without a sampler.
  std::vector<std::optional<TruncatedComponent>> components(mixture.ngauss());
  for (int k = 0; k < mixture.ngauss(); ++k)
    if (std::isfinite(mixture.log_weights()[k]))
      components[k].emplace(mixture.truncation()->box, mixture.means().row(k), mixture.factor(k));
  const std::int64_t blocks = (n + kDraws - 1) / kDraws;
  const int used = useful_threads(threads, blocks, kDraws * 100.0 * d);
  parallel_for(blocks, used, stop, [&](std::int64_t block, int) {
    int chosen[kDraws];
    draw_labels(table, seed, block, chosen);
    // The labels take the counters below kDraws.
    RandomStream stream(seed, block, kDraws);
    TruncatedComponent::Workspace workspace(d);
    const std::int64_t first = block * kDraws;
    const int count = static_cast<int>(std::min<std::int64_t>(kDraws, n - first));
    for (int i = 0; i < count; ++i) {
      const int k = chosen[i];
      if (!components[k]->draw(stream, workspace, points + (first + i) * d))
        throw DegenerateError("domain: component " + std::to_string(k) +
                              " holds next to no mass inside the domain, too little to draw from; "
                              "widen the domain or move the mean closer");
      labels[first + i] = k;
    }
  });
}

}  // namespace

void sample(const PreparedMixture& mixture, std::int64_t n, std::uint64_t seed, double* points,
            std::int64_t* labels, int threads, const StopRequested& stop) {
  const int d = mixture.nvars();
  const Vector& logs = mixture.log_weights();
  const AliasTable table((logs.array() - logs.maxCoeff()).exp());
  if (mixture.truncation())
    return sample_truncated(mixture, table, n, seed, points, labels, threads, stop);
  const Scratch packed = pack_factors(mixture);
  const std::int64_t blocks = (n + kDraws - 1) / kDraws;
  const int used = useful_threads(threads, blocks, kDraws * (5.0 + 5.0 * d));
  struct Worker {
    Scratch normals;
    Scratch rows;
  };
  std::vector<std::unique_ptr<Worker>> workers(used);
  parallel_for(blocks, used, stop, [&](std::int64_t block, int thread) {
    auto& worker = workers[thread];
    if (!worker) {
      const std::size_t row = round_up(d, kNativeDoubles);
      worker.reset(new Worker{Scratch(static_cast<std::size_t>(d) * kDraws),
                              Scratch(row * kDraws + kNativeDoubles)});
    }
    int chosen[kDraws];
    draw_labels(table, seed, block, chosen);
    // The labels take the counters below kDraws.
    fill_normals(seed, block, kDraws, d * kDraws, worker->normals.data());
    const std::int64_t first = block * kDraws;
    const int count = static_cast<int>(std::min<std::int64_t>(kDraws, n - first));
    place_block(mixture, packed.data(), chosen, worker->normals.data(), count, worker->rows.data(),
                points + first * d);
    std::copy_n(chosen, count, labels + first);
  });
}

}  // namespace mogfit
