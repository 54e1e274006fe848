#include "node/runtime/circuit_table.h"

#include <algorithm>
#include <optional>
#include <variant>
#include <vector>

#include "protocol/limits.h"

namespace starling::runtime {

namespace {

/// The circuit that a message is about; nothing: it is about something else.
std::optional<std::uint64_t> circuit_of(const protocol::Message& message) {
  return std::visit(
      [](const auto& kind) -> std::optional<std::uint64_t> {
        if constexpr (requires { kind.circuit; }) return kind.circuit;
        return std::nullopt;
      },
      message);
}

}  // namespace

bool CircuitTable::has_room(const NodeId& relay, std::uint64_t number) const {
  const auto of_relay = std::ranges::count_if(
      circuits_, [&](const auto& entry) { return entry.first.first == relay; });
  return static_cast<std::size_t>(of_relay) < protocol::limits::circuits_max &&
         !circuits_.contains({relay, number});
}

std::shared_ptr<Circuit> CircuitTable::make(const NodeId& relay, std::uint64_t number,
                                            std::function<bool(protocol::Message)> send) {
  const std::pair key{relay, number};
  auto closed = [self = weak_from_this(), key] {
    if (const auto table = self.lock()) table->circuits_.erase(key);
  };
  auto circuit = std::make_shared<Circuit>(
      network_, number, Circuit::Actions{.send = std::move(send), .closed = std::move(closed)});
  circuits_[key] = circuit;
  return circuit;
}

bool CircuitTable::take(const NodeId& relay, const protocol::Message& message) {
  const auto number = circuit_of(message);
  const auto found = number ? circuits_.find({relay, *number}) : circuits_.end();
  if (found == circuits_.end()) return false;
  const std::shared_ptr<Circuit> circuit = found->second;
  if (const auto* data = std::get_if<protocol::CircuitData>(&message)) {
    circuit->received(data->data);
  } else if (const auto* credit = std::get_if<protocol::CircuitCredit>(&message)) {
    circuit->granted(credit->bytes);
  } else if (std::holds_alternative<protocol::CircuitClose>(message)) {
    circuit->ended();
  }
  return true;
}

void CircuitTable::end_over(const NodeId& relay) {
  std::vector<std::shared_ptr<Circuit>> lost;
  for (const auto& [key, circuit] : circuits_) {
    if (key.first == relay) lost.push_back(circuit);
  }
  for (const auto& circuit : lost) circuit->ended();
}

}  // namespace starling::runtime
