#pragma once
// One connection to one peer, without the socket: handshake, then sealed frames both ways.
//
//   stream    = [preamble] frame*              frame     = length (16 bit, big-endian) ‖ body
//   preamble  = of the dialer, in the clear (preamble.h)
//   body      = a handshake message (three of them, node_handshake.h), then sealed(plaintext);
//               or, instead of message 2, a refusal (preamble.h), which ends the stream
//   plaintext = kind (1 byte) ‖ message | bulk data
//
// A bulk message is a BulkHeader, then its bytes in frames of kind bulk_data, one bulk message
// after the other; messages come between them.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "crypto/node_handshake.h"
#include "protocol/limits.h"
#include "protocol/link/bulk_bounds.h"
#include "protocol/link/bulk_receiver.h"
#include "protocol/link/dial_problem.h"
#include "protocol/link/frame.h"
#include "protocol/link/preamble.h"
#include "protocol/link/send_queue.h"
#include "protocol/reject_reason.h"
#include "protocol/wire/message.h"
#include "starling/instant.h"

namespace starling::protocol {

struct SessionOptions {
  /// Includes all entropy. The owner sets protocol_version to limits::protocol_version.
  crypto::NodeHandshakeOptions handshake;
  /// Which bulk messages this run has; without them none is sent or taken.
  BulkBounds bulk = {};
  /// Of bulk in one frame: little where a frame under way is long in the way of others.
  std::size_t bulk_frame_bytes = limits::bulk_plaintext_bytes_max;
  /// Set: an initiator whose expected peer may have dialled as well, in the same connection (TCP's
  /// simultaneous open). If the peer greets, too, the one with the lower id stays the initiator and
  /// the other answers, with these 32 fresh random bytes.
  std::optional<crypto::Secret<32>> crossing_secret = std::nullopt;
};

/// The peer is authenticated. The dialer learns only later, by the end of the stream, if the
/// listener does not accept its certificate.
struct SessionEstablished {
  NodeId peer;
  std::uint64_t incarnation = 0;  ///< Which of the peer's processes.
};
/// Never a Close, Credit or BulkHeader: the session consumes those.
struct SessionReceived {
  Message message;
};
/// A part of a bulk message that takes its time has come: once in bulk_progress_interval.
struct SessionBulkProgressed {
  BulkHeader header;
  std::uint64_t received_bytes = 0;
};
/// The peer announced a bulk message that this end does not take; SessionClosed follows.
struct SessionBulkRefused {
  BulkRefusal refusal;
};
/// Always the last event. CloseReason: the peer's farewell, or connection_lost. RejectReason: the
/// peer broke a rule. The owner writes what pull() still gives, if it can, and closes the socket.
struct SessionClosed {
  std::variant<CloseReason, RejectReason> why;
  /// What a dialer was told, or found out, about why it got no session. Explains, decides nothing.
  std::optional<DialProblem> problem = std::nullopt;
  DialDetail detail = {};
};
using SessionEvent = std::variant<SessionEstablished, SessionReceived, SessionBulkProgressed,
                                  SessionBulkRefused, SessionClosed>;
using SessionEvents = std::vector<SessionEvent>;

/// As on the socket: headers, handshake and seals included.
struct SessionCounters {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t frames_sent = 0;
  std::uint64_t frames_received = 0;
};

class Session {
 public:
  /// The dialer's first message is ready to pull at once.
  Session(SessionOptions options, Instant now);
  /// A copy would seal other frames under the same keys and counters.
  Session(const Session&) = delete;
  Session(Session&&) = default;

  /// Bytes from the socket, cut anywhere. Events are appended in order.
  void receive(ByteSpan bytes, Instant now, SessionEvents& events);

  /// The stream ended without a farewell. Reports connection_lost, or truncated within a frame.
  void end_of_stream(SessionEvents& events);

