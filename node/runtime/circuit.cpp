#include "node/runtime/circuit.h"

#include <algorithm>
#include <asio/error.hpp>
#include <asio/post.hpp>
#include <utility>

namespace starling::runtime {

void Circuit::received(const Bytes& data) {
  if (has_ended_ || !is_open_) return;
  if (!flow_.received(data.size())) {
    say_goodbye();
    return ended();
  }
  incoming_.insert(incoming_.end(), data.begin(), data.end());
  pump_reading();
}

void Circuit::granted(std::uint64_t bytes) {
  if (has_ended_ || !is_open_) return;
  if (!flow_.granted(bytes)) {
    say_goodbye();
    return ended();
  }
  pump_writing();
}

void Circuit::ended() {
  has_ended_ = true;
  said_goodbye_ = true;
  pump_reading();
  pump_writing();
}

void Circuit::read_some(std::span<std::uint8_t> into, Done done) {
  into_ = into;
  reading_ = std::move(done);
  pump_reading();
}

void Circuit::pump_reading() {
  if (!reading_) return;
  if (!incoming_.empty()) {
    const std::size_t bytes = std::min(into_.size(), incoming_.size());
    const auto end = incoming_.begin() + static_cast<std::ptrdiff_t>(bytes);
    std::copy(incoming_.begin(), end, into_.begin());
    incoming_.erase(incoming_.begin(), end);
    flow_.taken(bytes);
    const std::uint64_t credit = flow_.take_credit();
    if (credit > 0 && !has_ended_) {
      static_cast<void>(actions_.send(protocol::CircuitCredit{number_, credit}));
    }
    complete(reading_, {}, bytes);
  } else if (has_ended_) {
    complete(reading_, asio::error::eof, 0);
  }
}

void Circuit::write(ByteSpan bytes, Done done) {
  outgoing_ = bytes;
  written_ = 0;
  writing_ = std::move(done);
  pump_writing();
}

void Circuit::pump_writing() {
  if (!writing_) return;
  while (!has_ended_ && written_ < outgoing_.size()) {
    const std::size_t bytes = flow_.sendable(outgoing_.size() - written_);
    if (bytes == 0) return;
    const ByteSpan piece = outgoing_.subspan(written_, bytes);
    flow_.sent(bytes);
    written_ += bytes;
    if (!actions_.send(protocol::CircuitData{number_, Bytes(piece.begin(), piece.end())})) {
      return ended();
    }
  }
  const bool is_all = written_ == outgoing_.size();
  complete(writing_, is_all ? std::error_code() : asio::error::broken_pipe, written_);
}

std::size_t Circuit::write_bytes() const {
  return protocol::limits::relayed_bulk_frame_bytes;
}

void Circuit::say_goodbye() {
  if (std::exchange(said_goodbye_, true)) return;
  static_cast<void>(actions_.send(protocol::CircuitClose{number_, protocol::CircuitEnd::closed}));
}

/// The relay forgets the circuit then, so that nothing comes back either.
void Circuit::end_sending() {
  say_goodbye();
  ended();
}

void Circuit::close() {
  if (!std::exchange(is_open_, false)) return;
  say_goodbye();
  has_ended_ = true;
  if (reading_) complete(reading_, asio::error::operation_aborted, 0);
  if (writing_) complete(writing_, asio::error::operation_aborted, written_);
  if (const auto closed = std::exchange(actions_.closed, nullptr)) closed();
}

void Circuit::complete(Done& done, std::error_code problem, std::size_t bytes) {
  asio::post(network_, [self = shared_from_this(), call = std::exchange(done, nullptr), problem,
                        bytes] { call(problem, bytes); });
}

}  // namespace starling::runtime
