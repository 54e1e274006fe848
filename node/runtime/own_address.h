#pragma once
// Under which addresses others can dial this machine, as far as the machine itself knows: what a
// router makes of them nobody here can see.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "node/runtime/listener.h"

namespace starling::runtime {

/// What others dial to reach the listener: its own address or, if it listens on every interface, up
/// to addresses_per_node_max addresses of this machine, the first ones those from which it would
/// reach `destinations`, then those on its default routes, then any of a family not yet named.
/// destinations: address texts; names in them are not looked up, which could take long.
/// Empty if this machine has no address but its own loopback.
[[nodiscard]] std::string announced_address(const Listener& listener,
                                            std::span<const std::string> destinations);

/// The same for a listener bound to `listened_on`, an address of Listener.
[[nodiscard]] std::string announced_address(const std::string& listened_on,
                                            std::span<const std::string> destinations);

struct AnnouncedAddress {
  /// An address text that the owner or the ticket names, or empty.
  std::string named = {};
  /// The owner's word for this machine: nothing else is announced.
  bool is_final = false;
};

/// The named addresses, if they are final or one of them is this machine's; otherwise this
/// machine's own ones, and after them the named ones, which may be a router's or a name.
/// listened_on: as Listener::address. Empty: there is no address at present.
[[nodiscard]] std::string address_now(const std::string& listened_on,
                                      const AnnouncedAddress& announced,
                                      std::span<const std::string> destinations);

/// True if the two texts name the same addresses, in whatever order.
[[nodiscard]] bool same_addresses(const std::string& a, const std::string& b);

/// This machine's IPv4 address on its default route; nothing without one.
[[nodiscard]] std::optional<std::string> outward_v4_host();

/// True for numeric hosts of local networks, which the internet does not know: RFC 1918, those of
/// a provider's translator (RFC 6598), unique local IPv6 (RFC 4193).
[[nodiscard]] bool is_private_host(std::string_view numeric_host);
[[nodiscard]] bool is_loopback_host(std::string_view numeric_host);
/// True for an address text that leads nowhere but to the machine that dials it.
[[nodiscard]] bool is_loopback_text(const std::string& text);

/// True if packets to this numeric host stay on this machine.
[[nodiscard]] bool is_own_host(const std::string& numeric_host);

}  // namespace starling::runtime
