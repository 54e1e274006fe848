#include "node/runtime/listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>

namespace starling::runtime {

namespace {

// The kernel caps it at net.core.somaxconn (4096 since Linux 5.4).
constexpr int accept_backlog = 256;

Result<std::string> local_address(int fd) {
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    return system_error("use", "listening socket", errno);
  }
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  if (::getnameinfo(reinterpret_cast<sockaddr*>(&bound), length, host.data(), host.size(),
                    port.data(), port.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
    return invalid_input("the inherited descriptor is not a TCP socket");
  }
  const std::string name = host.data();
  const bool v6 = bound.ss_family == AF_INET6;
  return (v6 ? "[" + name + "]" : name) + ":" + port.data();
}

bool is_wildcard(std::string_view host) {
  return host == "0.0.0.0" || host == "::";
}

using Resolved = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<Resolved> resolve(const HostPort& address, int socket_type) {
  addrinfo hints{};
  hints.ai_socktype = socket_type;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* first = nullptr;
  const int unresolved = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &first);
  if (unresolved != 0) return invalid_input(::gai_strerror(unresolved));
  return Resolved(first, &::freeaddrinfo);
}

/// The host of this machine on the way to `destination`. A connected UDP socket asks the kernel's
/// routes and sends nothing.
std::optional<std::string> host_towards(std::string_view destination) {
  const Result<HostPort> parsed = parse_host_port(destination);
  if (!parsed) return std::nullopt;
  const Result<Resolved> resolved = resolve(*parsed, SOCK_DGRAM);
  if (!resolved) return std::nullopt;
  const addrinfo& first = **resolved;
  const FileDescriptor socket(::socket(first.ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || ::connect(socket.get(), first.ai_addr, first.ai_addrlen) != 0) {
    return std::nullopt;
  }
  const Result<std::string> local = local_address(socket.get());
  if (!local) return std::nullopt;
  return local->substr(0, local->rfind(':'));
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view address) {
  const std::size_t colon = address.rfind(':');
  const bool has_port = colon != std::string_view::npos && colon + 1 < address.size();
  std::string_view host = has_port ? address.substr(0, colon) : std::string_view{};
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const bool bare_v6 = !bracketed && host.find(':') != std::string_view::npos;
  if (host.empty() || bare_v6) {
    return invalid_input("address '" + std::string(address) +
                         "' is neither host:port nor [v6-address]:port");
  }
  // The resolver would take 99999 modulo 65536, and services by name.
  const std::string_view port = address.substr(colon + 1);
  std::uint16_t number = 0;
  const auto [end, problem] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (problem != std::errc{} || end != port.data() + port.size()) {
    return invalid_input("port of '" + std::string(address) + "' is '" + std::string(port) +
                         "', expected 0 to 65535");
  }
  return HostPort{std::string(host), std::string(port)};
}

Result<void> check_dialable(std::string_view address) {
  const Result<HostPort> parsed = parse_host_port(address);
  if (!parsed) return std::unexpected(parsed.error());
  if (!is_wildcard(parsed->host) && parsed->port.find_first_not_of('0') != std::string::npos) {
    return {};
  }
  return invalid_input("address '" + std::string(address) +
                       "' cannot be dialled; expected a host that others reach, and a port from 1");
}

Result<std::string> announced_address(const Listener& listener,
                                      std::span<const std::string> destinations) {
  const Result<HostPort> own = parse_host_port(listener.address);
  if (!own) return std::unexpected(own.error());
  if (!is_wildcard(own->host)) return listener.address;
  for (const std::string& destination : destinations) {
    if (const auto host = host_towards(destination)) return *host + ":" + own->port;
  }
  return invalid_input("nobody can dial " + listener.address +
                       "; expected an address HOST:PORT that others reach");
}

Result<Listener> listen_on(std::string_view address) {
  const Result<HostPort> parsed = parse_host_port(address);
  if (!parsed) return std::unexpected(parsed.error());
  const Result<Resolved> found = resolve(*parsed, SOCK_STREAM);
  if (!found) {
    return invalid_input("cannot listen on " + std::string(address) + ": " + found.error().message);
  }
  const addrinfo* resolved = found->get();
  FileDescriptor socket(
      ::socket(resolved->ai_family, SOCK_STREAM | SOCK_CLOEXEC, resolved->ai_protocol));
  // A node that restarts takes its port back at once, although old connections are still closing.
  const int reuse = 1;
  if (!socket.is_open() ||
      ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse) != 0 ||
      ::bind(socket.get(), resolved->ai_addr, resolved->ai_addrlen) != 0 ||
      ::listen(socket.get(), accept_backlog) != 0) {
    return system_error("listen on", address, errno);
  }
  Result<std::string> bound = local_address(socket.get());
  if (!bound) return std::unexpected(bound.error());
  return Listener{std::move(socket), std::move(*bound)};
}

Result<Listener> inherited_listener(int fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return invalid_input("descriptor " + std::to_string(fd) + " is not a listening socket");
  }
  Result<std::string> bound = local_address(fd);
  if (!bound) return std::unexpected(bound.error());
  return Listener{FileDescriptor(fd), std::move(*bound)};
}

}  // namespace starling::runtime
