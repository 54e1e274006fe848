#pragma once
// How many strangers may knock: bounds on handshakes and connections before anyone is
// authenticated (PROTOCOL.md section 1). Pure: time is an argument.

#include <cstddef>
#include <map>
#include <string>

#include "protocol/limits.h"
#include "starling/instant.h"

namespace starling::runtime {

/// Lets `rate` per second through on average and `rate` at once.
class TokenBucket {
 public:
  explicit TokenBucket(double rate) : rate_(rate), tokens_(rate) {}

  [[nodiscard]] bool take(Instant now);
  [[nodiscard]] bool full(Instant now) const;

 private:
  double rate_;
  double tokens_;
  Instant refilled_{};
};

/// The part of an address that one party is taken to own: an IPv4 address, an IPv6 /56.
[[nodiscard]] std::string address_prefix(const std::string& numeric_host);

class AcceptLimits {
 public:
  /// Counts a new incoming connection in, or refuses it. Each admit() has its leave().
  [[nodiscard]] bool admit(const std::string& prefix, Instant now);
  void handshake_ended();
  void leave(const std::string& prefix, Instant now);

 private:
  struct Source {
    TokenBucket handshakes{protocol::limits::handshakes_per_second_per_prefix};
    std::size_t connections = 0;
  };
  void forget_idle_sources(Instant now);

  // Sources are remembered until their bucket is full again; more of them at once than the overall
  // rate can make in a while means a flood from many addresses.
  static constexpr std::size_t sources_max = 4096;

  TokenBucket all_handshakes_{protocol::limits::handshakes_per_second_max};
  std::size_t pending_handshakes_ = 0;
  std::map<std::string, Source> sources_;
};

}  // namespace starling::runtime
