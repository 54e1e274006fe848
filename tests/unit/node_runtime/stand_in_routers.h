#pragma once
// Routers of home networks as far as programs that want a port opened can see, on loopback.

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "node/runtime/file.h"

namespace starling::runtime::testing {

inline sockaddr_in loopback_endpoint(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) throw std::runtime_error(host);
  return address;
}

inline FileDescriptor bound_socket(int type, const std::string& host, std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = loopback_endpoint(host, port);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    throw std::runtime_error("cannot bind " + host + ":" + std::to_string(port));
  }
  return socket;
}

/// Runs until the end of its owner, which it asks for work again and again.
class ServingThread {
 public:
  template <class Serve>
  explicit ServingThread(Serve serve)
      : thread_([this, serve] {
          while (!ends_) serve();
        }) {}
  ServingThread(const ServingThread&) = delete;
  ServingThread& operator=(const ServingThread&) = delete;
  ~ServingThread() {
    ends_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> ends_ = false;
  std::thread thread_;
};

inline bool can_read(int socket) {
  pollfd wanted{.fd = socket, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 20) > 0;
}

/// NAT-PMP (RFC 6886).
class NatPmpRouter {
 public:
  struct Request {
    std::uint16_t inner = 0;
    std::uint16_t outer = 0;
    std::uint32_t seconds = 0;
    friend bool operator==(const Request&, const Request&) = default;
  };

  /// outer_port: what it opens, whatever is asked for; 0: it refuses.
  explicit NatPmpRouter(std::string outer_host, std::uint16_t outer_port)
      : outer_host_(std::move(outer_host)),
        outer_port_(outer_port),
        host_("127.53.51." + std::to_string(1 + ::getpid() % 250)),
        socket_(bound_socket(SOCK_DGRAM, host_, 5351)) {}

  [[nodiscard]] const std::string& host() const { return host_; }
  [[nodiscard]] std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    if (!can_read(socket_.get())) return;
    std::array<std::uint8_t, 64> request{};
    sockaddr_in client{};
    socklen_t length = sizeof client;
    if (::recvfrom(socket_.get(), request.data(), request.size(), 0,
                   reinterpret_cast<sockaddr*>(&client), &length) < 2) {
      return;
    }
    const auto answer = answer_to(request);
    ::sendto(socket_.get(), answer.data(), answer.size(), 0,
             reinterpret_cast<const sockaddr*>(&client), length);
  }

  std::vector<std::uint8_t> answer_to(const std::array<std::uint8_t, 64>& request) {
    std::vector<std::uint8_t> answer(request[1] == 0 ? 12 : 16);
    answer[1] = static_cast<std::uint8_t>(128 + request[1]);
    if (request[1] == 0) {
      const sockaddr_in outer = loopback_endpoint(outer_host_, 0);
      std::memcpy(answer.data() + 8, &outer.sin_addr, 4);
      return answer;
    }
    const auto short_at = [&](std::size_t i) {
      return static_cast<std::uint16_t>(request[i] << 8U | request[i + 1]);
    };
    const std::uint32_t seconds = static_cast<std::uint32_t>(short_at(8)) << 16U | short_at(10);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back({short_at(4), short_at(6), seconds});
    }
    if (outer_port_ == 0) answer[3] = 2;  // not authorised
    std::copy_n(request.begin() + 4, 2, answer.begin() + 8);
    answer[10] = static_cast<std::uint8_t>(outer_port_ >> 8U);
    answer[11] = static_cast<std::uint8_t>(outer_port_);
    std::copy_n(request.begin() + 8, 4, answer.begin() + 12);
    return answer;
  }

  std::string outer_host_;
  std::uint16_t outer_port_;
  std::string host_;
  FileDescriptor socket_;
  std::mutex mutex_;
  std::vector<Request> requests_;
  ServingThread thread_{[this] { serve(); }};
};

/// UPnP Internet Gateway Device: the search by multicast, its description, and the four actions
/// that a client of port mappings calls.
class UpnpRouter {
 public:
  /// taken: an outer port that is somebody else's.
  explicit UpnpRouter(std::string outer_host, std::uint16_t taken = 0,
                      bool only_permanent_leases = false)
      : outer_host_(std::move(outer_host)),
        taken_(taken),
        only_permanent_leases_(only_permanent_leases),
        search_(bound_socket(SOCK_DGRAM, "0.0.0.0", 1900)),
        listener_(bound_socket(SOCK_STREAM, "127.0.0.1", 0)) {
    ip_mreq group{};
    ::inet_pton(AF_INET, "239.255.255.250", &group.imr_multiaddr);
    ::inet_pton(AF_INET, "127.0.0.1", &group.imr_interface);
    ::setsockopt(search_.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group);
    ::listen(listener_.get(), 8);
  }

  /// Outer port to "inner host:inner port seconds".
  [[nodiscard]] std::map<std::uint16_t, std::string> mappings() {
    const std::lock_guard lock(mutex_);
    return mappings_;
  }

 private:
  static constexpr std::string_view service = "urn:schemas-upnp-org:service:WANIPConnection:1";
  static constexpr std::string_view device = "urn:schemas-upnp-org:device:InternetGatewayDevice:1";

