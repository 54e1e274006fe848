#pragma once
// One end of a circuit over a relay (overlay/relay.h): a stream of bytes that travels in messages
// over the link to the relay. Counts what may be sent, and what has been taken up.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "protocol/limits.h"

namespace starling::protocol {

class CircuitFlow {
 public:
  /// The relay allows more. False: more than an honest one would.
  [[nodiscard]] bool granted(std::uint64_t bytes) {
    if (bytes > limits::circuit_window_bytes - sendable_) return false;
    sendable_ += bytes;
    return true;
  }
  /// Of this many bytes that wait, so many may be sent in one message now.
  [[nodiscard]] std::size_t sendable(std::size_t waiting) const {
    return static_cast<std::size_t>(
        std::min<std::uint64_t>({waiting, sendable_, limits::circuit_data_bytes_max}));
  }
  void sent(std::size_t bytes) { sendable_ -= bytes; }

  /// False: more than the relay may have let pass.
  [[nodiscard]] bool received(std::size_t bytes) {
    if (bytes > limits::circuit_window_bytes - untaken_) return false;
    untaken_ += bytes;
    return true;
  }
  void taken(std::size_t bytes) { taken_ += bytes; }
  /// What the relay is to be told was taken up; 0: not worth a message yet.
  [[nodiscard]] std::uint64_t take_credit() {
    if (taken_ < limits::circuit_window_bytes / 4 && taken_ < untaken_) return 0;
    untaken_ -= taken_;
    return std::exchange(taken_, 0);
  }

 private:
  std::uint64_t sendable_ = 0;
  std::uint64_t untaken_ = 0;  ///< Received, and the relay does not know yet that it was taken up.
  std::uint64_t taken_ = 0;    ///< Of these.
};

}  // namespace starling::protocol
