#pragma once
// The outer step: what becomes of the change that mixing asks for. A new outer step is one file of
// this folder and a row of catalog.cpp.

#include <span>

#include "optim/layout.h"
#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

struct OuterTraits {
  /// Adds the change and nothing else, so that what mixing conserves stays conserved.
  bool adds_the_change = true;
};

template <class Scalar>
class OuterStep {
 public:
  struct Site {
    Vectors<Scalar>& vectors;
    VectorId target;                ///< The vector that is mixed.
    std::span<const Scalar> start;  ///< Its value before the first step.
  };

  OuterStep() = default;
  OuterStep(const OuterStep&) = delete;
  OuterStep& operator=(const OuterStep&) = delete;
  OuterStep(OuterStep&&) = delete;
  OuterStep& operator=(OuterStep&&) = delete;
  virtual ~OuterStep() = default;

  /// change: of a block, as the mixer made it.
  virtual void apply(const Block& block, std::span<const Scalar> change) = 0;

  /// The target was replaced: what was kept is forgotten.
  virtual void restart() {}
};

struct OuterEntry : PartEntry<OuterStep, OuterTraits> {};

[[nodiscard]] const Catalog<OuterEntry>& outer_steps();

}  // namespace starling::optim
