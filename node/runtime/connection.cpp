#include "node/runtime/connection.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <utility>

#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

using namespace std::chrono_literals;

// For a farewell to arrive once it is written.
constexpr Duration linger_time_max = 1s;
// For one more write of what is queued before the farewell: a peer that takes nothing any more, or
// that is gone without a word, does not hold the socket longer. Our guess: 32 KiB at 100 kbit/s.
constexpr Duration last_write_time_max = 3s;

}  // namespace

Connection::Connection(std::shared_ptr<Transport> transport, protocol::SessionOptions options,
                       Owner& owner)
    : transport_(std::move(transport)),
      session_(std::move(options), monotonic_now()),
      owner_(&owner),
      watchdog_(transport_->executor()) {}

void Connection::start() {
  read();
  write();
  watch();
}

bool Connection::send(protocol::Message message) {
  const bool queued = session_.send(std::move(message));
  write();
  return queued;
}

void Connection::close(protocol::CloseReason reason) {
  session_.close(reason);
  released_at_ = std::min(released_at_, monotonic_now() + last_write_time_max);
  write();
  watch();
}

void Connection::abandon() {
  owner_ = nullptr;
  release();
}

void Connection::pause_reading(bool paused) {
  paused_ = paused;
  read();
}

void Connection::read() {
  if (reading_ || paused_ || !transport_->is_open()) return;
  reading_ = true;
  transport_->read_some(incoming_,
                        [self = shared_from_this()](std::error_code problem, std::size_t bytes) {
                          self->reading_ = false;
                          if (!problem) return self->received(bytes);
                          protocol::SessionEvents events;
                          if (!self->session_.closed()) self->session_.end_of_stream(events);
                          self->handle(events);
                          self->release();
                        });
}

void Connection::received(std::size_t bytes) {
  if (owner_ != nullptr) owner_->on_traffic(0, bytes);
  protocol::SessionEvents events;
  session_.receive(ByteSpan(incoming_).first(bytes), monotonic_now(), events);
  handle(events);
  write();
  read();
  watch();
}

void Connection::write() {
  if (writing_ || !transport_->is_open()) return;
  outgoing_.clear();
  if (session_.pull(outgoing_, transport_->write_bytes()) == 0) {
    if (session_.closed()) begin_linger();
    return;
  }
  writing_ = true;
  transport_->write(outgoing_,
                    [self = shared_from_this()](std::error_code problem, std::size_t bytes) {
                      self->writing_ = false;
                      if (self->owner_ != nullptr) self->owner_->on_traffic(bytes, 0);
                      if (problem) return;  // the read loop ends too and reports it
                      if (self->session_.closed()) {
                        self->released_at_ = monotonic_now() + last_write_time_max;
                      }
                      self->write();
                    });
}

/// Everything is written: the peer may still read it, so the socket stays until the peer closes.
/// Closing at once would make the kernel send a reset that overtakes the farewell.
void Connection::begin_linger() {
  released_at_ = std::min(released_at_, monotonic_now() + linger_time_max);
  transport_->end_sending();
  paused_ = false;
  read();
  watch();
}

void Connection::release() {
  if (!transport_->is_open()) return;
  transport_->close();
  watchdog_.cancel();
  if (owner_ != nullptr) owner_->on_released(*this);
}

/// The timer is moved only when a deadline comes closer; one that moved away is found when it
/// fires.
void Connection::watch() {
  const Instant due = std::min(session_.next_deadline(), released_at_);
  if (!transport_->is_open() || due >= watched_) return;
  watched_ = due;
  watchdog_.expires_after(due - monotonic_now());
  watchdog_.async_wait([self = shared_from_this()](std::error_code cancelled) {
    if (cancelled) return;
    self->watched_ = Instant::never();
    const Instant now = monotonic_now();
    protocol::SessionEvents events;
    if (now >= self->session_.next_deadline()) self->session_.tick(now, events);
    self->handle(events);
    self->write();
    if (now >= self->released_at_) self->release();
    self->watch();
  });
}

void Connection::handle(protocol::SessionEvents& events) {
  for (protocol::SessionEvent& event : events) {
    if (owner_ == nullptr) return;
    if (auto* established = std::get_if<protocol::SessionEstablished>(&event)) {
      owner_->on_established(*this, *established);
    } else if (auto* received = std::get_if<protocol::SessionReceived>(&event)) {
      owner_->on_message(*this, std::move(received->message));
    } else if (const auto* progress = std::get_if<protocol::SessionBulkProgressed>(&event)) {
      owner_->on_bulk_progressed(*this, *progress);
    } else if (const auto* refused = std::get_if<protocol::SessionBulkRefused>(&event)) {
      owner_->on_bulk_refused(*this, refused->refusal);
    } else {
      released_at_ = std::min(released_at_, monotonic_now() + last_write_time_max);
      owner_->on_closed(*this, std::get<protocol::SessionClosed>(event));
    }
  }
}

}  // namespace starling::runtime
