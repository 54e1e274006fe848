#pragma once
// The inner rule: what a node does with a gradient on its own.

#include <span>
#include <vector>

#include "optim/byte_io.h"
#include "optim/recipe.h"
#include "starling/ids.h"

namespace starling::optim {

/// SGD and heavy-ball momentum with weight decay:
///   d = gradient + weight_decay x;  m <- momentum m + d;  x <- x - step_size m.
/// Source: Polyak 1964, in the form without dampening; momentum 0 is SGD.
template <class Scalar>
class InnerStep {
 public:
  InnerStep(const InnerRule& rule, std::size_t length, Step steps_total);

  /// direction: length P, the corrected gradient at x.
  void apply(Step step, std::span<const Scalar> direction, std::span<Scalar> x);

  void restart();
  /// Restarts, and takes the room for momentum anew at the next step.
  void release() { momentum_ = std::vector<Scalar>(); }

  void save(ByteWriter& out) const { out.put_all(std::span(momentum_)); }
  /// False if the bytes do not fit; the object is then in no particular state.
  [[nodiscard]] bool load(ByteReader& in);

 private:
  InnerRule rule_;
  Step steps_total_;
  std::vector<Scalar> momentum_;  // m; empty for SGD
};

extern template class InnerStep<float>;
extern template class InnerStep<double>;

}  // namespace starling::optim
