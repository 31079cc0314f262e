// Checks that count failures and go on, so that one run shows all that is wrong.
#pragma once

#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace mogfit::tests {

inline int checks = 0;
inline int failures = 0;

inline void check(bool holds, const std::string& what) {
  ++checks;
  if (holds) return;
  ++failures;
  // The first ones tell enough.
  if (failures <= 50) std::printf("FAILED %s\n", what.c_str());
}

// |seen - expected| <= tolerance * max(1, |expected|), or both the same infinity, or both NaN.
inline void check_close(double seen, long double expected, double tolerance,
                        const std::string& what) {
  const auto rounded = static_cast<double>(expected);
  const bool same = seen == rounded || (std::isnan(seen) && std::isnan(rounded));
  const long double scale = std::fmax(1.0L, std::fabs(expected));
  if (same || std::fabs(seen - expected) <= tolerance * scale) return check(true, what);
  char text[100];
  std::snprintf(text, sizeof text, ": %.17g seen, %.17g expected", seen, rounded);
  check(false, what + text);
}

// The same bits, NaN included.
inline void check_same_bits(const std::vector<double>& a, const std::vector<double>& b,
                            const std::string& what) {
  check(a.size() == b.size() &&
            (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0),
        what + ": not the same bits");
}

template <typename Error, typename Call>
void check_throws(const Call& call, const std::string& mention, const std::string& what) {
  try {
    call();
  } catch (const Error& error) {
    const std::string message = error.what();
    return check(message.find(mention) != std::string::npos, what + ": says '" + message + "'");
  } catch (const std::exception& error) {
    return check(false, what + ": another error, '" + error.what() + "'");
  }
  check(false, what + ": no error");
}

}  // namespace mogfit::tests
