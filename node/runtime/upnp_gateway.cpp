#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "node/runtime/address.h"
#include "node/runtime/gateway.h"
#include "node/runtime/own_address.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

using namespace std::chrono_literals;

// Devices have this long to answer each of four searches; the library's requests end after 5 s.
constexpr int search_ms = 1000;
constexpr std::size_t devices_max = 4;  // looked at; our guess
constexpr int other_ports_tried = 3;    // where the wanted one is somebody else's; our guess
// UPnP Device Architecture, WANIPConnection:1, table of errors.
constexpr int conflict_in_mapping_entry = 718;
constexpr int only_permanent_leases_supported = 725;

/// Of "http://HOST[:PORT]/...".
std::optional<std::string> host_of(const std::string& url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string::npos) return std::nullopt;
  const std::size_t end = std::min(url.find('/', begin + 3), url.size());
  const std::string place = url.substr(begin + 3, end - begin - 3);
  const auto parsed = parse_host_port(place.find(':') == std::string::npos ? place + ":80" : place);
  if (!parsed) return std::nullopt;
  return parsed->host;
}

/// Anybody on the local network may answer the search, and name any address for us to ask: only
/// those of local networks are.
bool is_on_local_network(const char* url) {
  const auto host = url == nullptr ? std::nullopt : host_of(url);
  return host && (is_private_host(*host) || is_loopback_host(*host));
}

/// A device that opens ports, as it describes itself.
class Device {
 public:
  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() { release(); }

  [[nodiscard]] bool is_found() const { return is_found_; }

  /// Asks the device at `description_url` what it is.
  bool find(const char* description_url) {
    release();
    std::array<char, 64> own_host{};
    is_found_ = ::UPNP_GetIGDFromUrl(description_url, &urls_, &data_, own_host.data(),
                                     static_cast<int>(own_host.size())) == 1;
    if (is_found_ && (!is_on_local_network(urls_.controlURL) || !is_connected())) release();
    return is_found_;
  }

  [[nodiscard]] std::optional<std::string> outer_host() const {
    std::array<char, 64> host{};
    const int error =
        ::UPNP_GetExternalIPAddress(urls_.controlURL, data_.first.servicetype, host.data());
    if (error != UPNPCOMMAND_SUCCESS || host[0] == '\0') return std::nullopt;
    return host.data();
  }

  /// The library's error.
  [[nodiscard]] int add(std::uint16_t outer, std::uint16_t inner, const std::string& inner_host,
                        std::int64_t lease_seconds) const {
    return ::UPNP_AddPortMapping(urls_.controlURL, data_.first.servicetype,
                                 std::to_string(outer).c_str(), std::to_string(inner).c_str(),
                                 inner_host.c_str(), "Starling", "TCP", nullptr,
                                 std::to_string(lease_seconds).c_str());
  }

  void remove(std::uint16_t outer) const {
    ::UPNP_DeletePortMapping(urls_.controlURL, data_.first.servicetype,
                             std::to_string(outer).c_str(), "TCP", nullptr);
  }

  void release() {
    if (std::exchange(is_found_, false)) ::FreeUPNPUrls(&urls_);
  }

 private:
  bool is_connected() { return ::UPNPIGD_IsConnected(&urls_, &data_) == 1; }

  UPNPUrls urls_{};
  IGDdatas data_{};
  bool is_found_ = false;
};

class UpnpGateway final : public Gateway {
 public:
  std::string_view name() const override { return "UPnP"; }

  std::optional<OpenedPort> open(const std::string& inner_host, std::uint16_t port) override {
    // The device of last time is asked without a search; one that is gone does not answer.
    if (device_.is_found()) {
      if (auto opened = open_at_device(inner_host, port)) return opened;
    }
    search(inner_host);
    return device_.is_found() ? open_at_device(inner_host, port) : std::nullopt;
  }

  void close() override {
    const std::uint16_t opened = std::exchange(outer_port_, 0);
    if (opened != 0 && device_.is_found()) device_.remove(opened);
  }

 private:
  void search(const std::string& inner_host) {
    device_.release();
    int error = 0;
    UPNPDev* const devices =
        ::upnpDiscover(search_ms, inner_host.c_str(), nullptr, UPNP_LOCAL_PORT_ANY, 0, 2, &error);
    std::size_t count = 0;
    for (const UPNPDev* each = devices; each != nullptr && count < devices_max;
         each = each->pNext, ++count) {
      if (is_on_local_network(each->descURL) && device_.find(each->descURL)) break;
    }
    if (devices != nullptr) ::freeUPNPDevlist(devices);
  }

  std::optional<OpenedPort> open_at_device(const std::string& inner_host, std::uint16_t port) {
    auto host = device_.outer_host();
    if (!host) return std::nullopt;
    std::uint16_t outer = outer_port_ == 0 ? port : outer_port_;
    int error = add(outer, port, inner_host);
    for (int i = 0; i < other_ports_tried && error == conflict_in_mapping_entry; ++i) {
      outer = some_port();
      error = add(outer, port, inner_host);
    }
    if (error != UPNPCOMMAND_SUCCESS) return std::nullopt;
    outer_port_ = outer;
    return OpenedPort{std::move(*host), outer, port_lease};
  }

  int add(std::uint16_t outer, std::uint16_t inner, const std::string& inner_host) {
    constexpr auto lease = std::chrono::duration_cast<std::chrono::seconds>(port_lease).count();
    const int error = device_.add(outer, inner, inner_host, lease);
    // It is closed at the end of the program then, unless that is killed.
    if (error != only_permanent_leases_supported) return error;
    return device_.add(outer, inner, inner_host, 0);
  }

  /// Of those that nobody has assigned (RFC 6335).
  static std::uint16_t some_port() {
    constexpr std::uint16_t first = 49152;
    return static_cast<std::uint16_t>(first + random_nonzero() % (65536U - first));
  }

  Device device_;
  std::uint16_t outer_port_ = 0;  ///< 0: nothing is open.
};

}  // namespace

std::unique_ptr<Gateway> upnp_gateway() {
  return std::make_unique<UpnpGateway>();
}

}  // namespace starling::runtime
