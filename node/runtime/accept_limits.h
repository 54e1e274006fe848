#pragma once
// How many strangers may knock: bounds on handshakes and connections before anyone is
// authenticated (PROTOCOL.md section 1). Pure: time is an argument.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "protocol/limits.h"
#include "protocol/token_bucket.h"
#include "starling/instant.h"

namespace starling::runtime {

/// The part of an address that one party is taken to own: an IPv4 address, an IPv6 /56.
[[nodiscard]] std::string address_prefix(const std::string& numeric_host);

class AcceptLimits {
 public:
  // A quarter of all that may be pending, so that four sources are needed to fill it (our guess).
  static constexpr std::size_t pending_per_prefix_max =
      protocol::limits::pending_handshakes_max / 4;
  // All of a testnet knocks from one address: three quarters, the rest is for other machines.
  static constexpr std::size_t pending_of_this_machine_max =
      protocol::limits::pending_handshakes_max / 4 * 3;
  static constexpr int handshakes_per_second_of_this_machine =
      protocol::limits::handshakes_per_second_max / 4 * 3;

  /// Names one incoming connection; ascending in order of admission.
  using Number = std::uint64_t;
  struct Admission {
    Number number = 0;
    /// A connection whose handshake has to make room: already counted out, its owner closes it.
    std::optional<Number> displaced = std::nullopt;
  };

  /// Counts a new incoming connection in, or refuses it (nothing). Its handshake is pending until
  /// handshake_ended() or leave(). Each admission has its leave(), unless it was displaced.
  [[nodiscard]] std::optional<Admission> admit(const std::string& prefix, Instant now);
  void handshake_ended(Number number);
  void leave(Number number, Instant now);

  /// Counts out the oldest pending handshake of the source that has most of them, for its owner to
  /// close; nothing if none is pending.
  [[nodiscard]] std::optional<Number> displace(Instant now);

 private:
  struct Source {
    explicit Source(double rate) : handshakes(rate) {}

    protocol::TokenBucket handshakes;
    std::size_t connections = 0;
    std::map<Number, Instant> pending = {};  ///< And when each was admitted.
  };
  using Sources = std::map<std::string, Source>;

  [[nodiscard]] Source* source_of(const std::string& prefix, Instant now);
  void forget_idle_sources(Instant now);

  // Sources are remembered until their bucket is full again; more of them at once than the overall
  // rate can make in a while means a flood from many addresses.
  static constexpr std::size_t sources_max = 4096;

  protocol::TokenBucket all_handshakes_{protocol::limits::handshakes_per_second_max};
  std::size_t pending_handshakes_ = 0;
  Number newest_ = 0;
  Sources sources_;
  std::map<Number, std::string> connections_;  ///< The prefix of each.
};

}  // namespace starling::runtime
