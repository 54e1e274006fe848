#pragma once
// What a session has yet to send, in order of urgency, cut into the plaintexts of frames.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "protocol/limits.h"
#include "protocol/wire/message.h"

namespace starling::protocol {

/// The first byte of every frame's plaintext: what the rest is.
enum class FrameKind : std::uint8_t {
  message = 0,    ///< An encoded Message.
  bulk_data = 1,  ///< The next bytes of the bulk message whose BulkHeader came before.
};

/// Control goes before gossip, gossip before what is relayed for others (or over others), that
/// before bulk; each keeps its own order. Bulk gets at least one frame in `bulk_floor_frames` and
/// never more than the peer's credit.
class SendQueue {
 public:
  /// bulk_bytes_max: of all bulk that waits; one message, however large, always may.
  /// bulk_frame_bytes: of bulk data in one frame.
  explicit SendQueue(std::uint64_t bulk_bytes_max,
                     std::size_t bulk_frame_bytes = limits::bulk_plaintext_bytes_max)
      : bulk_bytes_max_(bulk_bytes_max), bulk_frame_bytes_(bulk_frame_bytes) {}

  /// False: the message is dropped because it is above a bound of limits.h, or no room is left.
  [[nodiscard]] bool push(Message message);

  /// Grants the peer more bulk; several grants that wait become one.
  void push_credit(std::uint64_t bytes) { credit_for_peer_ += bytes; }

  /// Drops everything.
  void clear();

  /// Bulk is dropped, the rest is sent, then the farewell, then nothing.
  void push_farewell(CloseReason reason);

  /// The peer allows more bulk. False: more than an honest one would.
  [[nodiscard]] bool add_credit(std::uint64_t bytes);

  /// append_next has something to append.
  [[nodiscard]] bool ready() const;

  /// Bulk waits because the peer grants no credit.
  [[nodiscard]] bool waits_for_credit() const { return !bulk_.empty() && !bulk_ready(); }

  /// Appends the next frame's plaintext, kind first, to `out`. Requires ready().
  void append_next(Bytes& out);

 private:
  const std::uint64_t bulk_bytes_max_;
  const std::size_t bulk_frame_bytes_;
  std::deque<Bytes> control_;  // encoded
  std::deque<Bytes> gossip_;   // encoded
  std::deque<Bytes> relayed_;  // encoded
  std::deque<Bulk> bulk_;
  std::uint64_t bulk_queued_bytes_ = 0;
  std::optional<std::size_t> front_sent_bytes_;  // of bulk_.front(); empty: its header is due
  std::uint64_t credit_ = limits::credit_window_bytes_initial;
  std::uint64_t credit_for_peer_ = 0;
  int frames_since_bulk_ = 0;
  std::optional<Close> farewell_;

  void clear_bulk();
  [[nodiscard]] bool push_bulk(Bulk bulk);
  [[nodiscard]] bool bulk_ready() const;
  [[nodiscard]] bool only_bulk_waits() const;
  [[nodiscard]] std::deque<Bytes>& queue_for(const Message& message);
  [[nodiscard]] bool bulk_is_next() const;
  void append_bulk(Bytes& out);
  void append_queued(std::deque<Bytes>& queue, Bytes& out);
};

}  // namespace starling::protocol
