#include "protocol/link/bulk_receiver.h"

#include <algorithm>
#include <utility>

namespace starling::protocol {

BulkOutcome BulkReceiver::begin(const BulkHeader& header) {
  if (header_) return std::unexpected(RejectReason::unexpected);
  header_ = header;
  return take_if_complete();
}

BulkOutcome BulkReceiver::append(ByteSpan data) {
  if (!header_ || data.empty() || data.size() > header_->bytes - buffer_.size()) {
    return std::unexpected(RejectReason::unexpected);
  }
  if (data.size() > credit_) return std::unexpected(RejectReason::flood);
  make_room(data.size());
  buffer_.insert(buffer_.end(), data.begin(), data.end());
  credit_ -= data.size();
  consumed_bytes_ += data.size();
  return take_if_complete();
}

/// In steps so large that what has come is copied two times at most, and so that at the end the
/// room is just the message.
void BulkReceiver::make_room(std::size_t bytes) {
  const std::size_t needed = buffer_.size() + bytes;
  if (needed <= buffer_.capacity()) return;
  const std::size_t wanted =
      std::max(needed * limits::bulk_room_growth, limits::bulk_room_bytes_first);
  buffer_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(header_->bytes, wanted)));
}

std::optional<Bulk> BulkReceiver::take_if_complete() {
  if (buffer_.size() < header_->bytes) return std::nullopt;
  const BulkHeader header = *std::exchange(header_, std::nullopt);
  return Bulk{header.kind,   header.number,  header.step,
              header.degree, header.context, std::exchange(buffer_, {})};
}

std::uint64_t BulkReceiver::take_grant() {
  if (consumed_bytes_ < window_bytes_ / 4) return 0;
  // As TCP's slow start: the window doubles with every window consumed, up to its bound.
  const std::uint64_t growth =
      std::min(consumed_bytes_, limits::credit_window_bytes_max - window_bytes_);
  const std::uint64_t grant = std::exchange(consumed_bytes_, 0) + growth;
  window_bytes_ += growth;
  credit_ += grant;
  return grant;
}

}  // namespace starling::protocol
