#include "normal_draws.hpp"

#include <algorithm>
#include <cmath>

namespace mogfit {

namespace {

constexpr int kLayers = 256;
// Where the tail begins, for layers of equal area that end at the peak (Doornik 2005).
constexpr double kTailStart = 3.6541528853610088;

// exp(-x^2 / 2), x > 0, covered by layers of one area V: the i-th reaches to edges[i], and up to
// ratios[i] of its width it lies below the curve. The lowest layer holds the tail, V of it in all.
struct Ziggurat {
  double edges[kLayers + 1];
  double ratios[kLayers];

  Ziggurat() {
    const double height = std::exp(-0.5 * kTailStart * kTailStart);
    const double area = height * (kTailStart + mills_ratio(kTailStart));
    edges[0] = area / height;
    edges[1] = kTailStart;
    for (int i = 2; i < kLayers; ++i) {
      const double below = edges[i - 1];
      edges[i] = std::sqrt(-2.0 * std::log(area / below + std::exp(-0.5 * below * below)));
    }
    edges[kLayers] = 0.0;
    for (int i = 0; i < kLayers; ++i) ratios[i] = edges[i + 1] / edges[i];
  }
};

const Ziggurat kZiggurat;

// z > kTailStart (Marsaglia 1964).
double ziggurat_tail(RandomStream& stream) {
  while (true) {
    const double x = -std::log1p(-stream.uniform()) / kTailStart;
    const double y = -std::log1p(-stream.uniform());
    if (2.0 * y >= x * x) return kTailStart + x;
  }
}

// Beyond this, the tail by itself is cheaper than half of the normal without what lies below.
constexpr double kTail = 1.0;

// z - low for z uniform on the interval, accepted with probability exp((peak^2 - z^2) / 2).
double uniform_distance(RandomStream& stream, double low, double width) {
  while (true) {
    const double t = width * stream.uniform();
    const double z = low + t;
    const double drop = low > 0.0 ? t * (low + 0.5 * t) : 0.5 * z * z;
    const double v = stream.uniform();
    // exp(-drop) >= 1 - drop spares most of the exponentials.
    if (v <= 1.0 - drop || v <= std::exp(-drop)) return t;
  }
}

// z - low in the tail: z^2 / 2 exponential, accepted with probability low / z (Marsaglia 1964;
// Botev 2017, Section 2). `fall` is the exponent's change across the interval.
double tail_distance(RandomStream& stream, double low, double width, double fall) {
  const double scale = std::expm1(-fall);
  while (true) {
    const double e = -std::log(1.0 + scale * stream.uniform());
    const double t = 2.0 * e / (low + std::sqrt(low * low + 2.0 * e));
    if (stream.uniform() * (low + t) <= low) return std::min(t, width);
  }
}

}  // namespace

// Marsaglia & Tsang (2000) with the layer and the place in it from separate bits (Doornik 2005).
double draw_normal(RandomStream& stream) {
  while (true) {
    const std::uint64_t bits = stream.bits();
    const int layer = static_cast<int>(bits % kLayers);
    const double u = static_cast<double>(bits >> 11) * 0x1p-52 - 1.0;
    const double z = u * kZiggurat.edges[layer];
    if (std::abs(u) < kZiggurat.ratios[layer]) return z;
    if (layer == 0) return std::copysign(ziggurat_tail(stream), u);
    const auto height = [&](double edge) { return std::exp(0.5 * (z * z - edge * edge)); };
    const double lower = height(kZiggurat.edges[layer]);
    const double upper = height(kZiggurat.edges[layer + 1]);
    if (lower + stream.uniform() * (upper - lower) < 1.0) return z;
  }
}

Place draw_normal(RandomStream& stream, const Interval& interval) {
  // The side closer to 0 is taken for the low one.
  const bool reflected = interval.low < -interval.high;
  const double low = reflected ? -interval.high : interval.low;
  const double high = reflected ? -interval.low : interval.high;
  const double width = interval.width;
  const auto from = reflected ? Place::From::kHigh : Place::From::kLow;
  const bool folded = low >= 0.0;
  if (low >= kTail) {
    const double fall = width * (low + 0.5 * width);
    if (fall > 1.0) return {from, tail_distance(stream, low, width, fall)};
    return {from, uniform_distance(stream, low, width)};
  }
  // As good as the normal itself, which has sqrt(2 pi) of mass around its peak, half if folded.
  if (width < (folded ? 1.25 : 2.5)) return {from, uniform_distance(stream, low, width)};
  while (true) {
    const double draw = draw_normal(stream);
    const double z = folded ? std::abs(draw) : draw;
    if (low <= z && z <= high) return {Place::From::kZero, reflected ? -z : z};
  }
}

}  // namespace mogfit
