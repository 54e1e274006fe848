#pragma once
// The inner step: what a node does with a gradient on its own. A new inner step is one file of this
// folder and a row of catalog.cpp.

#include <span>

#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

/// No rule depends on the inner step so far.
struct InnerTraits {};

template <class Scalar>
class InnerStep {
 public:
  struct Site {
    Vectors<Scalar>& vectors;
  };

  InnerStep() = default;
  InnerStep(const InnerStep&) = delete;
  InnerStep& operator=(const InnerStep&) = delete;
  InnerStep(InnerStep&&) = delete;
  InnerStep& operator=(InnerStep&&) = delete;
  virtual ~InnerStep() = default;

  /// direction: the corrected gradient at x; step_size: as the schedule has it now. Changes x.
  virtual void apply(std::span<const Scalar> direction, double step_size, std::span<Scalar> x) = 0;

  /// x was replaced: what was kept of steps before is forgotten.
  virtual void restart() {}
  /// Training has stopped: restarts, and gives its memory back. A further apply() takes it
  /// anew.
  virtual void release() {}
};

struct InnerEntry : PartEntry<InnerStep, InnerTraits> {};

[[nodiscard]] const Catalog<InnerEntry>& inner_steps();

}  // namespace starling::optim