  static std::uint16_t port_of(const FileDescriptor& socket) {
    sockaddr_in own{};
    socklen_t length = sizeof own;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length);
    return ntohs(own.sin_port);
  }

  void serve() {
    if (can_read(search_.get())) answer_search();
    if (can_read(listener_.get())) answer_request();
  }

  void answer_search() {
    std::array<char, 1024> text{};
    sockaddr_in client{};
    socklen_t length = sizeof client;
    const ssize_t count = ::recvfrom(search_.get(), text.data(), text.size(), 0,
                                     reinterpret_cast<sockaddr*>(&client), &length);
    const std::string_view query(text.data(),
                                 static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (!query.starts_with("M-SEARCH") || query.find(device) == std::string_view::npos) return;
    const std::string answer = "HTTP/1.1 200 OK\r\nST: " + std::string(device) +
                               "\r\nUSN: uuid:1::" + std::string(device) +
                               "\r\nLOCATION: http://127.0.0.1:" + std::to_string(port_) +
                               "/root.xml\r\n\r\n";
    ::sendto(search_.get(), answer.data(), answer.size(), 0,
             reinterpret_cast<const sockaddr*>(&client), length);
  }

  void answer_request() {
    const FileDescriptor client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const std::string request = read_request(client.get());
    const auto [status, body] =
        request.starts_with("GET") ? std::pair{200, description()} : action_answer(request);
    const std::string answer = "HTTP/1.1 " + std::to_string(status) +
                               " X\r\nContent-Type: text/xml\r\nConnection: close\r\n"
                               "Content-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body;
    ::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
  }

  static std::string read_request(int client) {
    std::string text;
    std::array<char, 2048> buffer{};
    while (!is_whole(text)) {
      const ssize_t count = ::recv(client, buffer.data(), buffer.size(), 0);
      if (count <= 0) break;
      text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  static bool is_whole(const std::string& text) {
    const std::size_t end = text.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const std::size_t length = text.find("Content-Length: ");
    if (length == std::string::npos) return true;
    return text.size() >= end + 4 + std::stoul(text.substr(length + 16));
  }

  static std::string description() {
    return "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\">"
           "<specVersion><major>1</major><minor>0</minor></specVersion><device><deviceType>" +
           std::string(device) +
           "</deviceType><deviceList><device>"
           "<deviceType>urn:schemas-upnp-org:device:WANDevice:1</deviceType>"
           "<deviceList><device>"
           "<deviceType>urn:schemas-upnp-org:device:WANConnectionDevice:1</deviceType>"
           "<serviceList><service><serviceType>" +
           std::string(service) +
           "</serviceType><serviceId>urn:upnp-org:serviceId:WANIPConn1</serviceId>"
           "<controlURL>/control</controlURL><eventSubURL>/event</eventSubURL>"
           "<SCPDURL>/scpd.xml</SCPDURL></service></serviceList>"
           "</device></deviceList></device></deviceList></device></root>";
  }

  /// The text of <NAME>...</NAME>.
  static std::string argument(const std::string& request, const std::string& name) {
    const std::size_t begin = request.find("<" + name + ">");
    if (begin == std::string::npos) return {};
    const std::size_t from = begin + name.size() + 2;
    return request.substr(from, request.find("</", from) - from);
  }

  std::pair<int, std::string> action_answer(const std::string& request) {
    const auto calls = [&](const char* name) {
      return request.find("#" + std::string(name)) != std::string::npos;
    };
    if (calls("GetStatusInfo")) {
      return success("GetStatusInfo",
                     "<NewConnectionStatus>Connected</NewConnectionStatus>"
                     "<NewLastConnectionError></NewLastConnectionError>"
                     "<NewUptime>60</NewUptime>");
    }
    if (calls("GetExternalIPAddress")) {
      return success("GetExternalIPAddress",
                     "<NewExternalIPAddress>" + outer_host_ + "</NewExternalIPAddress>");
    }
    if (calls("AddPortMapping")) return add(request);
    if (!calls("DeletePortMapping")) return fault(401);
    const std::lock_guard lock(mutex_);
    mappings_.erase(static_cast<std::uint16_t>(std::stoul(argument(request, "NewExternalPort"))));
    return success("DeletePortMapping", "");
  }

  std::pair<int, std::string> add(const std::string& request) {
    const auto outer = static_cast<std::uint16_t>(std::stoul(argument(request, "NewExternalPort")));
    const std::string seconds = argument(request, "NewLeaseDuration");
    if (outer == taken_) return fault(718);
    if (only_permanent_leases_ && seconds != "0") return fault(725);
    const std::lock_guard lock(mutex_);
    mappings_[outer] = argument(request, "NewInternalClient") + ":" +
                       argument(request, "NewInternalPort") + " " + seconds;
    return success("AddPortMapping", "");
  }

  static std::pair<int, std::string> success(const std::string& action, const std::string& body) {
    return {200,
            "<?xml version=\"1.0\"?><s:Envelope "
            "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><u:" +
                action + "Response xmlns:u=\"" + std::string(service) + "\">" + body +
                "</u:" + action + "Response></s:Body></s:Envelope>"};
  }
  static std::pair<int, std::string> fault(int code) {
    return {500,
            "<?xml version=\"1.0\"?><s:Envelope "
            "xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><s:Fault>"
            "<faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
            "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\"><errorCode>" +
                std::to_string(code) +
                "</errorCode><errorDescription>x</errorDescription></UPnPError></detail>"
                "</s:Fault></s:Body></s:Envelope>"};
  }

  std::string outer_host_;
  std::uint16_t taken_;
  bool only_permanent_leases_;
  FileDescriptor search_;
  FileDescriptor listener_;
  std::uint16_t port_ = port_of(listener_);
  std::mutex mutex_;
  std::map<std::uint16_t, std::string> mappings_;
  ServingThread thread_{[this] { serve(); }};
};

}  // namespace starling::runtime::testing
