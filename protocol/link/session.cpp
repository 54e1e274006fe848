#include "protocol/link/session.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::protocol {
namespace {

constexpr std::size_t sealed_body_bytes_max =
    sizeof(FrameKind) + limits::control_bytes_max + crypto::seal_overhead_bytes;
static_assert(limits::bulk_plaintext_bytes_max + crypto::seal_overhead_bytes <=
              sealed_body_bytes_max);

RejectReason reason_of(crypto::HandshakeError error) {
  switch (error) {
    case crypto::HandshakeError::wrong_tag:
      return RejectReason::wrong_tag;
    case crypto::HandshakeError::expired_key:
      return RejectReason::expired_key;
    case crypto::HandshakeError::wrong_identity:
      return RejectReason::wrong_identity;
    default:
      return RejectReason::bad_handshake;
  }
}

SessionClosed told_by(const Refusal& refusal) {
  SessionClosed closed{.why = CloseReason::connection_lost};
  closed.detail.version = refusal.version;
  switch (refusal.reason) {
    case RefusalReason::other_version:
      closed.problem = DialProblem::other_version;
      break;
    case RefusalReason::other_run:
      closed.problem = DialProblem::other_run;
      break;
    case RefusalReason::wrong_key:
      closed.problem = DialProblem::wrong_key;
      break;
  }
  return closed;
}

}  // namespace

Session::Session(SessionOptions options, Instant now)
    : gate_(options.bulk),
      queue_(options.bulk.queue_bytes_max, options.bulk_frame_bytes),
      run_(options.handshake.run),
      dials_(options.handshake.role == crypto::HandshakeRole::initiator),
      is_private_(options.handshake.psk.has_value()),
      version_(options.handshake.protocol_version),
      handshake_deadline_(now + limits::handshake_time_max) {
  if (dials_ && options.crossing_secret && options.handshake.expected_peer) {
    crossing_ = options.handshake;
    crossing_->role = crypto::HandshakeRole::responder;
    crossing_->ephemeral_secret = *options.crossing_secret;
  }
  handshake_.emplace(std::move(options.handshake));
  if (dials_) greet();
}

/// The dialer's first bytes: who it wants to talk to, and message 1.
void Session::greet() {
  const auto message = handshake_->start();
  STARLING_CHECK(message.has_value());
  const auto preamble = encode_preamble(
      {.version = version_, .is_private = is_private_, .tag = run_tag(run_, *message)});
  handshake_output_.assign(preamble.begin(), preamble.end());
  queue_handshake(*message);
}

// --- Receiving ---

void Session::receive(ByteSpan bytes, Instant now, SessionEvents& events) {
  if (closed_) return;
  counters_.bytes_received += bytes.size();
  if (!settle_crossing(bytes)) return;
  auto outcome = receive_preamble(bytes);
  if (outcome) {
    reader_.append(bytes);
    outcome = receive_frames(now, events);
  }
  if (!outcome) reject(outcome.error(), events);
}

/// Two dialers in one connection both greet. The lower id goes on as if it had heard nothing, the
/// other forgets that it has spoken, and answers. False: more bytes are needed to tell.
bool Session::settle_crossing(ByteSpan& bytes) {
  if (!crossing_) return true;
  first_bytes_.insert(first_bytes_.end(), bytes.begin(), bytes.end());
  const bool is_open = first_bytes_.size() < preamble_bytes + frame_header_bytes;
  const bool may_greet =
      first_bytes_.size() < preamble_version_bytes ||
      preamble_version(ByteSpan(first_bytes_).first<preamble_version_bytes>()).has_value();
  if (may_greet && is_open) return false;
  std::size_t skipped = 0;
  if (may_greet) {
    const bool answers = *crossing_->expected_peer < crossing_->self.certificate.node;
    if (answers) {
      dials_ = false;
      handshake_.emplace(std::move(*crossing_));
    } else {
      const std::size_t message_bytes =
          first_bytes_[preamble_bytes] * std::size_t{256} + first_bytes_[preamble_bytes + 1];
      skipped = preamble_bytes + frame_header_bytes + message_bytes;
      const bool is_possible = message_bytes <= limits::handshake_message_bytes_max;
      if (is_possible && first_bytes_.size() < skipped) return false;
      if (!is_possible) skipped = 0;  // refused as what it is: no handshake
    }
  }
  crossing_.reset();
  bytes = ByteSpan(first_bytes_).subspan(skipped);
  return true;
}

/// Takes off the front what is still missing of the preamble, and judges it as early as it can: a
/// stranger costs no more than that.
Session::Outcome Session::receive_preamble(ByteSpan& bytes) {
  if (dials_ || preamble_.size() == preamble_bytes) return {};
  const std::size_t missing = std::min(preamble_bytes - preamble_.size(), bytes.size());
  preamble_.insert(preamble_.end(), bytes.begin(),
                   bytes.begin() + static_cast<std::ptrdiff_t>(missing));
  bytes = bytes.subspan(missing);
  if (preamble_.size() < preamble_version_bytes) return {};
  const auto version = preamble_version(ByteSpan(preamble_).first<preamble_version_bytes>());
  if (!version) return std::unexpected(RejectReason::bad_handshake);
  if (*version != version_) {
    return refuse(RefusalReason::other_version, RejectReason::other_version);
  }
  return {};
}

