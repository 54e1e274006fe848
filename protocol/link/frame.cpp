#include "protocol/link/frame.h"

#include "protocol/limits.h"
#include "starling/check.h"

namespace starling::protocol {

void write_frame_header(std::size_t body_bytes, std::span<std::uint8_t, frame_header_bytes> out) {
  STARLING_CHECK(body_bytes <= limits::frame_bytes_max);
  out[0] = static_cast<std::uint8_t>(body_bytes >> 8U);
  out[1] = static_cast<std::uint8_t>(body_bytes & 0xffU);
}

void FrameReader::append(ByteSpan bytes) {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(read_));
  read_ = 0;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
}

std::expected<std::optional<std::span<std::uint8_t>>, RejectReason> FrameReader::next(
    std::size_t body_bytes_max) {
  const auto unread = std::span(buffer_).subspan(read_);
  if (unread.size() < frame_header_bytes) return std::nullopt;
  const std::size_t body_bytes = static_cast<std::size_t>(unread[0]) << 8U | unread[1];
  if (body_bytes > body_bytes_max) return std::unexpected(RejectReason::bad_frame);
  if (unread.size() - frame_header_bytes < body_bytes) return std::nullopt;
  read_ += frame_header_bytes + body_bytes;
  return unread.subspan(frame_header_bytes, body_bytes);
}

}  // namespace starling::protocol
