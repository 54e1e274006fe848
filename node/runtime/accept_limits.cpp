#include "node/runtime/accept_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "starling/ids.h"

namespace starling::runtime {

namespace limits = protocol::limits;

bool TokenBucket::take(Instant now) {
  tokens_ = std::min(rate_, tokens_ + rate_ * to_seconds(now - refilled_));
  refilled_ = now;
  if (tokens_ < 1.0) return false;
  tokens_ -= 1.0;
  return true;
}

bool TokenBucket::full(Instant now) const {
  return tokens_ + rate_ * to_seconds(now - refilled_) >= rate_;
}

std::string address_prefix(const std::string& numeric_host) {
  std::array<std::uint8_t, 16> v6{};
  if (::inet_pton(AF_INET6, numeric_host.c_str(), v6.data()) != 1) return numeric_host;
  constexpr std::size_t prefix_bytes = 56 / 8;
  return to_hex(ByteSpan(v6).first(prefix_bytes)) + "::/56";
}

/// Whoever is on this machine shares one address with all of a testnet; the common limit holds for
/// it.
static bool is_this_machine(const std::string& prefix) {
  return prefix.starts_with("127.") || prefix == address_prefix("::1");
}

bool AcceptLimits::admit(const std::string& prefix, Instant now) {
  if (pending_handshakes_ >= limits::pending_handshakes_max) return false;
  if (sources_.size() >= sources_max) forget_idle_sources(now);
  if (sources_.size() >= sources_max && !sources_.contains(prefix)) return false;
  Source& source = sources_[prefix];
  const bool is_limited = !is_this_machine(prefix);
  if (is_limited && source.connections >= limits::connections_per_prefix_max) return false;
  // The source's own bucket first, so that one source cannot drain the common one by being refused.
  if (is_limited && !source.handshakes.take(now)) return false;
  if (!all_handshakes_.take(now)) return false;
  ++source.connections;
  ++pending_handshakes_;
  return true;
}

void AcceptLimits::handshake_ended() {
  --pending_handshakes_;
}

void AcceptLimits::leave(const std::string& prefix, Instant now) {
  const auto found = sources_.find(prefix);
  if (found == sources_.end()) return;
  --found->second.connections;
  if (found->second.connections == 0 && found->second.handshakes.full(now)) sources_.erase(found);
}

void AcceptLimits::forget_idle_sources(Instant now) {
  std::erase_if(sources_, [now](const auto& entry) {
    return entry.second.connections == 0 && entry.second.handshakes.full(now);
  });
}

}  // namespace starling::runtime
