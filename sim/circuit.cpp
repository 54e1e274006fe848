#include "sim/circuit.h"

#include <algorithm>
#include <utility>

namespace starling::sim {

namespace {

constexpr std::size_t header_bytes = 5;  // kind ‖ size (32)

}  // namespace

void Circuit::push(FrameKind kind, ByteSpan content, bool is_bulk) {
  Bytes frame{static_cast<std::uint8_t>(kind)};
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<std::uint8_t>(content.size() >> static_cast<unsigned>(shift)));
  }
  frame.insert(frame.end(), content.begin(), content.end());
  (is_bulk ? bulk_ : control_).push_back(std::move(frame));
}

Bytes Circuit::take_piece() {
  if (sending_.empty()) {
    std::deque<Bytes>& queue = control_.empty() ? bulk_ : control_;
    if (queue.empty()) return {};
    sending_ = std::move(queue.front());
    queue.pop_front();
  }
  const auto bytes = static_cast<std::ptrdiff_t>(flow.sendable(sending_.size()));
  Bytes piece(sending_.begin(), sending_.begin() + bytes);
  sending_.erase(sending_.begin(), sending_.begin() + bytes);
  flow.sent(piece.size());
  return piece;
}

std::optional<Circuit::Frame> Circuit::take_frame() {
  if (incoming_.size() < header_bytes) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 1; i < header_bytes; ++i) size = size << 8U | incoming_[i];
  if (incoming_.size() < header_bytes + size) return std::nullopt;
  const auto begin = incoming_.begin() + header_bytes;
  const auto end = begin + static_cast<std::ptrdiff_t>(size);
  Frame frame{static_cast<FrameKind>(incoming_.front()), Bytes(begin, end)};
  incoming_.erase(incoming_.begin(), end);
  return frame;
}

std::optional<ByteSpan> Circuit::message_under_way() const {
  const bool is_message = incoming_.size() >= header_bytes &&
                          static_cast<FrameKind>(incoming_.front()) == FrameKind::message;
  if (!is_message) return std::nullopt;
  return ByteSpan(incoming_).subspan(header_bytes);
}

}  // namespace starling::sim
