#pragma once
// A lane: one vector that travels, with its codec, memory and linear mixer (LEARNING.md 1.1).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "optim/codec/codec.h"
#include "optim/memory/lane_memory.h"
#include "optim/recipe.h"

namespace starling::optim {

/// One lane's bytes in a payload, with the key they were encoded under.
struct LaneBytes {
  ByteSpan bytes;
  CodecKey key;
};

/// Where a difference goes: `target` always, the two counters of the edge if they are not empty.
template <class Scalar>
struct MixTargets {
  std::span<Scalar> target;
  std::span<Scalar> counter;
  std::span<double> flow;
};

template <class Scalar>
class Lane {
 public:
  /// start: length P, equal on all nodes.
  Lane(const Recipe& recipe, std::span<const Scalar> start);

  [[nodiscard]] std::size_t encoded_bytes() const;
  [[nodiscard]] LaneMemory<Scalar>& memory() { return memory_; }
  [[nodiscard]] const LaneMemory<Scalar>& memory() const { return memory_; }

  /// vector: length P. out: encoded_bytes(). Changes the memory.
  void encode(std::span<const Scalar> vector, CodecKey key, std::span<std::uint8_t> out);

  /// True if `from` decodes to finite values everywhere. Changes nothing.
  [[nodiscard]] bool is_valid(const LaneBytes& from) const;

  /// hat_copy: adds valid bytes to the copy of the neighbour's hat.
  void advance_hat(const NodeId& edge, const LaneBytes& from);

  /// Adds rate * (neighbour's vector - own vector) to the targets. Without hats both are decoded
  /// from the valid bytes; with hats both are the copies.
  void mix(const NodeId& edge, const LaneBytes& own, const LaneBytes& theirs,
           const MixTargets<Scalar>& to, Scalar rate);

 private:
  struct Chunk {
    std::size_t offset;       // of its values
    std::size_t count;        // of its values
    std::size_t byte_offset;  // of its encoded bytes
    std::uint64_t index;
  };
  /// Calls visit(chunk) for each chunk in order until it returns false; true if it never did.
  template <class Visit>
  bool for_chunks(Visit visit) const;

  [[nodiscard]] bool decode(const Chunk& chunk, const LaneBytes& from, std::span<Scalar> out) const;

  std::size_t length_;
  std::unique_ptr<Codec<Scalar>> codec_;
  LaneMemory<Scalar> memory_;
};

extern template class Lane<float>;
extern template class Lane<double>;

}  // namespace starling::optim
