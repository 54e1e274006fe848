// Network: relayed links, carried hop by hop over the links to a relay.

#include <utility>
#include <vector>

#include "protocol/limits.h"
#include "protocol/wire/wire.h"
#include "sim/network.h"
#include "sim/wire_bytes.h"
#include "starling/check.h"

namespace starling::sim {

namespace {

using protocol::CloseReason;
using protocol::DialProblem;
using protocol::PathKind;
using FrameKind = Circuit::FrameKind;

Bytes number_bytes(std::uint32_t number) {
  Bytes bytes;
  for (unsigned shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
  return bytes;
}

std::uint32_t number_of(ByteSpan bytes) {
  STARLING_CHECK(bytes.size() == 4);
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;) number = number << 8U | bytes[i];
  return number;
}

}  // namespace

void Network::open_circuit(std::uint32_t from, const node::Connect& wish) {
  const std::uint32_t via = index_.contains(wish.via) ? host_of(from, wish.via) : from;
  const End* relay = open_end({from, via});
  if (relay == nullptr || relay->circuit) {
    return refuse(from, wish, DialProblem::unreachable, queue_.now());
  }
  const CircuitKey key{from, via, ++circuits_made_};
  circuits_[key].wish = wish;
  send(from, wish.via, protocol::CircuitOpen{circuits_made_, hosts_[from].id, wish.peer.id});
  circuits_[key].push(FrameKind::hello, number_bytes(from));
  queue_.schedule(queue_.now() + protocol::limits::handshake_time_max, [this, key] {
    const auto circuit = circuits_.find(key);
    if (circuit == circuits_.end() || circuit->second.is_open) return;
    end_circuit(key, DialProblem::timed_out, true);
  });
}

bool Network::take_circuit_message(std::uint32_t from, std::uint32_t to,
                                   const protocol::Message& message) {
  if (const auto* open = std::get_if<protocol::CircuitOpen>(&message)) {
    if (open->target != hosts_[to].id) return false;
    circuits_.try_emplace({to, from, open->circuit});
    return true;
  }
  const auto number = std::visit(
      [](const auto& kind) -> std::optional<std::uint64_t> {
        if constexpr (requires { kind.circuit; }) return kind.circuit;
        return std::nullopt;
      },
      message);
  const CircuitKey key{to, from, number.value_or(0)};
  const auto found = number ? circuits_.find(key) : circuits_.end();
  if (found == circuits_.end()) return false;
  if (const auto* credit = std::get_if<protocol::CircuitCredit>(&message)) {
    STARLING_CHECK(found->second.flow.granted(credit->bytes));
    pump(key);
  } else if (const auto* data = std::get_if<protocol::CircuitData>(&message)) {
    STARLING_CHECK(found->second.flow.received(data->data.size()));
    found->second.append(data->data);
    found->second.flow.taken(data->data.size());
    const std::uint64_t taken = found->second.flow.take_credit();
    if (taken > 0) send(to, hosts_[from].id, protocol::CircuitCredit{*number, taken});
    for (auto at = circuits_.find(key); at != circuits_.end(); at = circuits_.find(key)) {
      const auto frame = at->second.take_frame();
      if (!frame) break;
      on_frame(key, *frame);
    }
    tell_circuit_progress(key);
  } else {
    end_circuit(key, DialProblem::not_accepted, false);
  }
  return true;
}

void Network::on_frame(const CircuitKey& key, const Circuit::Frame& frame) {
  Circuit& circuit = circuits_.at(key);
  const std::uint32_t node = std::get<0>(key);
  switch (frame.kind) {
    case FrameKind::hello:
      circuit.other = number_of(frame.content);
      circuit.push(FrameKind::welcome, number_bytes(node));
      return pump(key);
    case FrameKind::welcome:
      circuit.other = number_of(frame.content);
      circuit.push(FrameKind::ready, number_bytes(node));
      return pump(key);
    case FrameKind::ready:
      return establish(key);
    case FrameKind::message:
      if (!circuit.is_open || circuit.is_closing) return;
      return deliver_message({circuit.other, node}, message_of(frame.content));
    case FrameKind::farewell: {
      if (!circuit.is_open || circuit.is_closing) return;
      const std::uint32_t other = circuit.other;
      end_circuit(key, DialProblem::not_accepted, true);
      return close_end(node, other, static_cast<CloseReason>(frame.content.front()));
    }
  }
}

/// The last word of the handshake has come to the end that was called.
void Network::establish(const CircuitKey& key) {
  const auto [to, via, number] = key;
  const std::uint32_t from = circuits_.at(key).other;
  const CircuitKey opener{from, via, number};
  const auto other = circuits_.find(opener);
  if (other == circuits_.end() || linked(from, to)) {
    return end_circuit(key, DialProblem::already_linked, true);
  }
  dials_.erase(key_of(from, *std::exchange(other->second.wish, std::nullopt)));
  other->second.is_open = true;
  circuits_.at(key).is_open = true;
  open(from, to, PathKind::relayed, opener, key);
}

/// As a session tells of bulk that takes its time.
void Network::tell_circuit_progress(const CircuitKey& key) {
  const auto at = circuits_.find(key);
  if (at == circuits_.end() || !at->second.is_open) return;
  const auto part = at->second.message_under_way();
  const auto header = part ? bulk_header_of(*part) : std::nullopt;
  if (!header) {
    at->second.progress_told_at = queue_.now();
  } else if (queue_.now() - at->second.progress_told_at >=
             protocol::limits::bulk_progress_interval) {
    at->second.progress_told_at = queue_.now();
    deliver_(std::get<0>(key),
             node::BulkProgressed{hosts_[at->second.other].id, header->kind, header->number});
  }
}

void Network::send_relayed(const CircuitKey& key, const protocol::Message& message,
                           const WireBytes& bytes) {
  if (is_of_merge(message)) hosts_[std::get<0>(key)].merge_bytes_sent += bytes.size();
  const bool is_bulk = std::holds_alternative<protocol::Bulk>(message);
  circuits_.at(key).push(FrameKind::message, framed(bytes), is_bulk);
  pump(key);
}

void Network::pump(const CircuitKey& key) {
  const auto [node, via, number] = key;
  for (auto at = circuits_.find(key); at != circuits_.end(); at = circuits_.find(key)) {
    Bytes piece = at->second.take_piece();
    if (piece.empty()) break;
    send(node, hosts_[via].id, protocol::CircuitData{number, std::move(piece)});
  }
  const auto rest = circuits_.find(key);
  if (rest == circuits_.end() || !rest->second.is_closing || rest->second.has_output()) return;
  end_circuit(key, DialProblem::not_accepted, true);
}

void Network::end_circuit(const CircuitKey& key, DialProblem problem, bool tells_relay) {
  auto ended = circuits_.extract(key);
  if (ended.empty()) return;
  const auto [node, via, number] = key;
  const Circuit& circuit = ended.mapped();
  if (tells_relay) {
    send(node, hosts_[via].id, protocol::CircuitClose{number, protocol::CircuitEnd::closed});
  }
  if (circuit.wish) return refuse(node, *circuit.wish, problem, queue_.now());
  const auto link = ends_.find({node, circuit.other});
  if (link == ends_.end() || link->second.circuit != key) return;
  link->second.circuit.reset();
  // The owner of the end is told by whoever ends the link, unless the circuit did.
  if (!tells_relay) close_end(node, circuit.other, CloseReason::connection_lost);
}

void Network::end_circuits_over(std::uint32_t node, std::uint32_t relay) {
  std::vector<CircuitKey> lost;
  for (auto at = circuits_.lower_bound({node, relay, 0}); at != circuits_.end(); ++at) {
    if (std::get<0>(at->first) != node || std::get<1>(at->first) != relay) break;
    lost.push_back(at->first);
  }
  for (const CircuitKey& key : lost) end_circuit(key, DialProblem::unreachable, false);
}

/// Its process ends: nobody hears of it from here.
void Network::forget_circuits_of(std::uint32_t node) {
  std::erase_if(circuits_, [node](const auto& entry) { return std::get<0>(entry.first) == node; });
}

}  // namespace starling::sim