/// Before any curve operation: is message 1 meant for this run, and for a run of this kind?
Session::Outcome Session::check_first_message(ByteSpan message) {
  const auto preamble = decode_preamble(ByteSpan(preamble_).first<preamble_bytes>());
  if (!preamble) return std::unexpected(RejectReason::bad_handshake);
  if (preamble->tag != run_tag(run_, message)) {
    return refuse(RefusalReason::other_run, RejectReason::other_run);
  }
  if (preamble->is_private != is_private_) {
    return refuse(RefusalReason::wrong_key, RejectReason::wrong_tag);
  }
  return {};
}

Session::Outcome Session::refuse(RefusalReason reason, RejectReason counted) {
  refusal_ = reason;
  return std::unexpected(counted);
}

Session::Outcome Session::receive_frames(Instant now, SessionEvents& events) {
  bool frame_completed = false;
  while (!closed_) {
    const auto body =
        reader_.next(channel_ ? sealed_body_bytes_max : limits::handshake_message_bytes_max);
    if (!body) return std::unexpected(body.error());
    if (!*body) break;
    frame_completed = true;
    ++counters_.frames_received;
    const auto outcome =
        channel_ ? receive_sealed(**body, now, events) : receive_handshake(**body, events);
    if (!outcome) return outcome;
  }
  restart_deadlines(frame_completed, now);
  return {};
}

Session::Outcome Session::receive_handshake(ByteSpan message, SessionEvents& events) {
  const bool is_first = counters_.frames_received == 1;
  if (dials_ && is_first) {
    if (const auto refusal = decode_refusal(message)) {
      end(told_by(*refusal), events);
      return {};
    }
  }
  if (!dials_ && is_first) {
    if (auto checked = check_first_message(message); !checked) return checked;
  }
  const auto answer = handshake_->receive(message);
  if (!answer) {
    const RejectReason reason = reason_of(answer.error());
    if (reason == RejectReason::wrong_tag) return refuse(RefusalReason::wrong_key, reason);
    return std::unexpected(reason);
  }
  if (!answer->empty()) queue_handshake(*answer);
  if (handshake_->finished()) {
    channel_.emplace(handshake_->take_channel());
    handshake_.reset();  // and with it the keys that are not needed any more
    handshake_deadline_ = Instant::never();
    events.emplace_back(SessionEstablished{channel_->peer, channel_->incarnation});
  }
  return {};
}

Session::Outcome Session::receive_sealed(std::span<std::uint8_t> body, Instant now,
                                         SessionEvents& events) {
  if (body.size() <= crypto::seal_overhead_bytes) return std::unexpected(RejectReason::bad_frame);
  const auto plaintext = channel_->opening.open(body);
  if (!plaintext) return std::unexpected(RejectReason::bad_seal);
  const ByteSpan content = plaintext->subspan(sizeof(FrameKind));
  switch (static_cast<FrameKind>(plaintext->front())) {
    case FrameKind::message:
      return receive_message(content, now, events);
    case FrameKind::bulk_data:
      return receive_bulk(bulk_receiver_.append(content), now, events);
  }
  return std::unexpected(RejectReason::bad_frame);
}

Session::Outcome Session::receive_message(ByteSpan encoded, Instant now, SessionEvents& events) {
  if (!within_rate(now)) return std::unexpected(RejectReason::flood);
  auto message = decode(encoded);
  if (!message) return std::unexpected(message.error());
  if (!*message) return {};  // of a newer version
  return dispatch(std::move(**message), now, events);
}

bool Session::within_rate(Instant now) {
  if (now - second_began_ >= std::chrono::seconds(1)) {
    second_began_ = now;
    messages_this_second_ = 0;
  }
  return ++messages_this_second_ <= limits::session_messages_per_second_max;
}

Session::Outcome Session::dispatch(Message message, Instant now, SessionEvents& events) {
  if (const auto* header = std::get_if<BulkHeader>(&message)) {
    return begin_bulk(*header, now, events);
  }
  if (const auto* credit = std::get_if<Credit>(&message)) {
    if (!queue_.add_credit(credit->bytes)) return std::unexpected(RejectReason::flood);
    return {};
  }
  if (const auto* farewell = std::get_if<Close>(&message)) {
    end({.why = farewell->reason}, events);
    return {};
  }
  events.emplace_back(SessionReceived{std::move(message)});
  return {};
}

/// Before any memory is taken for it.
Session::Outcome Session::begin_bulk(const BulkHeader& header, Instant now, SessionEvents& events) {
  if (const auto refusal = gate_.refuses(header.kind, header.bytes)) {
    events.emplace_back(SessionBulkRefused{*refusal});
    return std::unexpected(RejectReason::too_large);
  }
  bulk_told_at_ = now;
  return receive_bulk(bulk_receiver_.begin(header), now, events);
}

