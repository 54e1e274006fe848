#pragma once
// One end of a relayed link in the simulator: what node/runtime/circuit.h and a session on it do,
// without the seals. Bytes travel as CircuitData over the simulated link to the relay.

#include <cstdint>
#include <deque>
#include <optional>

#include "node/core/io.h"
#include "protocol/link/circuit_flow.h"
#include "starling/ids.h"

namespace starling::sim {

struct Circuit {
  /// hello, welcome, ready: the handshake, by the number of the node that speaks.
  enum class FrameKind : std::uint8_t { hello, welcome, ready, message, farewell };
  struct Frame {
    FrameKind kind = FrameKind::hello;
    Bytes content;
  };

  std::optional<node::Connect> wish = {};  ///< Of the end that opened it, until it is linked.
  std::uint32_t other = 0;                 ///< The node at the other end, once it has spoken.
  bool is_open = false;
  bool is_closing = false;  ///< Says what is queued, then goodbye.
  protocol::CircuitFlow flow = {};

  void push(FrameKind kind, ByteSpan content, bool is_bulk = false);
  /// The next piece for the relay, as much as it has granted; empty: nothing waits, or may be sent.
  [[nodiscard]] Bytes take_piece();
  [[nodiscard]] bool has_output() const {
    return !sending_.empty() || !control_.empty() || !bulk_.empty();
  }
  /// Bytes from the relay.
  void append(ByteSpan bytes) { incoming_.insert(incoming_.end(), bytes.begin(), bytes.end()); }
  [[nodiscard]] std::optional<Frame> take_frame();
  /// What has come of a message's frame that is not complete.
  [[nodiscard]] std::optional<ByteSpan> message_under_way() const;
  Instant progress_told_at = {};  ///< Of that one, or when there was none.

 private:
  std::deque<Bytes> control_;
  std::deque<Bytes> bulk_;
  Bytes sending_;  ///< What is left of the frame that is being sent.
  Bytes incoming_;
};

}  // namespace starling::sim
