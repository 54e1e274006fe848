#pragma once
// Random but valid messages and announcements, for round trips and fuzzing by mutation.

#include "protocol/limits.h"
#include "protocol/wire/announcement.h"
#include "protocol/wire/message.h"
#include "protocol/wire/wire.h"
#include "starling/rng.h"

namespace starling::testing {

using namespace starling::protocol;  // NOLINT: test vocabulary

/// Every field gets a value other than its default with high probability.
class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed) : rng_(seed) {}

  /// The kind with this index in the variant.
  [[nodiscard]] Message message(std::size_t index) {
    Message message;
    emplace(message, index, std::make_index_sequence<std::variant_size_v<Message>>());
    return message;
  }
  [[nodiscard]] Announcement announcement(std::size_t index) {
    Announcement announcement;
    emplace(announcement, index, std::make_index_sequence<std::variant_size_v<Announcement>>());
    return announcement;
  }

  [[nodiscard]] Bytes bytes(std::size_t size) {
    Bytes bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(rng_.next());
    return bytes;
  }
  [[nodiscard]] std::size_t below(std::size_t bound) { return rng_.below(bound); }

 private:
  Rng rng_;

  template <class Variant, std::size_t... I>
  void emplace(Variant& variant, std::size_t index, std::index_sequence<I...>) {
    ((I == index ? fill(variant.template emplace<I>()) : void()), ...);
  }

  // Leaves.
  void fill(bool& value) { value = rng_.below(2) == 1; }
  void fill(std::uint8_t& value) { value = static_cast<std::uint8_t>(rng_.next()); }
  void fill(std::uint16_t& value) { value = static_cast<std::uint16_t>(rng_.next()); }
  void fill(std::uint32_t& value) { value = static_cast<std::uint32_t>(rng_.next()); }
  void fill(std::uint64_t& value) { value = rng_.next(); }
  void fill(BroadcastId& id) {
    for (auto& byte : id) fill(byte);
  }
  template <class Tag>
  void fill(ByteId<Tag>& id) {
    for (auto& byte : id.bytes) fill(byte);
  }
  void fill(std::string& text) {
    text.resize(rng_.below(limits::address_characters_max + 1));
    for (auto& character : text) character = static_cast<char>('!' + rng_.below(90));
  }
  void fill(CloseReason& reason) { reason = static_cast<CloseReason>(rng_.below(10)); }
  void fill(BulkKind& kind) { kind = static_cast<BulkKind>(rng_.below(7)); }
  template <class T>
  void fill(std::vector<T>& items, std::size_t items_max) {
    items.resize(rng_.below(items_max + 1));
    for (auto& item : items) fill(item);
  }
  template <class... Fields>
  void fill_all(Fields&... fields) {
    (fill(fields), ...);
  }

  // Structures, in the order of message.h.
  void fill(PeerRecord& peer) { fill_all(peer.id, peer.address); }
  void fill(Close& close) { fill(close.reason); }
  void fill(Credit& credit) { fill(credit.bytes); }
  void fill(BulkHeader& header) {
    fill_all(header.kind, header.number, header.step, header.degree, header.context, header.bytes);
  }
  void fill(ModelForm& form) {
    fill_all(form.parameters, form.layout, form.features, form.classes);
  }
  void fill(Join& join) { fill(join.joiner); }
  void fill(ForwardJoin& join) { fill_all(join.joiner, join.hops_left); }
  void fill(NeighbourRequest& request) { fill_all(request.sender, request.high_priority); }
  void fill(NeighbourReply& reply) { fill(reply.accepted); }
  void fill(LeaveView& leave) { fill(leave.alive); }
  void fill(Shuffle& shuffle) {
    fill_all(shuffle.origin, shuffle.hops_left);
    fill(shuffle.peers, limits::shuffle_peers_max);
  }
  void fill(ShuffleReply& reply) { fill(reply.peers, limits::shuffle_peers_max); }
  void fill(Ping& ping) { fill(ping.nonce); }
  void fill(Pong& pong) { fill(pong.nonce); }
  void fill(IndirectPing& ping) { fill_all(ping.target, ping.nonce); }
  void fill(IndirectPong& pong) { fill_all(pong.target, pong.nonce, pong.alive); }
  void fill(GossipBatch& batch) {
    batch.bodies.resize(rng_.below(4));
    for (Gossip& gossip : batch.bodies) {
      fill_all(gossip.id, gossip.hops);
      fill(gossip.body, limits::gossip_batch_bytes_max / 4);
    }
  }
  void fill(Gossip& gossip) {
    fill_all(gossip.id, gossip.hops);
    fill(gossip.body, limits::gossip_bytes_max);
  }
  void fill(IHave& have) {
    fill(have.ids, limits::ihave_ids_max);
    have.hops.resize(have.ids.size());
    for (auto& hops : have.hops) fill(hops);
    fill(have.can_wait);
  }
  void fill(Graft& graft) { fill(graft.id); }
  void fill(Prune&) {}
  void fill(EdgeHello& hello) {
    fill_all(hello.incarnation, hello.peer_incarnation, hello.applied, hello.step);
  }
  void fill(ExchangeOffer& offer) { fill_all(offer.exchange, offer.step); }
  void fill(ExchangeAccept& accept) { fill_all(accept.exchange, accept.step); }
  void fill(ExchangeBusy& busy) { fill(busy.exchange); }
  void fill(ExchangeApplied& applied) { fill(applied.exchange); }
  void fill(Progress& progress) { fill_all(progress.step); }
  void fill(RoundOpen& open) { fill_all(open.round, open.final); }
  void fill(Bulk& bulk) {
    fill_all(bulk.kind, bulk.number, bulk.step, bulk.degree, bulk.context);
    Bytes data;
    fill(data, 100'000);
    bulk.data = std::move(data);
  }
  void fill(StateRequest& request) { fill(request.request); }
  void fill(StateUnavailable& unavailable) { fill(unavailable.request); }
  void fill(StateQuery& query) { fill(query.request); }
  void fill(StateOffer& offer) {
    fill_all(offer.request, offer.step, offer.packets, offer.bytes, offer.state);
    fill(offer.has_whole_ledger);
  }
  void fill(VoteCount& count) { fill_all(count.author, count.packets); }
  void fill(VoteVector& vector) {
    fill(vector.counts, 300);  // as many as fit into a control message
    fill_all(vector.wants_reply, vector.digest, vector.is_probe);
  }
  void fill(VoteRangeRequest& request) { fill_all(request.author, request.first, request.count); }
  void fill(VoteRange& range) {
    range.packets.resize(rng_.below(8));
    for (auto& packet : range.packets) fill(packet, 1500);
  }
  void fill(CutDigest& cut) { fill_all(cut.step, cut.packets, cut.votes, cut.model); }
  void fill(CutParts& cut) {
    fill_all(cut.step, cut.votes);
    fill(cut.parts, limits::cut_parts_max);
  }
  void fill(MergeSliceRequest& request) { fill_all(request.merge, request.slice, request.digest); }
  void fill(MergeCommitments& commitments) {
    fill(commitments.merge);
    commitments.signed_commitments.resize(rng_.below(8));
    for (auto& commitment : commitments.signed_commitments) fill(commitment, 1000);
  }
  void fill(MergeRosterRequest& request) { fill(request.merge); }
  void fill(MergeAttested& attested) {
    fill_all(attested.merge, attested.model);
    fill(attested.members, limits::merge_members_max / 8);
  }

  void fill(DescriptionRequest&) {}
  void fill(Description& description) { fill(description.text, limits::description_bytes_max); }
  void fill(IdentityChallenge& challenge) { fill(challenge.incarnation); }
  void fill(IdentityProof& proof) { fill(proof.presence, 500); }
  void fill(RendezvousStep& step) { step = static_cast<RendezvousStep>(rng_.below(5)); }
  void fill(CircuitEnd& reason) { reason = static_cast<CircuitEnd>(rng_.below(6)); }
  void fill(Reach& reach) { reach = static_cast<Reach>(rng_.below(4)); }
  void fill(ObservedAddress& observed) { fill(observed.address); }
  void fill(DialBackRequest& request) { fill_all(request.nonce, request.address); }
  void fill(DialBackOutcome& outcome) { outcome = static_cast<DialBackOutcome>(rng_.below(3)); }
  void fill(DialBackReply& reply) { fill_all(reply.nonce, reply.outcome); }
  void fill(Rendezvous& rendezvous) {
    fill_all(rendezvous.step, rendezvous.origin, rendezvous.target, rendezvous.address);
  }
  void fill(CircuitOpen& open) { fill_all(open.circuit, open.origin, open.target); }
  void fill(CircuitData& data) {
    fill(data.circuit);
    fill(data.data, limits::circuit_data_bytes_max);
  }
  void fill(CircuitCredit& credit) { fill_all(credit.circuit, credit.bytes); }
  void fill(CircuitClose& close) { fill_all(close.circuit, close.reason); }

  // Announcements.
  void fill(Presence& presence) {
    fill_all(presence.address, presence.incarnation, presence.step, presence.finished,
             presence.leaving, presence.rival, presence.reach, presence.merged);
  }
  void fill(VotePacket& votes) {
    fill_all(votes.packet, votes.step, votes.replica_step, votes.first_probe);
    fill(votes.codes, limits::vote_probes_per_packet_max);
  }
  void fill(MergeProposal& proposal) {
    fill_all(proposal.merge, proposal.cut_off, proposal.deadline_ms, proposal.nodes_seen,
             proposal.accepts_partial);
  }
  void fill(MergeCommitment& commitment) {
    fill_all(commitment.merge, commitment.weight, commitment.step, commitment.digest,
             commitment.nodes_seen);
    fill(commitment.neighbours, limits::links_max);
  }
  void fill(MergeRoster& roster) { fill_all(roster.merge, roster.members, roster.digest); }
  void fill(MergeResults& results) {
    fill(results.merge);
    fill(results.contributors, limits::merge_members_max / 8);
    fill(results.slices, limits::merge_results_max);
    results.digests.resize(results.slices.size());
    for (auto& digest : results.digests) fill(digest);
  }
  void fill(MergeLinks& links) {
    fill_all(links.merge, links.number, links.observes);
    fill(links.up, limits::links_max);
    fill(links.down, limits::links_max);
  }
  void fill(MergeRecall& recall) {
    fill(recall.merge);
    fill(recall.missing, limits::merge_members_max / 8);
    fill(recall.slices, limits::merge_recall_slices_max);
  }
  void fill(MergeClosed& closed) {
    fill_all(closed.merge, closed.model);
    fill(closed.members, limits::merge_members_max / 8);
  }
  /// Two packets of one author and number; the signatures are none.
  void fill(EquivocationProof& proof) {
    NodeId author;
    VotePacket packet;
    fill_all(author, packet);
    const auto signed_packet = [&](std::uint8_t code) {
      packet.codes = {code};
      Bytes packet_bytes = encode_announcement({author, 0, packet});
      const Bytes signature = bytes(64);
      packet_bytes.insert(packet_bytes.end(), signature.begin(), signature.end());
      return packet_bytes;
    };
    proof = *prove_equivocation(signed_packet(1), signed_packet(2));
  }
  void fill(UnknownAnnouncement&) {}
};

}  // namespace starling::testing
