// Control messages. For each: `write` into its union member, `read` back, the limits checked there.

#include "protocol/wire/wire.h"
#include "protocol/wire/wire_capnp.h"
#include "protocol/wire/wire_reach.h"

namespace starling::protocol {
namespace {

using wire_detail::data_of;
using wire_detail::read_bytes;
using wire_detail::read_exactly;
using wire_detail::read_id;
using wire_detail::read_list;
using wire_detail::Rejected;
using wire_detail::write;
using Builder = schema::Message::Builder;

// --- Session ---

void write(Builder message, const Close& close) {
  message.initClose().setReason(static_cast<std::uint8_t>(close.reason));
}
Close read(schema::Close::Reader from) {
  const auto reason = static_cast<CloseReason>(from.getReason());
  return {reason < CloseReason::unknown ? reason : CloseReason::unknown};
}

void write(Builder message, const Credit& credit) {
  message.initCredit().setBytes(credit.bytes);
}
Credit read(schema::Credit::Reader from) {
  return {from.getBytes()};
}

void write(Builder message, const BulkHeader& header) {
  auto to = message.initBulkHeader();
  to.setKind(static_cast<std::uint8_t>(header.kind));
  to.setNumber(header.number);
  to.setStep(header.step);
  to.setDegree(header.degree);
  to.setContext(data_of(header.context.bytes));
  to.setBytes(header.bytes);
}
BulkHeader read(schema::BulkHeader::Reader from) {
  // A new kind of bulk needs a new protocol version: it cannot be skipped without being received.
  if (from.getKind() > static_cast<std::uint8_t>(BulkKind::merge_roster)) {
    throw Rejected{RejectReason::bad_encoding};
  }
  return {static_cast<BulkKind>(from.getKind()), from.getNumber(), from.getStep(), from.getDegree(),
          read_id<Digest>(from.getContext()),    from.getBytes()};
}

// --- Membership ---

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

void write(Builder message, const Join& join) {
  write(message.initJoin().initJoiner(), join.joiner);
}
Join read(schema::Join::Reader from) {
  return {read(from.getJoiner())};
}

void write(Builder message, const ForwardJoin& join) {
  auto to = message.initForwardJoin();
  write(to.initJoiner(), join.joiner);
  to.setHopsLeft(join.hops_left);
}
ForwardJoin read(schema::ForwardJoin::Reader from) {
  return {read(from.getJoiner()), from.getHopsLeft()};
}

void write(Builder message, const NeighbourRequest& request) {
  auto to = message.initNeighbourRequest();
  write(to.initSender(), request.sender);
  to.setHighPriority(request.high_priority);
}
NeighbourRequest read(schema::NeighbourRequest::Reader from) {
  return {read(from.getSender()), from.getHighPriority()};
}

void write(Builder message, const NeighbourReply& reply) {
  message.initNeighbourReply().setAccepted(reply.accepted);
}
NeighbourReply read(schema::NeighbourReply::Reader from) {
  return {from.getAccepted()};
}

void write(Builder message, const LeaveView& leave) {
  message.initLeaveView().setAlive(leave.alive);
}
LeaveView read(schema::LeaveView::Reader from) {
  return {from.getAlive()};
}

void write(Builder message, const Shuffle& shuffle) {
  auto to = message.initShuffle();
  write(to.initOrigin(), shuffle.origin);
  to.setHopsLeft(shuffle.hops_left);
  write(to.initPeers(static_cast<kj::uint>(shuffle.peers.size())), shuffle.peers);
}
Shuffle read(schema::Shuffle::Reader from) {
  return {read(from.getOrigin()), from.getHopsLeft(), read(from.getPeers())};
}

void write(Builder message, const ShuffleReply& reply) {
  write(message.initShuffleReply().initPeers(static_cast<kj::uint>(reply.peers.size())),
        reply.peers);
}
ShuffleReply read(schema::ShuffleReply::Reader from) {
  return {read(from.getPeers())};
}

// --- Failure detection ---

void write(Builder message, const Ping& ping) {
  message.initPing().setNonce(ping.nonce);
}
Ping read(schema::Ping::Reader from) {
  return {from.getNonce()};
}

void write(Builder message, const Pong& pong) {
  message.initPong().setNonce(pong.nonce);
}
Pong read(schema::Pong::Reader from) {
  return {from.getNonce()};
}

void write(Builder message, const IndirectPing& ping) {
  auto to = message.initIndirectPing();
  to.setTarget(data_of(ping.target.bytes));
  to.setNonce(ping.nonce);
}
IndirectPing read(schema::IndirectPing::Reader from) {
  return {read_id<NodeId>(from.getTarget()), from.getNonce()};
}

void write(Builder message, const IndirectPong& pong) {
  auto to = message.initIndirectPong();
  to.setTarget(data_of(pong.target.bytes));
  to.setNonce(pong.nonce);
  to.setAlive(pong.alive);
}
IndirectPong read(schema::IndirectPong::Reader from) {
  return {read_id<NodeId>(from.getTarget()), from.getNonce(), from.getAlive()};
}

// --- Broadcast ---

BroadcastId read_broadcast_id(capnp::Data::Reader from) {
  BroadcastId id;
  read_exactly(from, id);
  return id;
}

void write(Builder message, const Gossip& gossip) {
  auto to = message.initGossip();
  to.setId(data_of(gossip.id));
  to.setHops(gossip.hops);
  to.setBody(data_of(gossip.body));
}
Gossip read(schema::Gossip::Reader from) {
  return {read_broadcast_id(from.getId()), from.getHops(),
          read_bytes(from.getBody(), limits::gossip_bytes_max)};
}

void write(Builder message, const IHave& have) {
  constexpr std::size_t id_bytes = std::tuple_size_v<BroadcastId>;
  auto to = message.initIHave();
  auto ids = to.initIds(static_cast<kj::uint>(have.ids.size() * id_bytes));
  for (std::size_t i = 0; i < have.ids.size(); ++i) {
    std::copy(have.ids[i].begin(), have.ids[i].end(), ids.begin() + i * id_bytes);
  }
  auto hops = to.initHops(static_cast<kj::uint>(have.hops.size()));
  for (kj::uint i = 0; i < hops.size(); ++i) hops.set(i, have.hops[i]);
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
  return have;
}

void write(Builder message, const Graft& graft) {
  message.initGraft().setId(data_of(graft.id));
}
Graft read(schema::Graft::Reader from) {
  return {read_broadcast_id(from.getId())};
}

void write(Builder message, const Prune&) {
  message.initPrune();
}

// --- Two processes of one node ---

void write(Builder message, const IdentityChallenge& challenge) {
  message.initIdentityChallenge().setIncarnation(challenge.incarnation);
}
IdentityChallenge read(schema::IdentityChallenge::Reader from) {
  return {from.getIncarnation()};
}

void write(Builder message, const IdentityProof& proof) {
  message.initIdentityProof().setPresence(data_of(proof.presence));
}
IdentityProof read(schema::IdentityProof::Reader from) {
  return {read_bytes(from.getPresence(), limits::gossip_bytes_max)};
}

// --- Exchange ---

void write(Builder message, const EdgeHello& hello) {
  auto to = message.initEdgeHello();
  to.setIncarnation(hello.incarnation);
  to.setPeerIncarnation(hello.peer_incarnation);
  to.setApplied(hello.applied);
  to.setStep(hello.step);
}
EdgeHello read(schema::EdgeHello::Reader from) {
  return {from.getIncarnation(), from.getPeerIncarnation(), from.getApplied(), from.getStep()};
}

void write(Builder message, const ExchangeOffer& offer) {
  auto to = message.initExchangeOffer();
  to.setExchange(offer.exchange);
  to.setStep(offer.step);
}
ExchangeOffer read(schema::ExchangeOffer::Reader from) {
  return {from.getExchange(), from.getStep()};
}

void write(Builder message, const ExchangeAccept& accept) {
  auto to = message.initExchangeAccept();
  to.setExchange(accept.exchange);
  to.setStep(accept.step);
}
ExchangeAccept read(schema::ExchangeAccept::Reader from) {
  return {from.getExchange(), from.getStep()};
}

void write(Builder message, const ExchangeBusy& busy) {
  message.initExchangeBusy().setExchange(busy.exchange);
}
ExchangeBusy read(schema::ExchangeBusy::Reader from) {
  return {from.getExchange()};
}

void write(Builder message, const ExchangeApplied& applied) {
  message.initExchangeApplied().setExchange(applied.exchange);
}
ExchangeApplied read(schema::ExchangeApplied::Reader from) {
  return {from.getExchange()};
}

void write(Builder message, const Progress& progress) {
  message.initProgress().setStep(progress.step);
}
Progress read(schema::Progress::Reader from) {
  return {from.getStep()};
}

void write(Builder message, const RoundOpen& open) {
  auto to = message.initRoundOpen();
  to.setRound(open.round);
  to.setFinal(open.final);
}
RoundOpen read(schema::RoundOpen::Reader from) {
  return {from.getRound(), from.getFinal()};
}

void write(Builder, const Bulk&) {
  STARLING_CHECK(false);  // Session splits it
}

void write(Builder message, const StateRequest& request) {
  message.initStateRequest().setRequest(request.request);
}
StateRequest read(schema::StateRequest::Reader from) {
  return {from.getRequest()};
}

void write(Builder message, const StateUnavailable& unavailable) {
  message.initStateUnavailable().setRequest(unavailable.request);
}
StateUnavailable read(schema::StateUnavailable::Reader from) {
  return {from.getRequest()};
}

void write(Builder message, const StateQuery& query) {
  message.initStateQuery().setRequest(query.request);
}
StateQuery read(schema::StateQuery::Reader from) {
  return {from.getRequest()};
}

void write(Builder message, const StateOffer& offer) {
  auto to = message.initStateOffer();
  to.setRequest(offer.request);
  to.setStep(offer.step);
  to.setPackets(offer.packets);
  to.setBytes(offer.bytes);
  to.setState(data_of(offer.state.bytes));
  to.setHasWholeLedger(offer.has_whole_ledger);
}
StateOffer read(schema::StateOffer::Reader from) {
  return {from.getRequest(),
          from.getStep(),
          from.getPackets(),
          from.getBytes(),
          read_id<Digest>(from.getState()),
          from.getHasWholeLedger()};
}

// --- Votes ---

void write(Builder message, const VoteVector& vector) {
  auto to = message.initVoteVector();
  to.setWantsReply(vector.wants_reply);
  to.setDigest(data_of(vector.digest.bytes));
  to.setIsProbe(vector.is_probe);
  auto counts = to.initCounts(static_cast<kj::uint>(vector.counts.size()));
  for (kj::uint i = 0; i < counts.size(); ++i) {
    counts[i].setAuthor(data_of(vector.counts[i].author.bytes));
    counts[i].setPackets(vector.counts[i].packets);
  }
}
VoteVector read(schema::VoteVector::Reader from) {
  const auto read_count = [](schema::VoteCount::Reader count) {
    return VoteCount{read_id<NodeId>(count.getAuthor()), count.getPackets()};
  };
  return {read_list(from.getCounts(), limits::vote_authors_max, read_count), from.getWantsReply(),
          read_id<Digest>(from.getDigest()), from.getIsProbe()};
}

void write(Builder message, const VoteRangeRequest& request) {
  auto to = message.initVoteRangeRequest();
  to.setAuthor(data_of(request.author.bytes));
  to.setFirst(request.first);
  to.setCount(request.count);
}
VoteRangeRequest read(schema::VoteRangeRequest::Reader from) {
  return {read_id<NodeId>(from.getAuthor()), from.getFirst(), from.getCount()};
}

void write(Builder message, const VoteRange& range) {
  auto packets = message.initVoteRange().initPackets(static_cast<kj::uint>(range.packets.size()));
  for (kj::uint i = 0; i < packets.size(); ++i) packets.set(i, data_of(range.packets[i]));
}
VoteRange read(schema::VoteRange::Reader from) {
  return {read_list(
      from.getPackets(), limits::vote_packets_per_message_max,
      [](capnp::Data::Reader packet) { return read_bytes(packet, limits::gossip_bytes_max); })};
}

void write(Builder message, const CutDigest& cut) {
  auto to = message.initCutDigest();
  to.setStep(cut.step);
  to.setPackets(cut.packets);
  to.setVotes(data_of(cut.votes.bytes));
  to.setModel(data_of(cut.model.bytes));
}
CutDigest read(schema::CutDigest::Reader from) {
  return {from.getStep(), from.getPackets(), read_id<Digest>(from.getVotes()),
          read_id<Digest>(from.getModel())};
}

void write(Builder message, const CutParts& cut) {
  auto to = message.initCutParts();
  to.setStep(cut.step);
  to.setVotes(data_of(cut.votes.bytes));
  auto parts = to.initParts(static_cast<kj::uint>(cut.parts.size()));
  for (kj::uint i = 0; i < parts.size(); ++i) parts.set(i, cut.parts[i]);
}
CutParts read(schema::CutParts::Reader from) {
  return {
      from.getStep(), read_id<Digest>(from.getVotes()),
      read_list(from.getParts(), limits::cut_parts_max, [](std::uint64_t part) { return part; })};
}

// --- Final merge ---

void write(Builder message, const MergeSliceRequest& request) {
  auto to = message.initMergeSliceRequest();
  to.setMerge(data_of(request.merge.bytes));
  to.setSlice(request.slice);
  to.setDigest(data_of(request.digest.bytes));
}
MergeSliceRequest read(schema::MergeSliceRequest::Reader from) {
  return {read_id<Digest>(from.getMerge()), from.getSlice(), read_id<Digest>(from.getDigest())};
}

// --- Newcomers ---

void write(Builder message, const DescriptionRequest&) {
  message.setDescriptionRequest();
}

void write(Builder message, const Description& description) {
  message.initDescription().setText(data_of(description.text));
}
Description read(schema::Description::Reader from) {
  return {read_bytes(from.getText(), limits::description_bytes_max)};
}

/// The messages of newcomers, and those that read_reach_message() knows.
std::optional<Message> read_newcomer_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::DESCRIPTION_REQUEST:
      return DescriptionRequest{};
    case schema::Message::DESCRIPTION:
      return read(message.getDescription());
    default:
      return wire_detail::read_reach_message(message);
  }
}

