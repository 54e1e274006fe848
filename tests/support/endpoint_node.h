#pragma once
// Endpoints on loopback that keep what they hear, and a fixture that runs their network.

#include <gtest/gtest.h>

#include <array>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/runtime/endpoint.h"
#include "protocol/reject_reason.h"

namespace starling::runtime {

using asio::ip::tcp;

inline RunId run_named(std::uint8_t byte) {
  RunId run;
  run.bytes.fill(byte);
  return run;
}

inline crypto::Secret<32> secret_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> bytes;
  bytes.fill(byte);
  return crypto::Secret<32>(bytes);
}

/// An endpoint that keeps what it hears.
class EndpointNode {
 public:
  EndpointNode(asio::io_context& network, std::uint8_t key,
               std::optional<crypto::Secret<32>> psk = {}, RunId run = run_named(1),
               std::uint64_t incarnation = 1)
      : EndpointNode(network, std::move(*listen_on("127.0.0.1:0")),
                     {.run = run,
                      .key = crypto::SigningKey::from_seed(secret_of(key)),
                      .incarnation = incarnation,
                      .psk = psk,
                      .bulk = protocol::BulkBounds::all(64U << 20U)}) {}
  /// Another process of the node with this key.
  static std::unique_ptr<EndpointNode> process(asio::io_context& network, std::uint8_t key,
                                               std::uint64_t incarnation) {
    return std::make_unique<EndpointNode>(network, key, std::nullopt, run_named(1), incarnation);
  }
  EndpointNode(asio::io_context& network, EndpointOptions options)
      : EndpointNode(network, std::move(*listen_on("127.0.0.1:0")), std::move(options)) {}

  [[nodiscard]] protocol::PeerRecord record() const { return record_; }
  Endpoint& endpoint() { return endpoint_; }

  template <class T>
  [[nodiscard]] std::vector<const T*> heard() const {
    std::vector<const T*> found;
    for (const node::Input& input : inputs_) {
      if (const T* item = std::get_if<T>(&input)) found.push_back(item);
    }
    return found;
  }
  template <class T>
  [[nodiscard]] std::size_t count() const {
    return heard<T>().size();
  }
  [[nodiscard]] std::size_t rejected(protocol::RejectReason reason) const {
    std::size_t count = 0;
    for (const auto* rejected : heard<node::InputRejected>()) {
      if (rejected->reason == reason) ++count;
    }
    return count;
  }

 private:
  EndpointNode(asio::io_context& network, Listener listener, EndpointOptions options)
      : record_{options.key.id(), listener.address},
        endpoint_(network, std::move(listener), std::move(options),
                  [this](node::Input input) { inputs_.push_back(std::move(input)); }) {
    endpoint_.start();
  }

  protocol::PeerRecord record_;
  std::vector<node::Input> inputs_;
  Endpoint endpoint_;
};

class EndpointTest : public ::testing::Test {
 protected:
  /// Runs the network until `done`; a test whose condition never comes fails instead of hanging.
  template <class Done>
  void run_until(Done done) {
    while (!done())
      ASSERT_GT(network_.run_one_for(std::chrono::seconds(20)), 0U) << "nothing happens any more";
  }
  void connect(EndpointNode& dialler, EndpointNode& listener) {
    dialler.endpoint().connect(listener.record());
    run_until([&] {
      return dialler.count<node::PeerConnected>() == 1 &&
             listener.count<node::PeerConnected>() == 1;
    });
  }
  tcp::socket raw_connection_to(const EndpointNode& node) {
    tcp::socket socket(network_);
    const HostPort target = *parse_host_port(node.record().address);
    socket.connect(
        {asio::ip::make_address(target.host), static_cast<unsigned short>(std::stoi(target.port))});
    return socket;
  }

  asio::io_context network_;
  std::vector<tcp::socket> kept_;
};

}  // namespace starling::runtime
