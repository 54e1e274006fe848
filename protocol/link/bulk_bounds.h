#pragma once
// Which bulk messages a link carries. The bounds come from the run: the model's form and the recipe
// say how large a payload, a state or a slice can be, so nothing larger is ever taken up.

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/limits.h"
#include "protocol/wire/message.h"

namespace starling::protocol {

struct BulkBounds {
  /// The largest message of each kind, by BulkKind; 0: this node has no use for the kind.
  std::array<std::uint64_t, bulk_kind_names.size()> bytes_max = {};
  /// Of all that waits to be sent over one link; one message always may.
  std::uint64_t queue_bytes_max = limits::bulk_queue_bytes_min;

  [[nodiscard]] std::uint64_t of(BulkKind kind) const {
    return bytes_max[static_cast<std::size_t>(kind)];
  }
  void set(BulkKind kind, std::uint64_t bytes) {
    bytes_max[static_cast<std::size_t>(kind)] = bytes;
  }
  /// Every kind up to `bytes`.
  [[nodiscard]] static BulkBounds all(std::uint64_t bytes) {
    BulkBounds bounds;
    bounds.bytes_max.fill(bytes);
    return bounds;
  }
};

/// A bulk message that was not taken up, or not sent.
struct BulkRefusal {
  BulkKind kind = BulkKind::pair_payload;
  std::uint64_t bytes = 0;      ///< What it has, as its header says.
  std::uint64_t bytes_max = 0;  ///< What the link takes; 0: none of this kind, or not unasked.
  friend bool operator==(const BulkRefusal&, const BulkRefusal&) = default;
};

/// Both numbers, for the owner of the node.
[[nodiscard]] std::string text_of(const BulkRefusal& refusal);

/// What one end of a link takes up. A model's state is larger than anything else and comes to those
/// alone who have asked for it over this link.
class BulkGate {
 public:
  explicit BulkGate(const BulkBounds& bounds) : bounds_(bounds) {}

  /// This end sends `message`, which may be a question that a bulk message answers.
  void sending(const Message& message);

  /// Nothing: it may come.
  [[nodiscard]] std::optional<BulkRefusal> refuses(BulkKind kind, std::uint64_t bytes) const;

  /// Of what this end sends. Nothing: it may go.
  [[nodiscard]] std::optional<BulkRefusal> refuses_to_send(const Message& message) const;

 private:
  BulkBounds bounds_;
  bool has_asked_for_state_ = false;
};

}  // namespace starling::protocol
