#pragma once
// The runtime's sockets as a performer: endpoints on the loopback interface.

#include <asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>

#include "node/runtime/endpoint.h"
#include "node/runtime/listener.h"
#include "starling/check.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/performer.h"

namespace starling::testing {

class SocketPerformer final : public Performer {
 public:
  explicit SocketPerformer(std::size_t hosts) {
    make_ears(hosts);
    for (std::size_t i = 0; i < hosts; ++i) {
      auto listener = runtime::listen_on("127.0.0.1:0");
      STARLING_CHECK(listener.has_value());
      records_.push_back({key(i).id(), listener->address});
      endpoints_.push_back(endpoint(i, std::move(*listener)));
    }
  }

  [[nodiscard]] std::size_t hosts() const override { return endpoints_.size(); }
  [[nodiscard]] protocol::PeerRecord record(std::size_t index) const override {
    return records_[index];
  }
  void connect(std::size_t index, const protocol::PeerRecord& peer) override {
    endpoints_[index]->connect(peer);
  }
  void connect_over(std::size_t index, const protocol::PeerRecord& peer,
                    const NodeId& via) override {
    endpoints_[index]->connect(peer, protocol::PathKind::relayed, via);
  }
  void probe(std::size_t index, const protocol::PeerRecord& peer, std::uint64_t nonce) override {
    endpoints_[index]->probe(peer, nonce);
  }
  void disconnect(std::size_t index, const NodeId& peer, protocol::CloseReason reason) override {
    endpoints_[index]->disconnect(peer, reason);
  }
  void send(std::size_t index, const NodeId& peer, protocol::Message message) override {
    endpoints_[index]->send(peer, std::move(message));
  }
  void end(std::size_t index) override {
    endpoints_[index].reset();
    forget(index);
  }
  void start_again(std::size_t index) override {
    auto listener = runtime::listen_on(records_[index].address);
    STARLING_CHECK(listener.has_value());
    endpoints_[index] = endpoint(index, std::move(*listener));
  }
  [[nodiscard]] bool run_until(const std::function<bool()>& done) override {
    while (!done()) {
      if (network_.run_one_for(std::chrono::seconds(20)) == 0) return false;
    }
    return true;
  }

 private:
  static crypto::SigningKey key(std::size_t index) {
    return crypto::node_key(static_cast<std::uint8_t>(index + 1));
  }
  std::unique_ptr<runtime::Endpoint> endpoint(std::size_t index, runtime::Listener listener) {
    auto made = std::make_unique<runtime::Endpoint>(
        network_, std::move(listener),
        runtime::EndpointOptions{.run = crypto::run_of(1),
                                 .key = key(index),
                                 .bulk = protocol::BulkBounds::all(bulk_bytes_max)},
        [this, index](node::Input input) { hear(index, std::move(input)); });
    made->start();
    return made;
  }

  asio::io_context network_;
  std::vector<protocol::PeerRecord> records_;
  std::vector<std::unique_ptr<runtime::Endpoint>> endpoints_;
};

}  // namespace starling::testing
