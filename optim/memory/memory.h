#pragma once
// What a lane remembers between payloads; only here do residuals and hats live. A new memory is one
// file of this folder and a row of catalog.cpp.

#include <cstddef>
#include <span>
#include <string>

#include "optim/layout.h"
#include "optim/part.h"
#include "optim/vectors.h"

namespace starling::optim {

struct MemoryTraits {
  /// Both ends hold a copy of what the sender has told so far, and mix the copies. Payloads then
  /// have to arrive in order, and a new neighbour needs the copy first.
  bool copies_peers = false;
  /// after_encode() has to follow before_encode().
  bool learns_from_sending = false;
  /// What the codec loses is sent again: it has to be bounded value by value.
  bool needs_bounded_codec = false;
};

template <class Scalar>
class Memory {
 public:
  struct Site {
    Vectors<Scalar>& vectors;
    std::string lane;               ///< Begins the names of its vectors.
    std::span<const Scalar> start;  ///< What all nodes agree on before the first payload.
  };

  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  Memory(Memory&&) = delete;
  Memory& operator=(Memory&&) = delete;
  virtual ~Memory() = default;

  /// out: what to hand to the codec for `values`, a block of the lane's vector.
  virtual void before_encode(const Block& block, std::span<const Scalar> values,
                             std::span<Scalar> out) const = 0;
  /// `decoded` is what receivers will see of `sent`, which was handed to the codec.
  virtual void after_encode(const Block& block, std::span<const Scalar> sent,
                            std::span<const Scalar> decoded) {
    static_cast<void>(block);
    static_cast<void>(sent);
    static_cast<void>(decoded);
  }

  // --- Only of memories that copy peers ---

  /// Adds what a neighbour has sent to the copy of it.
  virtual void heard(const EdgeKey& edge, const Block& block, std::span<const Scalar> decoded) {
    static_cast<void>(edge);
    static_cast<void>(block);
    static_cast<void>(decoded);
  }
  /// What others hold of us, and what we hold of them: whole vectors.
  [[nodiscard]] virtual std::span<const Scalar> own_copy() const { return {}; }
  [[nodiscard]] virtual std::span<const Scalar> copy_of(const EdgeKey& edge) {
    static_cast<void>(edge);
    return {};
  }
  virtual void set_copy(const EdgeKey& edge, std::span<const Scalar> copy) {
    static_cast<void>(edge);
    static_cast<void>(copy);
  }
  /// False where there is no agreed start left: a new neighbour has to send its copy first.
  [[nodiscard]] virtual bool has_start() const { return true; }

  virtual void drop(const EdgeKey& edge) { static_cast<void>(edge); }
  /// The lane's vector is now `values`, and no neighbour is known.
  virtual void restart(std::span<const Scalar> values) { static_cast<void>(values); }
};

struct MemoryEntry : PartEntry<Memory, MemoryTraits> {};

[[nodiscard]] const Catalog<MemoryEntry>& memories();

}  // namespace starling::optim
