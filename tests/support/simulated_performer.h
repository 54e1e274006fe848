#pragma once
// The simulator's network as a performer.

#include <cstdint>
#include <vector>

#include "sim/event_queue.h"
#include "sim/link_model.h"
#include "sim/network.h"
#include "sim/trace.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/performer.h"

namespace starling::testing {

class SimulatedPerformer final : public Performer {
 public:
  explicit SimulatedPerformer(std::size_t hosts)
      : ids_(ids_of(hosts)),
        network_(queue_, trace_, sim::LinkModel({}, static_cast<std::uint32_t>(hosts), 1), ids_,
                 [this](std::uint32_t host, node::Input input) { hear(host, std::move(input)); }) {
    make_ears(hosts);
    for (std::size_t i = 0; i < hosts; ++i) start_again(i);
  }

  [[nodiscard]] std::size_t hosts() const override { return ids_.size(); }
  [[nodiscard]] protocol::PeerRecord record(std::size_t index) const override {
    return {ids_[index], sim::address_of(number(index))};
  }
  void connect(std::size_t index, const protocol::PeerRecord& peer) override {
    network_.connect(number(index), {.peer = peer, .path = protocol::PathKind::direct, .via = {}});
  }
  void connect_over(std::size_t index, const protocol::PeerRecord& peer,
                    const NodeId& via) override {
    network_.connect(number(index),
                     {.peer = peer, .path = protocol::PathKind::relayed, .via = via});
  }
  void probe(std::size_t index, const protocol::PeerRecord& peer, std::uint64_t nonce) override {
    network_.probe(number(index), {peer, nonce});
  }
  void disconnect(std::size_t index, const NodeId& peer, protocol::CloseReason reason) override {
    network_.disconnect(number(index), peer, reason);
  }
  void send(std::size_t index, const NodeId& peer, protocol::Message message) override {
    network_.send(number(index), peer, message);
  }
  void end(std::size_t index) override {
    network_.stop(number(index));
    forget(index);
  }
  void start_again(std::size_t index) override {
    network_.start(number(index), ++processes_, protocol::BulkBounds::all(bulk_bytes_max));
  }
  [[nodiscard]] bool run_until(const std::function<bool()>& done) override {
    while (!done()) {
      if (queue_.empty()) return false;
      queue_.run_next();
    }
    return true;
  }

 private:
  static std::uint32_t number(std::size_t index) { return static_cast<std::uint32_t>(index); }
  static std::vector<NodeId> ids_of(std::size_t hosts) {
    std::vector<NodeId> ids;
    for (std::size_t i = 0; i < hosts; ++i) {
      ids.push_back(crypto::node_key(static_cast<std::uint8_t>(i + 1)).id());
    }
    return ids;
  }

  sim::EventQueue queue_;
  sim::Trace trace_;
  std::uint64_t processes_ = 0;
  std::vector<NodeId> ids_;
  sim::Network network_;
};

}  // namespace starling::testing
