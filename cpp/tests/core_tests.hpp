// The tests of the core, one function for each file of them.
#pragma once

namespace mogfit::tests {

void test_clustering();
void test_diagonal();
void test_evaluation();
void test_fitting();
void test_functions();
void test_models();
void test_observations();
void test_drawing_and_threads();
void test_truncated_drawing();

}  // namespace mogfit::tests
