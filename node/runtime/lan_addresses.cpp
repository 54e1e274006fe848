#include "node/runtime/lan_addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

#include "protocol/limits.h"

namespace starling::runtime {

namespace {

bool carries_multicast(unsigned flags) {
  constexpr unsigned wanted = IFF_UP | IFF_RUNNING | IFF_MULTICAST;
  return (flags & wanted) == wanted && (flags & (IFF_LOOPBACK | IFF_POINTOPOINT)) == 0;
}

std::optional<asio::ip::address> address_of(const sockaddr* socket_address) {
  if (socket_address->sa_family == AF_INET) {
    sockaddr_in four{};
    std::memcpy(&four, socket_address, sizeof four);
    return asio::ip::address_v4(ntohl(four.sin_addr.s_addr));
  }
  if (socket_address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 six{};
  std::memcpy(&six, socket_address, sizeof six);
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &six.sin6_addr, bytes.size());
  const asio::ip::address_v6 address(bytes);
  if (address.is_link_local()) return std::nullopt;
  return address;
}

}  // namespace

std::vector<LanAddress> lan_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, &::freeifaddrs);
  std::vector<LanAddress> found;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (found.size() == protocol::limits::beacon_addresses_max) break;
    if (entry->ifa_addr == nullptr || !carries_multicast(entry->ifa_flags)) continue;
    const auto address = address_of(entry->ifa_addr);
    if (!address) continue;
    const unsigned interface = ::if_nametoindex(entry->ifa_name);
    const bool is_another = std::ranges::any_of(found, [&](const LanAddress& known) {
      return known.interface == interface && known.address.is_v6() == address->is_v6();
    });
    if (interface != 0 && !is_another) found.push_back({*address, interface});
  }
  return found;
}

}  // namespace starling::runtime
