#pragma once
// A listening TCP socket, made before anything runs on it: so a taken port is an error at the
// start, and a parent can open the sockets of its children and tell all of them all addresses.

#include <span>
#include <string>
#include <string_view>

#include "node/runtime/file.h"
#include "starling/result.h"

namespace starling::runtime {

struct HostPort {
  std::string host;  ///< Without brackets.
  std::string port;
};

/// Splits "host:port" or "[v6]:port". Error: names the text seen and the forms allowed.
[[nodiscard]] Result<HostPort> parse_host_port(std::string_view address);

/// Error: not an address that others can dial: no host:port, port 0, or a wildcard host.
[[nodiscard]] Result<void> check_dialable(std::string_view address);

struct Listener {
  FileDescriptor socket;
  std::string address;  ///< As bound: numeric host and the port chosen.
};

/// address: "host:port"; port 0 lets the system choose. Error: names the address and the cause.
[[nodiscard]] Result<Listener> listen_on(std::string_view address);

/// What others dial to reach the listener: its own address or, if it listens on all interfaces, the
/// host from which this machine would reach the first of `destinations` that has a route.
/// Error: listens on all interfaces and there is no route; says to name an address.
[[nodiscard]] Result<std::string> announced_address(const Listener& listener,
                                                    std::span<const std::string> destinations);

/// Takes over a socket that the parent process opened with listen_on(). Error: not such a socket.
[[nodiscard]] Result<Listener> inherited_listener(int fd);

}  // namespace starling::runtime
