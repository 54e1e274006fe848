#pragma once
// Local gradient tracking (K-GT, LEARNING.md section 2.1). Every step goes along g + c. With
// z = (mean g since the last exchange) + c, mixing z into c is c <- c - z + W z: the sum of c over
// all nodes stays zero, and with one step between exchanges g + c is the tracker y of gradient
// tracking.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "optim/byte_io.h"

namespace starling::optim {

template <class Scalar>
class GradientTracking {
 public:
  explicit GradientTracking(std::size_t length) : correction_(length), gradient_sum_(length) {}

  /// gradient: length P; becomes g + c.
  void correct(std::span<Scalar> gradient);

  /// out: length P; z. The next step begins a new mean, and until then z keeps the last one.
  void begin_exchange(std::span<Scalar> out);

  [[nodiscard]] std::span<Scalar> correction() { return correction_; }
  [[nodiscard]] std::span<const Scalar> correction() const { return correction_; }

  /// All that ever came into c over this edge. The neighbour's counter is its exact opposite.
  [[nodiscard]] std::span<Scalar> counter(const NodeId& edge);

  [[nodiscard]] const std::map<NodeId, std::vector<Scalar>>& counters() const { return counters_; }

  /// c loses what came over the edge, so that the sum over the nodes that remain is zero again.
  void drop(const NodeId& edge);

  void save(ByteWriter& out) const;
  /// False if the bytes do not fit; the object is then in no particular state.
  [[nodiscard]] bool load(ByteReader& in);

 private:
  std::vector<Scalar> correction_;    // c
  std::vector<Scalar> gradient_sum_;  // since the last exchange
  std::uint64_t gradients_ = 0;
  bool exchanged_ = false;
  std::map<NodeId, std::vector<Scalar>> counters_;
};

extern template class GradientTracking<float>;
extern template class GradientTracking<double>;

}  // namespace starling::optim