// --- Merges ---

void write(Builder message, const MergeCommitments& commitments) {
  auto to = message.initMergeCommitments();
  to.setMerge(data_of(commitments.merge.bytes));
  const auto& all = commitments.signed_commitments;
  auto list = to.initSignedCommitments(static_cast<kj::uint>(all.size()));
  for (kj::uint i = 0; i < all.size(); ++i) list.set(i, data_of(all[i]));
}
MergeCommitments read(schema::MergeCommitments::Reader from) {
  return {read_id<Digest>(from.getMerge()),
          read_list(from.getSignedCommitments(), limits::merge_commitments_per_message_max,
                    [](capnp::Data::Reader commitment) {
                      return read_bytes(commitment, limits::gossip_bytes_max);
                    })};
}

void write(Builder message, const MergeRosterRequest& request) {
  message.initMergeRosterRequest().setMerge(data_of(request.merge.bytes));
}
MergeRosterRequest read(schema::MergeRosterRequest::Reader from) {
  return {read_id<Digest>(from.getMerge())};
}

void write(Builder message, const MergeAttested& attested) {
  auto to = message.initMergeAttested();
  to.setMerge(data_of(attested.merge.bytes));
  to.setModel(data_of(attested.model.bytes));
  to.setMembers(data_of(attested.members));
}
MergeAttested read(schema::MergeAttested::Reader from) {
  return {read_id<Digest>(from.getMerge()), read_id<Digest>(from.getModel()),
          read_bytes(from.getMembers(), limits::merge_members_max / 8)};
}

