// The failures the core can report. The bindings turn each into the Python error of the same name.
#pragma once

#include <stdexcept>
#include <string>

namespace mogfit {

// An argument has the wrong shape, a value outside its range, or is not finite.
struct InputError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// A covariance matrix is singular or not positive definite.
struct DegenerateError : std::domain_error {
  using std::domain_error::domain_error;
};

// A domain that is none, or points that lie outside it.
struct DomainError : std::domain_error {
  using std::domain_error::domain_error;
};

// What is well defined, but beyond what can be computed here.
struct NotImplementedError : std::logic_error {
  using std::logic_error::logic_error;
};

// The caller asked for the work to stop (Ctrl-C); nothing has been changed.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

}  // namespace mogfit
