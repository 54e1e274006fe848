#pragma once
// Cuts a byte stream into frames: a 16-bit big-endian length, then that many bytes.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "protocol/reject_reason.h"
#include "starling/ids.h"

namespace starling::protocol {

inline constexpr std::size_t frame_header_bytes = 2;

/// Writes the header of a frame whose body has `body_bytes` bytes (<= limits::frame_bytes_max).
void write_frame_header(std::size_t body_bytes, std::span<std::uint8_t, frame_header_bytes> out);

/// Takes bytes as they come from a socket and hands out whole frame bodies. Holds what it was given
/// and not yet asked for, so the caller drains it after each `append`: then at most one unfinished
/// frame (65,537 bytes) stays.
class FrameReader {
 public:
  void append(ByteSpan bytes);

  /// The next frame's body, possibly empty, to be changed in place (decryption); valid until the
  /// next `append`. nullopt: it is not complete. Error: bad_frame as soon as the header announces
  /// more than `body_bytes_max`.
  [[nodiscard]] std::expected<std::optional<std::span<std::uint8_t>>, RejectReason> next(
      std::size_t body_bytes_max);

  /// A part of a frame waits for its rest.
  [[nodiscard]] bool in_frame() const { return read_ < buffer_.size(); }

 private:
  Bytes buffer_;
  std::size_t read_ = 0;  // bytes of buffer_ handed out already
};

}  // namespace starling::protocol