/// The messages of merges, and those that read_newcomer_message() knows.
std::optional<Message> read_merge_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::MERGE_SLICE_REQUEST:
      return read(message.getMergeSliceRequest());
    case schema::Message::MERGE_COMMITMENTS:
      return read(message.getMergeCommitments());
    case schema::Message::MERGE_ROSTER_REQUEST:
      return read(message.getMergeRosterRequest());
    case schema::Message::MERGE_ATTESTED:
      return read(message.getMergeAttested());
    default:
      return read_newcomer_message(message);
  }
}

/// The messages of voting runs, and those that read_merge_message() knows.
std::optional<Message> read_ledger_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::STATE_QUERY:
      return read(message.getStateQuery());
    case schema::Message::STATE_OFFER:
      return read(message.getStateOffer());
    case schema::Message::VOTE_VECTOR:
      return read(message.getVoteVector());
    case schema::Message::VOTE_RANGE_REQUEST:
      return read(message.getVoteRangeRequest());
    case schema::Message::VOTE_RANGE:
      return read(message.getVoteRange());
    case schema::Message::CUT_DIGEST:
      return read(message.getCutDigest());
    case schema::Message::CUT_PARTS:
      return read(message.getCutParts());
    default:
      return read_merge_message(message);
  }
}

std::optional<Message> read_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::CLOSE:
      return read(message.getClose());
    case schema::Message::CREDIT:
      return read(message.getCredit());
    case schema::Message::BULK_HEADER:
      return read(message.getBulkHeader());
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
    case schema::Message::I_HAVE:
      return read(message.getIHave());
    case schema::Message::GRAFT:
      return read(message.getGraft());
    case schema::Message::PRUNE:
      return Prune{};
    case schema::Message::EDGE_HELLO:
      return read(message.getEdgeHello());
    case schema::Message::EXCHANGE_OFFER:
      return read(message.getExchangeOffer());
    case schema::Message::EXCHANGE_ACCEPT:
      return read(message.getExchangeAccept());
    case schema::Message::EXCHANGE_BUSY:
      return read(message.getExchangeBusy());
    case schema::Message::EXCHANGE_APPLIED:
      return read(message.getExchangeApplied());
    case schema::Message::ROUND_OPEN:
      return read(message.getRoundOpen());
    case schema::Message::PROGRESS:
      return read(message.getProgress());
    case schema::Message::STATE_REQUEST:
      return read(message.getStateRequest());
    case schema::Message::STATE_UNAVAILABLE:
      return read(message.getStateUnavailable());
    case schema::Message::IDENTITY_CHALLENGE:
      return read(message.getIdentityChallenge());
    case schema::Message::IDENTITY_PROOF:
      return read(message.getIdentityProof());
    default:
      return read_ledger_message(message);
  }
}

}  // namespace

Bytes encode(const Message& message) {
  return wire_detail::write_root<schema::Message>([&](Builder root) {
    std::visit([&](const auto& content) { write(root, content); }, message);
  });
}

std::expected<std::optional<Message>, RejectReason> decode(ByteSpan bytes) {
  return wire_detail::read_root<schema::Message>(bytes, read_message);
}

}  // namespace starling::protocol
