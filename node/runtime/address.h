#pragma once
// Where nodes are dialled, as text: "host:port" or "[v6-address]:port"; a machine with several
// addresses names up to three of them, separated by commas.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.h"
#include "starling/result.h"

namespace starling::runtime {

struct HostPort {
  std::string host;  ///< Without brackets.
  std::string port;  ///< A number from 0 to 65535.

  [[nodiscard]] std::uint16_t port_number() const;
};

using protocol::limits::addresses_per_node_max;

/// Splits "host:port" or "[v6]:port". Error: names the text seen and the forms allowed.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view address);

/// Splits an address text into the addresses that it lists, in order.
/// Error: one of them is none, or they are more than addresses_per_node_max.
[[nodiscard]] Result<std::vector<HostPort>> parse_addresses(std::string_view text);

/// The inverse of parse_host_port().
[[nodiscard]] std::string address_text(std::string_view host, std::string_view port);

/// The inverse of parse_addresses(). addresses: as address_text() makes them.
[[nodiscard]] std::string join_addresses(std::span<const std::string> addresses);

/// True for 0.0.0.0, :: and *, which name no machine but "every interface of this one".
[[nodiscard]] bool is_wildcard(std::string_view host);

/// Error: not an address text that others can dial: no host:port, port 0, or a wildcard host.
[[nodiscard]] Result<void> check_dialable(std::string_view text);

}  // namespace starling::runtime
