#pragma once
// The circuits that end at this node, by the relay that they go over.

#include <asio/io_context.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include "node/runtime/circuit.h"
#include "protocol/wire/message.h"
#include "starling/ids.h"

namespace starling::runtime {

class CircuitTable : public std::enable_shared_from_this<CircuitTable> {
 public:
  explicit CircuitTable(asio::io_context& network) : network_(network) {}

  [[nodiscard]] bool has_room(const NodeId& relay, std::uint64_t number) const;
  /// A new one. send: to the relay, as Circuit::Actions has it.
  [[nodiscard]] std::shared_ptr<Circuit> make(const NodeId& relay, std::uint64_t number,
                                              std::function<bool(protocol::Message)> send);
  /// True: the message was of a circuit of ours.
  bool take(const NodeId& relay, const protocol::Message& message);
  /// The link to the relay is gone.
  void end_over(const NodeId& relay);

 private:
  asio::io_context& network_;
  std::map<std::pair<NodeId, std::uint64_t>, std::shared_ptr<Circuit>> circuits_;
};

}  // namespace starling::runtime
