#pragma once
// The oracle: what a node asks its data for the direction of a step. A new oracle is one file of
// this folder and a row of catalog.cpp.

#include <functional>
#include <span>

#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

/// A batch's loss: writes the gradient at `parameters` into `out` and returns the mean loss.
template <class Scalar>
using Objective = std::function<double(std::span<const Scalar> parameters, std::span<Scalar> out)>;

/// No rule depends on the oracle so far.
struct OracleTraits {};

template <class Scalar>
class Oracle {
 public:
  struct Site {
    Vectors<Scalar>& vectors;
  };

  Oracle() = default;
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;
  Oracle(Oracle&&) = delete;
  Oracle& operator=(Oracle&&) = delete;
  virtual ~Oracle() = default;

  /// out: length P, overwritten by the direction at x. Returns the batch's mean loss at x.
  virtual double direction(const Objective<Scalar>& objective, std::span<const Scalar> x,
                           std::span<Scalar> out) = 0;
};

struct OracleEntry : PartEntry<Oracle, OracleTraits> {};

[[nodiscard]] const Catalog<OracleEntry>& oracles();

}  // namespace starling::optim
