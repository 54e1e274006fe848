#include <arpa/inet.h>
#include <natpmp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "node/runtime/gateway.h"
#include "node/runtime/platform.h"

namespace starling::runtime {

namespace {

using namespace std::chrono_literals;

// The library asks after 250 ms, 500 ms, 1 s again: a router of the local network that has not
// answered the third request does not speak it.
constexpr Duration answer_time_max = 1600ms;
// At the end of the program the request is sent, and its answer hardly waited for.
constexpr Duration farewell_time_max = 500ms;

/// The library's conversation with the router, a socket.
class Conversation {
 public:
  explicit Conversation(const std::string& router) {
    const bool is_named = !router.empty();
    const in_addr_t address = is_named ? ::inet_addr(router.c_str()) : 0;
    is_open_ = ::initnatpmp(&state_, is_named ? 1 : 0, address) == 0;
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (is_open_) ::closenatpmp(&state_);
  }

  [[nodiscard]] std::optional<std::string> outer_host() {
    if (!is_open_ || ::sendpublicaddressrequest(&state_) < 0) return std::nullopt;
    const auto answer = await_answer(NATPMP_RESPTYPE_PUBLICADDRESS, answer_time_max);
    if (!answer) return std::nullopt;
    std::array<char, INET_ADDRSTRLEN> text{};
    if (::inet_ntop(AF_INET, &answer->pnu.publicaddress.addr, text.data(), text.size()) ==
        nullptr) {
      return std::nullopt;
    }
    return text.data();
  }

  /// lease_seconds 0: closes it.
  [[nodiscard]] std::optional<natpmpresp_t> map(std::uint16_t inner, std::uint16_t outer,
                                                std::uint32_t lease_seconds) {
    if (!is_open_ || ::sendnewportmappingrequest(&state_, NATPMP_PROTOCOL_TCP, inner, outer,
                                                 lease_seconds) < 0) {
      return std::nullopt;
    }
    return await_answer(NATPMP_RESPTYPE_TCPPORTMAPPING,
                        lease_seconds == 0 ? farewell_time_max : answer_time_max);
  }

 private:
  std::optional<natpmpresp_t> await_answer(std::uint16_t type, Duration time_max) {
    const Instant deadline = monotonic_now() + time_max;
    natpmpresp_t answer{};
    int result = NATPMP_TRYAGAIN;
    while (result == NATPMP_TRYAGAIN && monotonic_now() < deadline) {
      wait(deadline - monotonic_now());
      result = ::readnatpmpresponseorretry(&state_, &answer);
    }
    if (result != 0 || answer.type != type) return std::nullopt;
    return answer;
  }

  void wait(Duration time_max) {
    timeval pause{};
    static_cast<void>(::getnatpmprequesttimeout(&state_, &pause));
    const auto until_retry =
        std::chrono::seconds(pause.tv_sec) + std::chrono::microseconds(pause.tv_usec);
    const Duration shortest = std::min<Duration>(until_retry, time_max);
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(shortest).count();
    pollfd socket{.fd = state_.s, .events = POLLIN, .revents = 0};
    static_cast<void>(::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(ms, 1))));
  }

  natpmp_t state_{};
  bool is_open_ = false;
};

class NatPmpGateway final : public Gateway {
 public:
  explicit NatPmpGateway(std::string router) : router_(std::move(router)) {}

  std::string_view name() const override { return "NAT-PMP"; }

  /// The router opens the port for whoever asks, so that `inner_host` needs no naming.
  std::optional<OpenedPort> open(const std::string&, std::uint16_t port) override {
    Conversation conversation(router_);
    auto host = conversation.outer_host();
    if (!host) return std::nullopt;
    constexpr auto lease = std::chrono::duration_cast<std::chrono::seconds>(port_lease).count();
    const std::uint16_t wanted = outer_port_ == 0 ? port : outer_port_;
    const auto answer = conversation.map(port, wanted, static_cast<std::uint32_t>(lease));
    if (!answer) return std::nullopt;
    const auto& granted = answer->pnu.newportmapping;
    if (granted.mappedpublicport == 0 || granted.lifetime == 0) return std::nullopt;
    inner_port_ = port;
    outer_port_ = granted.mappedpublicport;
    return OpenedPort{std::move(*host), outer_port_, std::chrono::seconds(granted.lifetime)};
  }

  void close() override {
    if (std::exchange(outer_port_, 0) == 0) return;
    static_cast<void>(Conversation(router_).map(inner_port_, 0, 0));
  }

 private:
  std::string router_;
  std::uint16_t inner_port_ = 0;
  std::uint16_t outer_port_ = 0;  ///< 0: nothing is open.
};

}  // namespace

std::unique_ptr<Gateway> natpmp_gateway(std::string router) {
  return std::make_unique<NatPmpGateway>(std::move(router));
}

Gateways all_gateways() {
  Gateways gateways;
  gateways.push_back(natpmp_gateway());
  gateways.push_back(upnp_gateway());
  return gateways;
}

}  // namespace starling::runtime
