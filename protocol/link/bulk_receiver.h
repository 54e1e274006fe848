#pragma once
// Puts an incoming bulk message together, and grants credit as it is consumed. Memory follows the
// bytes that have come, not the size that the header claims.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>

#include "protocol/limits.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"

namespace starling::protocol {

/// What a frame of bulk led to: nullopt until the message is complete.
using BulkOutcome = std::expected<std::optional<Bulk>, RejectReason>;

class BulkReceiver {
 public:
  /// header: of a kind and size that the owner takes (BulkGate).
  /// Error: unexpected (the one before is not complete).
  [[nodiscard]] BulkOutcome begin(const BulkHeader& header);

  /// Error: unexpected (more than announced, or nothing), flood (more than the credit).
  [[nodiscard]] BulkOutcome append(ByteSpan data);

  [[nodiscard]] bool in_progress() const { return header_.has_value(); }
  /// Of the message in progress.
  [[nodiscard]] const BulkHeader& header() const { return *header_; }
  [[nodiscard]] std::size_t received_bytes() const { return buffer_.size(); }
  /// Taken for the message in progress.
  [[nodiscard]] std::size_t room_bytes() const { return buffer_.capacity(); }

  /// The bytes to grant the peer now; 0 mostly, as grants come in quarters of the window.
  [[nodiscard]] std::uint64_t take_grant();

 private:
  std::optional<BulkHeader> header_;
  Bytes buffer_;
  std::uint64_t window_bytes_ = limits::credit_window_bytes_initial;
  std::uint64_t credit_ = window_bytes_;  // what the peer may still send
  std::uint64_t consumed_bytes_ = 0;      // since the last grant

  void make_room(std::size_t bytes);
  [[nodiscard]] std::optional<Bulk> take_if_complete();
};

}  // namespace starling::protocol
