// NodeParts: by which path peers are reached, and where others can dial this node.

#include <utility>

#include "node/core/node_parts.h"
#include "protocol/overload.h"

namespace starling::node {

namespace {

using protocol::Overload;
using protocol::PathKind;

/// Where it is to be dialled, the path book has not said yet.
bool is_open_question(const protocol::Dial& dial) {
  return dial.peer.id != NodeId{} && (dial.path == PathKind::unknown || dial.path == PathKind::lan);
}

}  // namespace

void NodeParts::note_link(const PeerConnected& input, Turn& turn) {
  const NodeId& id = input.peer.id;
  const bool is_plain = !input.dialled_by_us && input.path == PathKind::direct;
  const PathKind path = is_plain ? paths_.path_of_accepted(id) : input.path;
  const std::string seen_at = path == PathKind::relayed ? std::string() : input.seen_at;
  links_[id] = path;
  paths_.link_up(id, path, seen_at, turn.now);
  relay_.link_up(id, path);
  own_reach_.link_up(id, seen_at, turn.effects);
}

void NodeParts::on(AddressChanged&& input, Turn&) {
  own_reach_.moved(std::move(input.address));
  paths_.moved();
}

void NodeParts::on(AddressMapped&& input, Turn& turn) {
  own_reach_.mapped(input.address, input.is_up, turn.now);
}

void NodeParts::on(LanContact&& input, Turn& turn) {
  membership_.lan_contact(input.peer, turn.now, turn.effects);
}

void NodeParts::on(AddressProbed&& input, Turn& turn) {
  own_reach_.probed(input.peer, input.nonce, input.is_reached, turn.effects);
}

void NodeParts::on_reach(const NodeId& peer, const protocol::Message& message, Turn& turn) {
  const auto relayed = [&](const auto& m) {
    judge(peer, relay_.receive(peer, m, turn.now, turn.effects), turn);
  };
  std::visit(
      Overload{[&](const protocol::ObservedAddress& m) { own_reach_.receive(peer, m, turn.now); },
               [&](const protocol::DialBackRequest& m) {
                 own_reach_.receive(peer, m, turn.now, turn.effects);
               },
               [&](const protocol::DialBackReply& m) { own_reach_.receive(peer, m, turn.now); },
               [&](const protocol::Rendezvous& m) {
                 judge(peer, paths_.receive(peer, m, address_of(m.origin), turn.now, turn.effects),
                       turn);
               },
               [&](const protocol::CircuitOpen& m) { relayed(m); },
               [&](const protocol::CircuitData& m) { relayed(m); },
               [&](const protocol::CircuitCredit& m) { relayed(m); },
               [&](const protocol::CircuitClose& m) { relay_.receive(peer, m, turn.effects); },
               [](const auto&) {}},
      message);
}

void NodeParts::tick_paths(Turn& turn) {
  paths_.tick(turn.now, turn.effects);
  own_reach_.tick(turn.now, turn.effects);
  relay_.tick(turn.now, turn.effects);
  for (const NodeId& peer : paths_.take_upgrades(turn.now)) {
    const auto record = membership_.find(peer);
    if (!record) continue;
    paths_.want(*record, PathKind::direct, reach_of(peer), turn.now, turn.effects);
  }
}

/// Membership says whom it wants to be linked with, the path book how. What cannot be reached is
/// told at once, and may lead to further wishes; each peer rests after that, so that this ends.
void NodeParts::choose_paths(Turn& turn) {
  bool goes_on = true;
  while (goes_on) {
    protocol::Effects chosen;
    for (protocol::Effect& effect : std::exchange(turn.effects.items, {})) {
      const auto* dial = std::get_if<protocol::Dial>(&effect);
      if (dial == nullptr || !is_open_question(*dial)) {
        chosen.items.push_back(std::move(effect));
        continue;
      }
      const PathKind first = dial->path == PathKind::lan ? PathKind::lan : PathKind::direct;
      paths_.want(dial->peer, first, reach_of(dial->peer.id), turn.now, chosen);
    }
    goes_on = false;
    for (const protocol::PeerRecord& peer : paths_.take_given_up()) {
      const std::size_t before = turn.effects.items.size();
      membership_.dial_failed(peer, turn.now, turn.effects);
      goes_on = goes_on || turn.effects.items.size() > before;
    }
    std::move(turn.effects.items.begin(), turn.effects.items.end(),
              std::back_inserter(chosen.items));
    turn.effects = std::move(chosen);
  }
}

/// Another address is told at once, also to those who are linked: they dial it after the next loss.
/// Whether it can be dialled has time until the next word of this node.
void NodeParts::follow_own_reach(Turn& turn) {
  if (!own_reach_.take_change()) return;
  paths_.set_own_reach(own_reach_.reach());
  std::string address = own_reach_.announced();
  if (address == config_.self.address) return;
  config_.self.address = address;
  membership_.set_self_address(std::move(address));
  if (presence_at_ == Instant::never()) return;
  presence_announced_at_ = Instant::never();
  presence_at_ = turn.now;
}

/// As the peer itself says.
protocol::Reach NodeParts::reach_of(const NodeId& peer) const {
  const RollEntry* entry = roll_.find(peer);
  return entry == nullptr ? protocol::Reach::unknown : entry->presence.reach;
}

/// Where it can be dialled, as far as is known.
std::string NodeParts::address_of(const NodeId& peer) const {
  const auto record = membership_.find(peer);
  return record ? record->address : std::string();
}

/// Of a link; unknown without one.
PathKind NodeParts::path_to(const NodeId& peer) const {
  const auto link = links_.find(peer);
  return link == links_.end() ? PathKind::unknown : link->second;
}

}  // namespace starling::node
