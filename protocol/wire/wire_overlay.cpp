#include "protocol/wire/wire_overlay.h"

#include <tuple>

#include "protocol/wire/wire.h"

namespace starling::protocol::wire_detail {

namespace {

void write(schema::PeerRecord::Builder to, const PeerRecord& peer) {
  to.setId(data_of(peer.id.bytes));
  to.setAddress(peer.address.c_str());
}
PeerRecord read(schema::PeerRecord::Reader from) {
  return {read_id<NodeId>(from.getId()),
          wire_detail::read_text(from.getAddress(), limits::address_characters_max)};
}
void write(capnp::List<schema::PeerRecord>::Builder to, const std::vector<PeerRecord>& peers) {
  for (kj::uint i = 0; i < to.size(); ++i) write(to[i], peers[i]);
}
std::vector<PeerRecord> read(capnp::List<schema::PeerRecord>::Reader from) {
  return read_list(from, limits::shuffle_peers_max,
                   [](schema::PeerRecord::Reader peer) { return read(peer); });
}
Join read(schema::Join::Reader from) {
  return {read(from.getJoiner())};
}
ForwardJoin read(schema::ForwardJoin::Reader from) {
  return {read(from.getJoiner()), from.getHopsLeft()};
}
NeighbourRequest read(schema::NeighbourRequest::Reader from) {
  return {read(from.getSender()), from.getHighPriority()};
}
NeighbourReply read(schema::NeighbourReply::Reader from) {
  return {from.getAccepted()};
}
LeaveView read(schema::LeaveView::Reader from) {
  return {from.getAlive()};
}
Shuffle read(schema::Shuffle::Reader from) {
  return {read(from.getOrigin()), from.getHopsLeft(), read(from.getPeers())};
}
ShuffleReply read(schema::ShuffleReply::Reader from) {
  return {read(from.getPeers())};
}
Ping read(schema::Ping::Reader from) {
  return {from.getNonce()};
}
Pong read(schema::Pong::Reader from) {
  return {from.getNonce()};
}
IndirectPing read(schema::IndirectPing::Reader from) {
  return {read_id<NodeId>(from.getTarget()), from.getNonce()};
}
IndirectPong read(schema::IndirectPong::Reader from) {
  return {read_id<NodeId>(from.getTarget()), from.getNonce(), from.getAlive()};
}
BroadcastId read_broadcast_id(capnp::Data::Reader from) {
  BroadcastId id;
  read_exactly(from, id);
  return id;
}
void write(schema::Gossip::Builder to, const Gossip& gossip) {
  to.setId(data_of(gossip.id));
  to.setHops(gossip.hops);
  to.setBody(data_of(gossip.body));
}
Gossip read(schema::Gossip::Reader from) {
  return {read_broadcast_id(from.getId()), from.getHops(),
          read_bytes(from.getBody(), limits::gossip_bytes_max)};
}
GossipBatch read(schema::GossipBatch::Reader from) {
  return {read_list(from.getBodies(), limits::gossip_batch_bodies_max,
                    [](schema::Gossip::Reader gossip) { return read(gossip); })};
}
IHave read(schema::IHave::Reader from) {
  constexpr std::size_t id_bytes = std::tuple_size_v<BroadcastId>;
  IHave have;
  have.hops =
      read_list(from.getHops(), limits::ihave_ids_max, [](std::uint32_t hops) { return hops; });
  const capnp::Data::Reader ids = from.getIds();
  if (ids.size() != have.hops.size() * id_bytes) throw Rejected{RejectReason::bad_encoding};
  for (std::size_t at = 0; at < ids.size(); at += id_bytes) {
    have.ids.push_back(read_broadcast_id(ids.slice(at, at + id_bytes)));
  }
  have.can_wait = from.getCanWait();
  return have;
}
Graft read(schema::Graft::Reader from) {
  return {read_broadcast_id(from.getId())};
}
IdentityChallenge read(schema::IdentityChallenge::Reader from) {
  return {from.getIncarnation()};
}
IdentityProof read(schema::IdentityProof::Reader from) {
  return {read_bytes(from.getPresence(), limits::gossip_bytes_max)};
}

}  // namespace

void write(schema::Message::Builder message, const Join& join) {
  write(message.initJoin().initJoiner(), join.joiner);
}
void write(schema::Message::Builder message, const ForwardJoin& join) {
  auto to = message.initForwardJoin();
  write(to.initJoiner(), join.joiner);
  to.setHopsLeft(join.hops_left);
}
void write(schema::Message::Builder message, const NeighbourRequest& request) {
  auto to = message.initNeighbourRequest();
  write(to.initSender(), request.sender);
  to.setHighPriority(request.high_priority);
}
void write(schema::Message::Builder message, const NeighbourReply& reply) {
  message.initNeighbourReply().setAccepted(reply.accepted);
}
void write(schema::Message::Builder message, const LeaveView& leave) {
  message.initLeaveView().setAlive(leave.alive);
}
void write(schema::Message::Builder message, const Shuffle& shuffle) {
  auto to = message.initShuffle();
  write(to.initOrigin(), shuffle.origin);
  to.setHopsLeft(shuffle.hops_left);
  write(to.initPeers(static_cast<kj::uint>(shuffle.peers.size())), shuffle.peers);
}
void write(schema::Message::Builder message, const ShuffleReply& reply) {
  write(message.initShuffleReply().initPeers(static_cast<kj::uint>(reply.peers.size())),
        reply.peers);
}
void write(schema::Message::Builder message, const Ping& ping) {
  message.initPing().setNonce(ping.nonce);
}
void write(schema::Message::Builder message, const Pong& pong) {
  message.initPong().setNonce(pong.nonce);
}
void write(schema::Message::Builder message, const IndirectPing& ping) {
  auto to = message.initIndirectPing();
  to.setTarget(data_of(ping.target.bytes));
  to.setNonce(ping.nonce);
}
void write(schema::Message::Builder message, const IndirectPong& pong) {
  auto to = message.initIndirectPong();
  to.setTarget(data_of(pong.target.bytes));
  to.setNonce(pong.nonce);
  to.setAlive(pong.alive);
}
void write(schema::Message::Builder message, const Gossip& gossip) {
  write(message.initGossip(), gossip);
}
void write(schema::Message::Builder message, const GossipBatch& batch) {
  auto to = message.initGossipBatch().initBodies(static_cast<kj::uint>(batch.bodies.size()));
  for (kj::uint i = 0; i < to.size(); ++i) write(to[i], batch.bodies[i]);
}
void write(schema::Message::Builder message, const IHave& have) {
  constexpr std::size_t id_bytes = std::tuple_size_v<BroadcastId>;
  auto to = message.initIHave();
  auto ids = to.initIds(static_cast<kj::uint>(have.ids.size() * id_bytes));
  for (std::size_t i = 0; i < have.ids.size(); ++i) {
    std::copy(have.ids[i].begin(), have.ids[i].end(), ids.begin() + i * id_bytes);
  }
  auto hops = to.initHops(static_cast<kj::uint>(have.hops.size()));
  for (kj::uint i = 0; i < hops.size(); ++i) hops.set(i, have.hops[i]);
  to.setCanWait(have.can_wait);
}
void write(schema::Message::Builder message, const Graft& graft) {
  message.initGraft().setId(data_of(graft.id));
}
void write(schema::Message::Builder message, const Prune&) {
  message.initPrune();
}
void write(schema::Message::Builder message, const IdentityChallenge& challenge) {
  message.initIdentityChallenge().setIncarnation(challenge.incarnation);
}
void write(schema::Message::Builder message, const IdentityProof& proof) {
  message.initIdentityProof().setPresence(data_of(proof.presence));
}

std::optional<Message> read_overlay_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::JOIN:
      return read(message.getJoin());
    case schema::Message::FORWARD_JOIN:
      return read(message.getForwardJoin());
    case schema::Message::NEIGHBOUR_REQUEST:
      return read(message.getNeighbourRequest());
    case schema::Message::NEIGHBOUR_REPLY:
      return read(message.getNeighbourReply());
    case schema::Message::LEAVE_VIEW:
      return read(message.getLeaveView());
    case schema::Message::SHUFFLE:
      return read(message.getShuffle());
    case schema::Message::SHUFFLE_REPLY:
      return read(message.getShuffleReply());
    case schema::Message::PING:
      return read(message.getPing());
    case schema::Message::PONG:
      return read(message.getPong());
    case schema::Message::INDIRECT_PING:
      return read(message.getIndirectPing());
    case schema::Message::INDIRECT_PONG:
      return read(message.getIndirectPong());
    case schema::Message::GOSSIP:
      return read(message.getGossip());
    case schema::Message::GOSSIP_BATCH:
      return read(message.getGossipBatch());
    case schema::Message::I_HAVE:
      return read(message.getIHave());
    case schema::Message::GRAFT:
      return read(message.getGraft());
    case schema::Message::PRUNE:
      return Prune{};
    case schema::Message::IDENTITY_CHALLENGE:
      return read(message.getIdentityChallenge());
    case schema::Message::IDENTITY_PROOF:
      return read(message.getIdentityProof());
    default:
      return std::nullopt;
  }
}

}  // namespace starling::protocol::wire_detail
