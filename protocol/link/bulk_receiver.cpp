#include "protocol/link/bulk_receiver.h"

#include <algorithm>
#include <utility>

namespace starling::protocol {

BulkProgress BulkReceiver::begin(const BulkHeader& header) {
  if (bulk_) return std::unexpected(RejectReason::unexpected);
  if (header.bytes > bulk_bytes_max_) return std::unexpected(RejectReason::too_large);
  bulk_ = Bulk{header.kind, header.number, header.step, header.degree, header.context, {}};
  missing_bytes_ = static_cast<std::size_t>(header.bytes);
  bulk_->data.reserve(missing_bytes_);
  return take_if_complete();
}

BulkProgress BulkReceiver::append(ByteSpan data) {
  if (!bulk_ || data.empty() || data.size() > missing_bytes_) {
    return std::unexpected(RejectReason::unexpected);
  }
  if (data.size() > credit_) return std::unexpected(RejectReason::flood);
  bulk_->data.insert(bulk_->data.end(), data.begin(), data.end());
  missing_bytes_ -= data.size();
  credit_ -= data.size();
  consumed_bytes_ += data.size();
  return take_if_complete();
}

std::optional<Bulk> BulkReceiver::take_if_complete() {
  if (missing_bytes_ > 0) return std::nullopt;
  return std::exchange(bulk_, std::nullopt);
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