  /// Queues a message. Control overtakes gossip, gossip overtakes bulk; each kind keeps its order.
  /// False: dropped, because the session is not established (any more), a bound of limits.h would
  /// be exceeded, or refuses_to_send() says why.
  [[nodiscard]] bool send(Message message);
  /// A bulk message that is none of this run, which the peer would refuse.
  [[nodiscard]] std::optional<BulkRefusal> refuses_to_send(const Message& message) const {
    return gate_.refuses_to_send(message);
  }

  /// Appends sealed frames to `out` until `bytes_max` are reached (the last frame may go beyond) or
  /// nothing waits. Returns the number of bytes appended. What is not pulled can still be
  /// overtaken, so pull little: about what the socket takes at once.
  std::size_t pull(Bytes& out, std::size_t bytes_max);
  [[nodiscard]] bool has_output() const;

  /// When tick() is due without other input; may change with every call.
  [[nodiscard]] Instant next_deadline() const;
  void tick(Instant now, SessionEvents& events);

  /// Says farewell after what is queued, except bulk, and ignores the peer from now on; no event.
  void close(CloseReason reason);

  /// Closed by either side: nothing is accepted any more; has_output() may still be true.
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] const SessionCounters& counters() const { return counters_; }

 private:
  std::optional<crypto::NodeHandshake> handshake_;     // until established
  std::optional<crypto::EstablishedChannel> channel_;  // set: established
  FrameReader reader_;
  BulkGate gate_;
  BulkReceiver bulk_receiver_;
  SendQueue queue_;
  Bytes handshake_output_;  // framed, not sealed
  RunId run_;
  bool dials_;
  std::optional<crypto::NodeHandshakeOptions> crossing_;  // until the peer has spoken
  bool ignores_greeting_ = false;                         // it greets, and is to answer
  Bytes first_bytes_;                                     // while it is open which of the two
  bool is_private_;
  std::uint8_t version_;
  Bytes preamble_;                        // of the dialer, as far as it has come
  std::optional<RefusalReason> refusal_;  // with which a listener ends
  SessionCounters counters_;
  bool closed_ = false;

  Instant handshake_deadline_;
  Instant frame_deadline_ = Instant::never();   // of the frame being received
  Instant bulk_deadline_ = Instant::never();    // of the next piece of bulk being received
  Instant bulk_told_at_;                        // of its beginning, or the last progress told
  Instant credit_deadline_ = Instant::never();  // of the credit that queued bulk waits for
  Instant second_began_;                        // of the rate below
  int messages_this_second_ = 0;

  using Outcome = std::expected<void, RejectReason>;

  [[nodiscard]] Outcome receive_preamble(ByteSpan& bytes);
  [[nodiscard]] bool settle_crossing(ByteSpan& bytes);
  [[nodiscard]] Outcome check_first_message(ByteSpan message);
  [[nodiscard]] Outcome refuse(RefusalReason reason, RejectReason counted);
  [[nodiscard]] Outcome receive_frames(Instant now, SessionEvents& events);
  [[nodiscard]] Outcome receive_handshake(ByteSpan message, SessionEvents& events);
  [[nodiscard]] Outcome receive_sealed(std::span<std::uint8_t> body, Instant now,
                                       SessionEvents& events);
  [[nodiscard]] Outcome receive_message(ByteSpan encoded, Instant now, SessionEvents& events);
  [[nodiscard]] Outcome begin_bulk(const BulkHeader& header, Instant now, SessionEvents& events);
  [[nodiscard]] Outcome receive_bulk(BulkOutcome outcome, Instant now, SessionEvents& events);
  [[nodiscard]] Outcome dispatch(Message message, Instant now, SessionEvents& events);
  [[nodiscard]] bool within_rate(Instant now);
  void restart_deadlines(bool frame_completed, Instant now);
  void reject(RejectReason reason, SessionEvents& events);
  void end(SessionClosed closed, SessionEvents& events);
  void greet();
  void queue_handshake(ByteSpan message);
  void append_sealed_frame(Bytes& out);
};

}  // namespace starling::protocol
