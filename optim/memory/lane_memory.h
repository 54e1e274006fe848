#pragma once
// What a lane remembers between payloads; only here do residuals and hats live (LEARNING.md 1.1).
//
// none            sends the vector.
// reference       sends vector - start, the run's common starting point: a training vector stays
// close
//                 to it, so a quantizer's levels are finer. It cancels in every mixed difference.
// error_feedback  sends vector + residual; the residual becomes what the codec lost (EF14).
// hat_copy        sends vector - hat; sender and receivers add what was sent to their copies of
//                 the hat (CHOCO-SGD, Koloskova et al. 2019, Algorithm 2).

#include <cstddef>
#include <map>
#include <span>
#include <vector>

#include "optim/byte_io.h"
#include "optim/recipe.h"

namespace starling::optim {

template <class Scalar>
class LaneMemory {
 public:
  /// start: the hat that all nodes agree on before the first payload.
  LaneMemory(MemoryKind kind, std::span<const Scalar> start);

  [[nodiscard]] MemoryKind kind() const { return kind_; }

  /// True if settle() has to follow pending().
  [[nodiscard]] bool learns_from_sending() const {
    return kind_ == MemoryKind::hat_copy || kind_ == MemoryKind::error_feedback;
  }

  /// What to hand to the codec for `values`, which begin at `offset` of the lane.
  void pending(std::span<const Scalar> values, std::size_t offset, std::span<Scalar> out) const;

  /// `decoded` is what receivers will see of `pending`.
  void settle(std::span<const Scalar> pending, std::span<const Scalar> decoded, std::size_t offset);

  [[nodiscard]] std::span<const Scalar> own_hat() const { return own_; }

  /// hat_copy: the copy of a neighbour's hat. A new one is the agreed start. Empty if there is
  /// neither.
  [[nodiscard]] std::span<Scalar> neighbour_hat(const NodeId& edge);
  void set_neighbour_hat(const NodeId& edge, std::vector<Scalar> hat);
  void drop(const NodeId& edge) { neighbours_.erase(edge); }

  /// From here on the hat is `values`, and no neighbour's hat is known.
  void restart(std::span<const Scalar> values);

  /// False where there is no agreed start left: a new neighbour has to send its hat first.
  [[nodiscard]] bool has_start() const { return !start_.empty(); }

  void save(ByteWriter& out) const;
  /// False if the bytes do not fit; the memory is then in no particular state.
  [[nodiscard]] bool load(ByteReader& in);

 private:
  MemoryKind kind_;
  std::vector<Scalar> own_;  // hat, residual or reference; empty without memory
  std::vector<Scalar> start_;
  std::map<NodeId, std::vector<Scalar>> neighbours_;
};

extern template class LaneMemory<float>;
extern template class LaneMemory<double>;

}  // namespace starling::optim