Session::Outcome Session::receive_bulk(BulkOutcome outcome, Instant now, SessionEvents& events) {
  if (!outcome) return std::unexpected(outcome.error());
  if (*outcome) events.emplace_back(SessionReceived{std::move(**outcome)});
  queue_.push_credit(bulk_receiver_.take_grant());
  const bool is_under_way = bulk_receiver_.in_progress();
  bulk_deadline_ = is_under_way ? now + limits::frame_time_max : Instant::never();
  if (is_under_way && now - bulk_told_at_ >= limits::bulk_progress_interval) {
    bulk_told_at_ = now;
    events.emplace_back(
        SessionBulkProgressed{bulk_receiver_.header(), bulk_receiver_.received_bytes()});
  }
  return {};
}

// --- Sending ---

bool Session::send(Message message) {
  if (closed_ || !channel_ || gate_.refuses_to_send(message)) return false;
  gate_.sending(message);
  return queue_.push(std::move(message));
}

std::size_t Session::pull(Bytes& out, std::size_t bytes_max) {
  const std::size_t bytes_before = out.size();
  out.insert(out.end(), handshake_output_.begin(), handshake_output_.end());
  handshake_output_.clear();
  while (queue_.ready() && out.size() - bytes_before < bytes_max) append_sealed_frame(out);
  counters_.bytes_sent += out.size() - bytes_before;
  return out.size() - bytes_before;
}

bool Session::has_output() const {
  return !handshake_output_.empty() || queue_.ready();
}

/// Assembled and sealed where it is sent from.
void Session::append_sealed_frame(Bytes& out) {
  const std::size_t header_at = out.size();
  out.resize(header_at + frame_header_bytes);
  queue_.append_next(out);
  out.resize(out.size() + crypto::seal_overhead_bytes);
  const auto frame = std::span(out).subspan(header_at);
  const auto body = frame.subspan(frame_header_bytes);
  const auto sealed =
      channel_->sealing.seal(body.first(body.size() - crypto::seal_overhead_bytes), body);
  STARLING_CHECK(sealed.has_value());  // fails after 2^64 frames
  write_frame_header(body.size(), frame.first<frame_header_bytes>());
  ++counters_.frames_sent;
}

void Session::queue_handshake(ByteSpan message) {
  std::array<std::uint8_t, frame_header_bytes> header{};
  write_frame_header(message.size(), header);
  handshake_output_.insert(handshake_output_.end(), header.begin(), header.end());
  handshake_output_.insert(handshake_output_.end(), message.begin(), message.end());
  ++counters_.frames_sent;
}

// --- Time ---

/// A frame gets its time as a whole, so that a byte now and then does not prolong it.
void Session::restart_deadlines(bool frame_completed, Instant now) {
  const auto restart = [now](Instant& deadline, bool waiting, bool progress) {
    if (!waiting) {
      deadline = Instant::never();
    } else if (progress || deadline == Instant::never()) {
      deadline = now + limits::frame_time_max;
    }
  };
  restart(frame_deadline_, reader_.in_frame(), frame_completed);
  restart(credit_deadline_, queue_.waits_for_credit(), false);
}

Instant Session::next_deadline() const {
  if (closed_) return Instant::never();
  return std::min({handshake_deadline_, frame_deadline_, bulk_deadline_, credit_deadline_});
}

void Session::tick(Instant now, SessionEvents& events) {
  if (closed_ || now < next_deadline()) return;
  reject(now >= handshake_deadline_ ? RejectReason::handshake_slow : RejectReason::stalled, events);
}

// --- The end ---

void Session::close(CloseReason reason) {
  if (closed_) return;
  closed_ = true;
  // Without our last words of the handshake the peer could not read the farewell.
  if (!channel_) handshake_output_.clear();
  if (channel_) queue_.push_farewell(reason);
}

void Session::end_of_stream(SessionEvents& events) {
  if (closed_) return;
  if (reader_.in_frame()) {
    end({.why = RejectReason::truncated}, events);
  } else {
    end({.why = CloseReason::connection_lost}, events);
  }
}

/// An authenticated peer is told that it was dropped; a stranger nothing, unless it dialled the
/// wrong door: four bytes, fewer than it sent.
void Session::reject(RejectReason reason, SessionEvents& events) {
  SessionClosed closed{.why = reason};
  if (dials_ && reason == RejectReason::expired_key) {
    closed.problem = DialProblem::clock;
    closed.detail.clock_ahead_s = handshake_->peer_clock_ahead().value_or(0);
  }
  end(std::move(closed), events);
  if (refusal_) queue_handshake(encode_refusal({.reason = *refusal_, .version = version_}));
  if (!channel_) return;
  queue_.push_farewell(reason == RejectReason::stalled ? CloseReason::timed_out
                                                       : CloseReason::misbehaviour);
}

void Session::end(SessionClosed closed, SessionEvents& events) {
  closed_ = true;
  handshake_output_.clear();
  queue_.clear();
  events.emplace_back(std::move(closed));
}

}  // namespace starling::protocol
