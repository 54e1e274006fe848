#pragma once
// Puts an incoming bulk message together in one allocation, and grants credit as it is consumed.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "protocol/limits.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"

namespace starling::protocol {

/// What a frame of bulk led to: nullopt until the message is complete.
using BulkProgress = std::expected<std::optional<Bulk>, RejectReason>;

class BulkReceiver {
 public:
  /// bulk_bytes_max: what the owner expects at most, from the agreed model; checked before memory
  /// is taken.
  explicit BulkReceiver(std::size_t bulk_bytes_max) : bulk_bytes_max_(bulk_bytes_max) {}

  /// Error: too_large, unexpected (the one before is not complete).
  [[nodiscard]] BulkProgress begin(const BulkHeader& header);

  /// Error: unexpected (more than announced, or nothing), flood (more than the credit).
  [[nodiscard]] BulkProgress append(ByteSpan data);

  [[nodiscard]] bool in_progress() const { return bulk_.has_value(); }

  /// The bytes to grant the peer now; 0 mostly, as grants come in quarters of the window.
  [[nodiscard]] std::uint64_t take_grant();

 private:
  const std::size_t bulk_bytes_max_;
  std::optional<Bulk> bulk_;
  std::size_t missing_bytes_ = 0;
  std::uint64_t window_bytes_ = limits::credit_window_bytes_initial;
  std::uint64_t credit_ = window_bytes_;  // what the peer may still send
  std::uint64_t consumed_bytes_ = 0;      // since the last grant

  [[nodiscard]] std::optional<Bulk> take_if_complete();
};

}  // namespace starling::protocol
