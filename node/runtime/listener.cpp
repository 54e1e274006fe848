#include "node/runtime/listener.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>

namespace starling::runtime {

namespace {

// The kernel caps it at net.core.somaxconn (4096 since Linux 5.4).
constexpr int accept_backlog = 256;

Result<std::string> bound_address(int fd) {
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
  return address_text(host.data(), port.data());
}

using Resolved = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Result<Resolved> resolve(const std::string& host, const std::string& port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int unresolved = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &first);
  if (unresolved != 0) return invalid_input(::gai_strerror(unresolved));
  return Resolved(first, &::freeaddrinfo);
}

bool set_option(int fd, int level, int option, int value) {
  return ::setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/// Sets errno.
FileDescriptor listening_socket(const addrinfo& at) {
  FileDescriptor socket(::socket(at.ai_family, SOCK_STREAM | SOCK_CLOEXEC, at.ai_protocol));
  // A node that restarts takes its port back at once, although old connections are still closing.
  const bool listens =
      socket.is_open() && set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1) &&
      (at.ai_family != AF_INET6 || set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0)) &&
      ::bind(socket.get(), at.ai_addr, at.ai_addrlen) == 0 &&
      ::listen(socket.get(), accept_backlog) == 0 &&
      // Only now: two listeners that both had it from the start would share the port in silence.
      set_option(socket.get(), SOL_SOCKET, SO_REUSEPORT, 1);
  return listens ? std::move(socket) : FileDescriptor();
}

/// Of a kernel without IPv6, or with IPv6 switched off.
bool lacks_family(int error_number) {
  return error_number == EAFNOSUPPORT || error_number == EADDRNOTAVAIL;
}

Result<Listener> listen_on_host(const std::string& host, const std::string& port,
                                std::string_view shown) {
  const Result<Resolved> found = resolve(host, port);
  if (!found) {
    return invalid_input("cannot listen on " + std::string(shown) + ": " + found.error().message);
  }
  FileDescriptor socket = listening_socket(**found);
  if (!socket.is_open()) {
    const int problem = errno;
    if (host == "::" && lacks_family(problem)) return listen_on_host("0.0.0.0", port, shown);
    return system_error("listen on", shown, problem);
  }
  Result<std::string> bound = bound_address(socket.get());
  if (!bound) return std::unexpected(bound.error());
  return Listener{std::move(socket), std::move(*bound)};
}

}  // namespace

Result<Listener> listen_on(std::string_view address) {
  const Result<HostPort> parsed = parse_host_port(address);
  if (!parsed) return std::unexpected(parsed.error());
  return listen_on_host(parsed->host == "*" ? "::" : parsed->host, parsed->port, address);
}

Result<SteadyListener> listen_steadily(std::string_view address, const Store& store) {
  const Result<HostPort> wanted = parse_host_port(address);
  if (!wanted) return std::unexpected(wanted.error());
  std::string warning;
  const std::optional<std::uint16_t> kept = store.load_port();
  if (kept && wanted->port_number() == 0) {
    auto again = listen_on(address_text(wanted->host, std::to_string(*kept)));
    if (again) return SteadyListener{std::move(*again), {}};
    warning =
        again.error().message + "; taking another port than before, which the others have to learn";
  }
  auto listener = listen_on(address);
  if (!listener) return std::unexpected(listener.error());
  return SteadyListener{std::move(*listener), std::move(warning)};
}

Result<Listener> inherited_listener(int fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0 || listening == 0) {
    return invalid_input("descriptor " + std::to_string(fd) + " is not a listening socket");
  }
  Result<std::string> bound = bound_address(fd);
  if (!bound) return std::unexpected(bound.error());
  return Listener{FileDescriptor(fd), std::move(*bound)};
}

}  // namespace starling::runtime
