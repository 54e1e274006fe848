#pragma once
// Ways to ask a router to open a port: each is a protocol that routers speak, behind one face.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "starling/instant.h"

namespace starling::runtime {

struct OpenedPort {
  std::string host;  ///< The router's outer address, numeric.
  std::uint16_t port = 0;
  Duration lease{};  ///< After which the router closes it, unless asked again; above 0.
};

/// All functions block for a few seconds at most. Thread: one at a time.
class Gateway {
 public:
  virtual ~Gateway() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;
  /// Opens a TCP port that leads to `port` of this machine, or renews the lease of the one opened
  /// before. inner_host: this machine's address on the way to the router, IPv4. Nothing: no router
  /// here speaks this protocol, or it refuses.
  [[nodiscard]] virtual std::optional<OpenedPort> open(const std::string& inner_host,
                                                       std::uint16_t port) = 0;
  /// Closes what was opened, if that can be done.
  virtual void close() = 0;
};

/// Asked for; after half of it it is asked for again. RFC 6886 recommends two hours, but a router
/// that has lost its table, by a restart, is to be asked within minutes.
inline constexpr Duration port_lease = std::chrono::minutes(20);

/// NAT-PMP (RFC 6886), which routers that speak PCP understand, too. router: numeric; empty: the
/// default gateway.
[[nodiscard]] std::unique_ptr<Gateway> natpmp_gateway(std::string router = {});
/// UPnP Internet Gateway Device, version 1 or 2.
[[nodiscard]] std::unique_ptr<Gateway> upnp_gateway();

using Gateways = std::vector<std::unique_ptr<Gateway>>;
/// In the order in which they are tried: the one that answers sooner comes first.
[[nodiscard]] Gateways all_gateways();

}  // namespace starling::runtime
