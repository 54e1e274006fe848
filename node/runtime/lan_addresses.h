#pragma once
// This machine's addresses on local networks. Included only inside node/runtime, because it shows
// Asio.

#include <asio/ip/address.hpp>
#include <compare>
#include <vector>

namespace starling::runtime {

struct LanAddress {
  asio::ip::address address;
  unsigned interface = 0;  ///< Its index.
  friend bool operator==(const LanAddress&, const LanAddress&) = default;
};

/// One of each family of each interface that is up and carries multicast, at most
/// limits::beacon_addresses_max. Neither loopback nor the ends of tunnels, and of IPv6 no
/// link-local ones, which are of no use in another machine's address book. Empty where there is no
/// network.
[[nodiscard]] std::vector<LanAddress> lan_addresses();

}  // namespace starling::runtime
