#include "protocol/link/send_queue.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/wire.h"
#include "starling/check.h"

namespace starling::protocol {
namespace {

// Our guess: enough for bulk to move on under a burst of control, at 12 % of the frames.
constexpr int bulk_floor_frames = 8;

bool is_gossip(const Message& message) {
  return std::holds_alternative<Gossip>(message) || std::holds_alternative<GossipBatch>(message) ||
         std::holds_alternative<IHave>(message) || std::holds_alternative<VoteVector>(message) ||
         std::holds_alternative<VoteRange>(message);
}

bool is_relayed(const Message& message) {
  return std::holds_alternative<CircuitOpen>(message) ||
         std::holds_alternative<CircuitData>(message) ||
         std::holds_alternative<CircuitClose>(message);
}

void append(FrameKind kind, ByteSpan content, Bytes& out) {
  out.push_back(static_cast<std::uint8_t>(kind));
  out.insert(out.end(), content.begin(), content.end());
}

BulkHeader header_of(const Bulk& bulk) {
  return {bulk.kind, bulk.number, bulk.step, bulk.degree, bulk.context, bulk.data.size()};
}

}  // namespace

bool SendQueue::push(Message message) {
  if (auto* bulk = std::get_if<Bulk>(&message)) return push_bulk(std::move(*bulk));
  const std::size_t queued = control_.size() + gossip_.size() + relayed_.size();
  if (queued >= limits::session_queue_messages_max) return false;
  Bytes encoded = encode(message);
  if (encoded.size() > limits::control_bytes_max) return false;
  queue_for(message).push_back(std::move(encoded));
  return true;
}

std::deque<Bytes>& SendQueue::queue_for(const Message& message) {
  if (is_gossip(message)) return gossip_;
  return is_relayed(message) ? relayed_ : control_;
}

bool SendQueue::push_bulk(Bulk bulk) {
  const std::size_t bytes = bulk.data.size();
  if (!bulk_.empty() && bulk_queued_bytes_ + bytes > bulk_bytes_max_) return false;
  if (bulk_.size() >= limits::session_queue_messages_max) return false;
  bulk_queued_bytes_ += bytes;
  bulk_.push_back(std::move(bulk));
  return true;
}

void SendQueue::clear_bulk() {
  bulk_.clear();
  bulk_queued_bytes_ = 0;
  front_sent_bytes_.reset();
}

void SendQueue::clear() {
  clear_bulk();
  control_.clear();
  gossip_.clear();
  relayed_.clear();
  credit_for_peer_ = 0;
}

void SendQueue::push_farewell(CloseReason reason) {
  clear_bulk();
  farewell_ = Close{reason};
}

bool SendQueue::add_credit(std::uint64_t bytes) {
  if (bytes > limits::credit_window_bytes_max - credit_) return false;
  credit_ += bytes;
  return true;
}

bool SendQueue::ready() const {
  return credit_for_peer_ > 0 || !only_bulk_waits() || bulk_ready() || farewell_;
}

void SendQueue::append_next(Bytes& out) {
  STARLING_CHECK(ready());
  if (credit_for_peer_ > 0) {
    append(FrameKind::message, encode(Credit{std::exchange(credit_for_peer_, 0)}), out);
  } else if (bulk_is_next()) {
    append_bulk(out);
  } else if (!control_.empty()) {
    append_queued(control_, out);
  } else if (!gossip_.empty()) {
    append_queued(gossip_, out);
  } else if (!relayed_.empty()) {
    append_queued(relayed_, out);
  } else {
    append(FrameKind::message, encode(*std::exchange(farewell_, std::nullopt)), out);
  }
}

bool SendQueue::bulk_ready() const {
  return !bulk_.empty() && (credit_ > 0 || !front_sent_bytes_);
}

bool SendQueue::bulk_is_next() const {
  if (!bulk_ready()) return false;
  return only_bulk_waits() || frames_since_bulk_ >= bulk_floor_frames - 1;
}

bool SendQueue::only_bulk_waits() const {
  return control_.empty() && gossip_.empty() && relayed_.empty();
}

void SendQueue::append_queued(std::deque<Bytes>& queue, Bytes& out) {
  append(FrameKind::message, queue.front(), out);
  queue.pop_front();
  ++frames_since_bulk_;
}

void SendQueue::append_bulk(Bytes& out) {
  frames_since_bulk_ = 0;
  const Bulk& bulk = bulk_.front();
  if (!front_sent_bytes_) {
    append(FrameKind::message, encode(header_of(bulk)), out);
    front_sent_bytes_ = 0;
  } else {
    const auto unsent = ByteSpan(bulk.data).subspan(*front_sent_bytes_);
    const auto allowed = static_cast<std::size_t>(
        std::min<std::uint64_t>(credit_, bulk_frame_bytes_ - sizeof(FrameKind)));
    const auto piece = unsent.first(std::min(unsent.size(), allowed));
    append(FrameKind::bulk_data, piece, out);
    credit_ -= piece.size();
    *front_sent_bytes_ += piece.size();
  }
  if (*front_sent_bytes_ == bulk.data.size()) {
    bulk_queued_bytes_ -= bulk.data.size();
    bulk_.pop_front();
    front_sent_bytes_.reset();
  }
}

}  // namespace starling::protocol
