#include "node/runtime/accept_limits.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>

#include "starling/ids.h"

namespace starling::runtime {

namespace limits = protocol::limits;

std::string address_prefix(const std::string& numeric_host) {
  std::array<std::uint8_t, 16> v6{};
  if (::inet_pton(AF_INET6, numeric_host.c_str(), v6.data()) != 1) return numeric_host;
  constexpr std::size_t prefix_bytes = 56 / 8;
  return to_hex(ByteSpan(v6).first(prefix_bytes)) + "::/56";
}

namespace {

// An honest handshake has three flights: younger ones of a source do not make room for each other,
// or a testnet that starts at once would push out its own (our guess).
constexpr Duration pending_time_min = std::chrono::milliseconds(500);

struct Bounds {
  double handshakes_per_second;
  std::size_t pending_max;
  std::size_t connections_max;
};

/// Whoever is on this machine shares one address with all of a testnet.
Bounds bounds_of(const std::string& prefix) {
  if (prefix.starts_with("127.") || prefix == address_prefix("::1")) {
    return {AcceptLimits::handshakes_per_second_of_this_machine,
            AcceptLimits::pending_of_this_machine_max, std::numeric_limits<std::size_t>::max()};
  }
  return {limits::handshakes_per_second_per_prefix, AcceptLimits::pending_per_prefix_max,
          limits::connections_per_prefix_max};
}

}  // namespace

/// Null: too many sources are remembered.
AcceptLimits::Source* AcceptLimits::source_of(const std::string& prefix, Instant now) {
  if (sources_.size() >= sources_max) forget_idle_sources(now);
  if (sources_.size() >= sources_max && !sources_.contains(prefix)) return nullptr;
  return &sources_.try_emplace(prefix, bounds_of(prefix).handshakes_per_second).first->second;
}

std::optional<AcceptLimits::Admission> AcceptLimits::admit(const std::string& prefix, Instant now) {
  Source* source = source_of(prefix, now);
  const Bounds bounds = bounds_of(prefix);
  if (source == nullptr || source->connections >= bounds.connections_max) return std::nullopt;
  // The source's own bucket first, so that one source cannot drain the common one by being refused.
  if (!source->handshakes.take(now)) return std::nullopt;
  Admission admission;
  if (source->pending.size() >= bounds.pending_max) {
    const auto& [oldest, began] = *source->pending.begin();
    if (now - began < pending_time_min) return std::nullopt;
    admission.displaced = oldest;
  }
  if (!all_handshakes_.take(now)) return std::nullopt;
  if (admission.displaced) {
    leave(*admission.displaced, now);
  } else if (pending_handshakes_ >= limits::pending_handshakes_max) {
    admission.displaced = displace(now);
  }
  admission.number = ++newest_;
  source = source_of(prefix, now);  // what made room may have been the last of this source
  ++source->connections;
  source->pending.emplace(admission.number, now);
  ++pending_handshakes_;
  connections_.emplace(admission.number, prefix);
  return admission;
}

std::optional<AcceptLimits::Number> AcceptLimits::displace(Instant now) {
  const auto greediest = std::ranges::max_element(
      sources_, {}, [](const auto& entry) { return entry.second.pending.size(); });
  if (greediest == sources_.end() || greediest->second.pending.empty()) return std::nullopt;
  const Number oldest = greediest->second.pending.begin()->first;
  leave(oldest, now);
  return oldest;
}

void AcceptLimits::handshake_ended(Number number) {
  const auto connection = connections_.find(number);
  if (connection == connections_.end()) return;
  pending_handshakes_ -= sources_.at(connection->second).pending.erase(number);
}

void AcceptLimits::leave(Number number, Instant now) {
  handshake_ended(number);
  const auto connection = connections_.extract(number);
  if (connection.empty()) return;
  const auto source = sources_.find(connection.mapped());
  --source->second.connections;
  if (source->second.connections == 0 && source->second.handshakes.full(now)) {
    sources_.erase(source);
  }
}

void AcceptLimits::forget_idle_sources(Instant now) {
  std::erase_if(sources_, [now](const auto& entry) {
    return entry.second.connections == 0 && entry.second.handshakes.full(now);
  });
}

}  // namespace starling::runtime
