// Least squares on a mesh: sums of bumps h_k exp(-|W_k (x - mu_k)|^2 / 2), W_k = L_k^-1, against
// the values of a function, and the sums over the mesh that one Gauss-Newton or Newton step needs.
//
// The components of a mixture that is truncated to a box are bumps inside it, whatever their mass
// there: heights take up every normaliser, so that none is computed here.
#pragma once

#include <cstdint>
#include <vector>

#include "packing.hpp"
#include "points.hpp"
#include "scratch.hpp"
#include "threads.hpp"

namespace mogfit {

// Points, values and square roots of the weights of a mesh, in blocks of columns.
class FunctionMesh {
 public:
  // values: n; roots: n square roots of weights >= 0, or null for ones. All of them finite.
  FunctionMesh(const Points& points, const double* values, const double* roots);

  std::int64_t size() const { return n_; }
  int nvars() const { return d_; }
  std::int64_t blocks() const { return (n_ + kBlock - 1) / kBlock; }
  int rows_in_block(std::int64_t block) const;

  // Columns of a block, kColumn apart. Rows that pad it repeat one of its points, with weight 0.
  const double* points(std::int64_t block) const { return x_.data() + block * d_ * kColumn; }
  const double* targets(std::int64_t block) const { return targets_.data() + block * kColumn; }
  const double* roots(std::int64_t block) const { return roots_.data() + block * kColumn; }

 private:
  std::int64_t n_;
  int d_;
  Scratch x_;
  Scratch roots_;
  Scratch targets_;  // root_i F_i
};

struct Bumps {
  Matrix means;                 // (K, d)
  std::vector<Matrix> factors;  // L_k, lower
  Vector heights;               // (K,), of the bumps after their shifts
  Vector shifts;                // (K,): the exponent is raised by this, so that none underflows

  int size() const { return static_cast<int>(means.rows()); }
  int nvars() const { return static_cast<int>(means.cols()); }
};

// Columns of the Jacobian for one bump, u = W (x - mu):
//   b, b u_j, b u_i u_j (i >= j, row by row).
// They are the derivatives along the height, along a (mu + L a) and along T (L T, T lower with
// diagonal exp(t_ii)), but for the factor h.
inline int bump_columns(int nvars) { return (nvars + 1) * (nvars + 2) / 2; }

// With r_i = root_i (F_i - f(x_i)) and the columns c times root_i:
struct BumpSums {
  Matrix gram;      // (K m, K m): sum_i c c^T, m = bump_columns
  Vector moments;   // (K m,): sum_i r_i c
  double residual;  // sum_i r_i^2
  // (m, m) for each bump, where asked for: sum_i r_i b p p^T with p the polynomials above.
  std::vector<Matrix> curvature;
};

// Shifts that give each bump the value 1 at the point of the mesh nearest to it.
void set_shifts(const FunctionMesh& mesh, Bumps& bumps, int threads, const StopRequested& stop);

BumpSums bump_sums(const FunctionMesh& mesh, const Bumps& bumps, bool curvature, int threads,
                   const StopRequested& stop);

// f at the points of the mesh.
void bump_values(const FunctionMesh& mesh, const Bumps& bumps, double* out, int threads,
                 const StopRequested& stop);

}  // namespace mogfit
