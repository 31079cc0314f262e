// Lanes: a fixed number of doubles, one per point, that stay in vector registers.
//
// Native is one vector register of the instruction set this file is compiled for; Lane<R> is R of
// them side by side, so that independent chains hide the latency of the arithmetic. Everything the
// kernels compute runs on full lanes in aligned, padded scratch memory: no result depends on where
// the user's array starts or on where a tail falls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#define MOGFIT_INLINE inline __attribute__((always_inline))

namespace mogfit {

#if defined(__AVX512F__)
inline constexpr int kNativeDoubles = 8;
#elif defined(__AVX__)
inline constexpr int kNativeDoubles = 4;
#else
inline constexpr int kNativeDoubles = 2;
#endif

using Native = double __attribute__((vector_size(kNativeDoubles * sizeof(double))));
using NativeBits = std::int64_t __attribute__((vector_size(kNativeDoubles * sizeof(double))));

namespace detail {
template <typename Body, int... I>
MOGFIT_INLINE void static_for(Body&& body, std::integer_sequence<int, I...>) {
  (body(std::integral_constant<int, I>{}), ...);
}
}  // namespace detail

// body(integral_constant<int, 0>), ..., body(integral_constant<int, N - 1>): a loop unrolled by the
// language, so that arrays of lanes indexed by it are certain to live in registers.
template <int N, typename Body>
MOGFIT_INLINE void static_for(Body&& body) {
  detail::static_for(std::forward<Body>(body), std::make_integer_sequence<int, N>{});
}

constexpr int round_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

MOGFIT_INLINE Native broadcast(double value) { return value - Native{}; }

MOGFIT_INLINE Native load(const double* aligned) {
  return *reinterpret_cast<const Native*>(aligned);
}
MOGFIT_INLINE void store(double* aligned, Native x) { *reinterpret_cast<Native*>(aligned) = x; }

MOGFIT_INLINE Native max(Native a, Native b) { return a > b ? a : b; }

MOGFIT_INLINE Native sqrt(Native x) {
  Native root;
  for (int i = 0; i < kNativeDoubles; ++i) root[i] = __builtin_sqrt(x[i]);
  return root;
}

MOGFIT_INLINE double sum(Native x) {
  double total = 0.0;
  for (int i = 0; i < kNativeDoubles; ++i) total += x[i];
  return total;
}

MOGFIT_INLINE NativeBits bits(Native x) {
  NativeBits b;
  std::memcpy(&b, &x, sizeof b);
  return b;
}
MOGFIT_INLINE Native from_bits(NativeBits b) {
  Native x;
  std::memcpy(&x, &b, sizeof x);
  return x;
}

// 1.5 * 2^52: adding it rounds to an integer, which then stands in the low bits of the sum.
inline constexpr double kRoundToInteger = 6755399441055744.0;

// R registers side by side: R independent chains of arithmetic, step by step in turn, hide the
// latency of each (a scheduler that holds some sixty instructions sees only three whole chains).
template <int R>
struct Lane {
  Native v[R];
};

template <int R, typename Step>
MOGFIT_INLINE Lane<R> each(Step&& step) {
  Lane<R> result;
  static_for<R>([&](auto r) { result.v[r] = step(r); });
  return result;
}

// 2^x for x <= 1023; exactly 0 below -1021, never a subnormal (those slow everything after them).
// In base 2 the reduction of x is exact. Relative error below 1e-17 before rounding.
#if defined(__AVX512F__)

// 2^x = 2^n 2^(j/16) 2^f with |f| <= 1/32: sixteen powers fit into two registers, where a
// permutation looks them up, and 2^f = 1 + f q(f) with q the Chebyshev interpolant of degree 5.
template <int R>
MOGFIT_INLINE Lane<R> exp2(const Lane<R>& argument) {
  constexpr double kCoefficients[] = {1.333378157678426869e-3, 9.6181291069195378674e-3,
                                      5.5504108656639298913e-2, 0.2402265069591007508,
                                      0.69314718055994575333};
  const Native first = {1.0,
                        1.0442737824274138403,
                        1.0905077326652576592,
                        1.1387886347566916537,
                        1.1892071150027210667,
                        1.2418578120734840486,
                        1.2968395546510096659,
                        1.3542555469368927283};
  const Native second = {1.4142135623730950488, 1.4768261459394993114, 1.5422108254079408236,
                         1.6104903319492543082, 1.6817928305074290861, 1.7562521603732994831,
                         1.8340080864093424635, 1.9152065613971472939};
  const Lane<R> x =
      each<R>([&](auto r) { return argument.v[r] < -1021.0 ? broadcast(-1023.0) : argument.v[r]; });
  // The sum is a multiple of 1/16: the integer 16 n + j stands in its low bits.
  const Lane<R> shifted = each<R>([&](auto r) { return x.v[r] + kRoundToInteger / 16; });
  const Lane<R> rounded = each<R>([&](auto r) { return shifted.v[r] - kRoundToInteger / 16; });
  const Lane<R> f = each<R>([&](auto r) { return x.v[r] - rounded.v[r]; });
  const Lane<R> power = each<R>([&](auto r) -> Native {
    return _mm512_permutex2var_pd(first, (__m512i)bits(shifted.v[r]), second);
  });
  Lane<R> q = each<R>([&](auto) { return broadcast(1.5403723980749256422e-4); });
  static_for<5>(
      [&](auto i) { static_for<R>([&](auto r) { q.v[r] = q.v[r] * f.v[r] + kCoefficients[i]; }); });
  // At x = -1023, f = 0 and j = 0: the exponent field 1023 of 1.0 becomes 0, the double zero.
  return each<R>([&](auto r) {
    const Native value = power.v[r] + (power.v[r] * f.v[r]) * q.v[r];
    constexpr std::int64_t kExponentField = -0x10000000000000;
    return from_bits(bits(value) + ((bits(shifted.v[r]) << 48) & kExponentField));
  });
}

#else

// 2^x = 2^n 2^f with |f| <= 1/2, 2^f = 1 + f q(f), q the Chebyshev interpolant of degree 10.
template <int R>
MOGFIT_INLINE Lane<R> exp2(const Lane<R>& argument) {
  constexpr double kCoefficients[] = {7.0725859492692236999e-9,
                                      1.0178062445845773521e-7,
                                      1.3215442587921689653e-6,
                                      1.5252733829836118394e-5,
                                      1.5403530441736050155e-4,
                                      1.3333558146416935310e-3,
                                      9.6181291076068885273e-3,
                                      5.5504108664821594339e-2,
                                      0.2402265069591009822,
                                      0.69314718055994530942,
                                      1.0};
  const Lane<R> x =
      each<R>([&](auto r) { return argument.v[r] < -1021.0 ? broadcast(-1023.0) : argument.v[r]; });
  const Lane<R> shifted = each<R>([&](auto r) { return x.v[r] + kRoundToInteger; });
  const Lane<R> rounded = each<R>([&](auto r) { return shifted.v[r] - kRoundToInteger; });
  const Lane<R> f = each<R>([&](auto r) { return x.v[r] - rounded.v[r]; });
  Lane<R> q = each<R>([&](auto) { return broadcast(4.4549605981865183938e-10); });
  static_for<11>(
      [&](auto i) { static_for<R>([&](auto r) { q.v[r] = q.v[r] * f.v[r] + kCoefficients[i]; }); });
  // At x = -1023, f = 0 and q = 1, whose exponent field 1023 becomes 0: the double zero.
  return each<R>([&](auto r) { return from_bits(bits(q.v[r]) + (bits(shifted.v[r]) << 52)); });
}

#endif

// Natural logarithm of a positive normal double; -inf at 0. x = 2^n m with m in [sqrt(1/2), sqrt
// 2), log m = 2 atanh(s) with s = (m - 1) / (m + 1), |s| <= 0.1716 (relative error below 1 ulp).
MOGFIT_INLINE Native log(Native x) {
  constexpr std::int64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  const NativeBits offset = bits(x) - kSqrtHalf;
  const NativeBits n = offset >> 52;
  const Native m = from_bits(bits(x) - (n << 52));
  const Native f = m - 1.0;
  const Native s = f / (m + 1.0);
  const Native z = s * s;
  Native p = z * 0.1461644968504340586 + 0.15331721600556041269;
  p = p * z + 0.1818288912526172208;
  p = p * z + 0.22222211134795079855;
  p = p * z + 0.28571428625975484921;
  p = p * z + 0.3999999999989950449;
  p = p * z + 0.66666666666666696862;
  // log m = 2 s + s z p and 2 s = f - s f: the leading term f is exact.
  const Native log_m = f - s * (f - z * p);
  // n as a double: the integer added to the bits of 1.5 * 2^52 is exact.
  const Native exponent =
      from_bits(n + bits(broadcast(kRoundToInteger))) - broadcast(kRoundToInteger);
  const Native result =
      exponent * 1.90821492927058770002e-10 + (log_m + exponent * 6.93147180369123816490e-01);
  return x > 0.0 ? result : broadcast(-std::numeric_limits<double>::infinity());
}

// Takes the power of two out of a positive normal double: leaves m in [1, 2) and returns n as a
// double, x = 2^n m.
MOGFIT_INLINE Native take_exponent(Native& x) {
  constexpr std::int64_t kOne = 0x3ff0000000000000;
  const NativeBits n = (bits(x) - kOne) >> 52;
  x = from_bits(bits(x) - (n << 52));
  return from_bits(n + bits(broadcast(kRoundToInteger))) - broadcast(kRoundToInteger);
}

}  // namespace mogfit
