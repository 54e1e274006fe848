#include "node/runtime/own_address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace starling::runtime {

namespace {

using Resolved = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

// Documentation addresses (RFC 5737, RFC 3849): only default routes lead there, and a connected UDP
// socket sends nothing.
constexpr std::array<std::string_view, 2> anywhere = {"192.0.2.1:9", "[2001:db8::1]:9"};

Resolved resolve_numeric(const HostPort& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int unresolved = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &first);
  return {unresolved == 0 ? first : nullptr, &::freeaddrinfo};
}

/// Nothing for addresses that no other machine can use: unspecified and link-local ones.
std::optional<std::string> useful_host(const sockaddr* address, socklen_t length) {
  if (address->sa_family == AF_INET6) {
    const auto& host = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    if (IN6_IS_ADDR_LINKLOCAL(&host) || IN6_IS_ADDR_UNSPECIFIED(&host)) return std::nullopt;
  }
  std::array<char, NI_MAXHOST> host{};
  if (::getnameinfo(address, length, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return std::nullopt;
  }
  const std::string_view name = host.data();
  if (name == "0.0.0.0" || name.starts_with("169.254.")) return std::nullopt;
  return std::string(name);
}

/// The host of this machine on the way to `destination`. A connected UDP socket asks the kernel's
/// routes and sends nothing.
std::optional<std::string> host_towards(const HostPort& destination) {
  const Resolved to = resolve_numeric(destination);
  if (!to) return std::nullopt;
  const FileDescriptor socket(::socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open() || ::connect(socket.get(), to->ai_addr, to->ai_addrlen) != 0) {
    return std::nullopt;
  }
  sockaddr_storage local{};
  socklen_t length = sizeof local;
  if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0) {
    return std::nullopt;
  }
  return useful_host(reinterpret_cast<sockaddr*>(&local), length);
}

bool is_v6_host(std::string_view host) {
  return host.find(':') != std::string_view::npos;
}

/// The hosts of one node, in order, without repetition.
class HostList {
 public:
  explicit HostList(bool takes_v6) : takes_v6_(takes_v6) {}

  void add(std::optional<std::string> host) {
    if (!host || is_full() || (is_v6_host(*host) && !takes_v6_)) return;
    if (std::ranges::find(hosts_, *host) == hosts_.end()) hosts_.push_back(std::move(*host));
  }
  [[nodiscard]] bool has_family(bool v6) const {
    return std::ranges::any_of(hosts_, [v6](const auto& host) { return is_v6_host(host) == v6; });
  }
  [[nodiscard]] bool is_full() const { return hosts_.size() >= addresses_per_node_max; }
  [[nodiscard]] const std::vector<std::string>& hosts() const { return hosts_; }

 private:
  bool takes_v6_;
  std::vector<std::string> hosts_;
};

/// One of each family that is still missing: a LAN needs no default route.
void add_from_interfaces(HostList& list) {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, &::freeifaddrs);
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const bool is_usable = entry->ifa_addr != nullptr && (entry->ifa_flags & IFF_UP) != 0 &&
                           (entry->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_usable) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    if (list.has_family(family == AF_INET6)) continue;
    list.add(useful_host(entry->ifa_addr,
                         family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in)));
  }
}

std::vector<std::string> own_hosts(bool takes_v6, std::span<const std::string> destinations) {
  HostList loopback(takes_v6);
  HostList list(takes_v6);
  for (const std::string& destination : destinations) {
    const auto addresses = parse_addresses(destination);
    if (!addresses) continue;
    for (const HostPort& address : *addresses) {
      std::optional<std::string> host = host_towards(address);
      (host && is_loopback_host(*host) ? loopback : list).add(std::move(host));
    }
  }
  // Whoever meets on one machine alone has no use for its other addresses.
  if (list.hosts().empty() && !loopback.hosts().empty()) return loopback.hosts();
  for (const std::string_view address : anywhere) list.add(host_towards(*parse_host_port(address)));
  add_from_interfaces(list);
  return list.hosts();
}

std::vector<std::string> texts_of(const std::string& text) {
  std::vector<std::string> texts;
  if (const auto addresses = parse_addresses(text)) {
    for (const HostPort& address : *addresses) {
      texts.push_back(address_text(address.host, address.port));
    }
  }
  return texts;
}

bool names_this_machine(const std::string& text) {
  const auto addresses = parse_addresses(text);
  return addresses && std::ranges::any_of(*addresses, [](const HostPort& address) {
           return is_own_host(address.host);
         });
}

}  // namespace

std::string announced_address(const std::string& listened_on,
                              std::span<const std::string> destinations) {
  const Result<HostPort> own = parse_host_port(listened_on);
  if (!own) return {};
  if (!is_wildcard(own->host)) return listened_on;
  std::vector<std::string> addresses;
  for (const std::string& host : own_hosts(is_v6_host(own->host), destinations)) {
    addresses.push_back(address_text(host, own->port));
  }
  return join_addresses(addresses);
}

std::string announced_address(const Listener& listener, std::span<const std::string> destinations) {
  return announced_address(listener.address, destinations);
}

std::string address_now(const std::string& listened_on, const AnnouncedAddress& announced,
                        std::span<const std::string> destinations) {
  if (announced.is_final || names_this_machine(announced.named)) return announced.named;
  const std::string own = announced_address(listened_on, destinations);
  if (own.empty() || announced.named.empty()) return own.empty() ? announced.named : own;
  std::vector<std::string> all = texts_of(own);
  for (std::string& named : texts_of(announced.named)) {
    const bool is_new = std::ranges::find(all, named) == all.end();
    if (is_new && all.size() < addresses_per_node_max) all.push_back(std::move(named));
  }
  return join_addresses(all);
}

bool same_addresses(const std::string& a, const std::string& b) {
  return std::ranges::is_permutation(texts_of(a), texts_of(b));
}

std::optional<std::string> outward_v4_host() {
  return host_towards(*parse_host_port(anywhere.front()));
}

bool is_private_host(std::string_view numeric_host) {
  const std::string host(numeric_host);
  std::array<std::uint8_t, 16> bytes{};
  if (::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return (bytes[0] & 0xFEU) == 0xFCU;
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) != 1) return false;
  const bool is_rfc1918 = bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xF0U) == 16) ||
                          (bytes[0] == 192 && bytes[1] == 168);
  const bool is_shared = bytes[0] == 100 && (bytes[1] & 0xC0U) == 64;
  return is_rfc1918 || is_shared;
}

bool is_loopback_host(std::string_view numeric_host) {
  return numeric_host.starts_with("127.") || numeric_host == "::1";
}

bool is_loopback_text(const std::string& text) {
  const auto addresses = parse_addresses(text);
  return addresses && std::ranges::all_of(*addresses, [](const HostPort& address) {
           return address.host == "localhost" || is_loopback_host(address.host);
         });
}

bool is_own_host(const std::string& numeric_host) {
  const Resolved host = resolve_numeric({numeric_host, "0"});
  if (!host) return false;
  const FileDescriptor socket(::socket(host->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket.is_open() && ::bind(socket.get(), host->ai_addr, host->ai_addrlen) == 0;
}

}  // namespace starling::runtime
