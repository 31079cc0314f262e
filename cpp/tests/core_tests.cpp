// Runs every test of the core; exits with 1 when a check fails. Meant for the sanitizers as well:
// all inputs lie in memory of exactly their size.
#include "core_tests.hpp"

#include <cstdio>

#include "check.hpp"

int main() {
  mogfit::tests::test_evaluation();
  mogfit::tests::test_diagonal();
  mogfit::tests::test_clustering();
  mogfit::tests::test_fitting();
  mogfit::tests::test_functions();
  mogfit::tests::test_models();
  mogfit::tests::test_observations();
  mogfit::tests::test_drawing_and_threads();
  mogfit::tests::test_truncated_drawing();
  std::printf("%d checks, %d failures\n", mogfit::tests::checks, mogfit::tests::failures);
  return mogfit::tests::failures == 0 ? 0 : 1;
}
