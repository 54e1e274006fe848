// Announcements: the signed bodies of broadcasts.

#include "protocol/wire/wire.h"
#include "protocol/wire/wire_capnp.h"
#include "protocol/wire/wire_votes.h"

namespace starling::protocol {
namespace {

using wire_detail::data_of;
using wire_detail::read_id;
using wire_detail::read_list;
using Builder = schema::Announcement::Builder;

std::string read_address(capnp::Text::Reader address) {
  return wire_detail::read_text(address, limits::address_characters_max);
}

Bytes read_members(capnp::Data::Reader members) {
  return wire_detail::read_bytes(members, limits::merge_members_max / 8);
}

template <class List, class Number>
void write_numbers(List to, const std::vector<Number>& numbers) {
  for (kj::uint i = 0; i < to.size(); ++i) to.set(i, numbers[i]);
}

/// Ids one after another, without the pointers of a list.
template <class Id>
Bytes join_ids(const std::vector<Id>& ids) {
  Bytes joined;
  joined.reserve(ids.size() * Id::size);
  for (const Id& id : ids) joined.insert(joined.end(), id.bytes.begin(), id.bytes.end());
  return joined;
}
template <class Id>
std::vector<Id> split_ids(capnp::Data::Reader data, std::size_t ids_max) {
  if (data.size() % Id::size != 0) throw wire_detail::Rejected{RejectReason::bad_encoding};
  if (data.size() / Id::size > ids_max) throw wire_detail::Rejected{RejectReason::too_large};
  std::vector<Id> ids(data.size() / Id::size);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    std::copy_n(data.begin() + i * Id::size, Id::size, ids[i].bytes.begin());
  }
  return ids;
}

void write(Builder announcement, const Presence& presence) {
  auto to = announcement.initPresence();
  to.setAddress(presence.address.c_str());
  to.setIncarnation(presence.incarnation);
  to.setStep(presence.step);
  to.setFinished(presence.finished);
  to.setLeaving(presence.leaving);
  to.setRival(presence.rival);
  to.setReach(static_cast<std::uint8_t>(presence.reach));
  to.setMerged(presence.merged);
}
Presence read(schema::Presence::Reader from) {
  const auto reach = static_cast<Reach>(from.getReach());
  return {read_address(from.getAddress()),
          from.getIncarnation(),
          from.getStep(),
          from.getFinished(),
          from.getLeaving(),
          from.getRival(),
          reach <= Reach::behind_nat ? reach : Reach::unknown,
          from.getMerged()};
}

void write(Builder announcement, const MergeProposal& proposal) {
  auto to = announcement.initMergeProposal();
  to.setMerge(data_of(proposal.merge.bytes));
  to.setCutOff(proposal.cut_off);
  to.setDeadlineMs(proposal.deadline_ms);
  to.setNodesSeen(proposal.nodes_seen);
  to.setAcceptsPartial(proposal.accepts_partial);
}
MergeProposal read(schema::MergeProposal::Reader from) {
  return {read_id<Digest>(from.getMerge()), from.getCutOff(), from.getDeadlineMs(),
          from.getNodesSeen(), from.getAcceptsPartial()};
}

void write(Builder announcement, const MergeCommitment& commitment) {
  auto to = announcement.initMergeCommitment();
  to.setMerge(data_of(commitment.merge.bytes));
  to.setWeight(commitment.weight);
  to.setStep(commitment.step);
  to.setDigest(data_of(commitment.digest.bytes));
  to.setNodesSeen(commitment.nodes_seen);
  to.setNeighbours(data_of(join_ids(commitment.neighbours)));
}
MergeCommitment read(schema::MergeCommitment::Reader from) {
  return {read_id<Digest>(from.getMerge()),
          from.getWeight(),
          from.getStep(),
          read_id<Digest>(from.getDigest()),
          from.getNodesSeen(),
          split_ids<NodeId>(from.getNeighbours(), limits::links_max)};
}

void write(Builder announcement, const MergeRoster& roster) {
  auto to = announcement.initMergeRoster();
  to.setMerge(data_of(roster.merge.bytes));
  to.setMembers(roster.members);
  to.setDigest(data_of(roster.digest.bytes));
}
MergeRoster read(schema::MergeRoster::Reader from) {
  return {read_id<Digest>(from.getMerge()), from.getMembers(), read_id<Digest>(from.getDigest())};
}

void write(Builder announcement, const MergeResults& results) {
  STARLING_CHECK(results.slices.size() == results.digests.size());
  auto to = announcement.initMergeResults();
  to.setMerge(data_of(results.merge.bytes));
  to.setContributors(data_of(results.contributors));
  write_numbers(to.initSlices(static_cast<kj::uint>(results.slices.size())), results.slices);
  to.setDigests(data_of(join_ids(results.digests)));
}
MergeResults read(schema::MergeResults::Reader from) {
  MergeResults results{
      read_id<Digest>(from.getMerge()), read_members(from.getContributors()),
      read_list(from.getSlices(), limits::merge_results_max, [](auto slice) { return slice; }),
      split_ids<Digest>(from.getDigests(), limits::merge_results_max)};
  if (results.slices.size() != results.digests.size()) {
    throw wire_detail::Rejected{RejectReason::bad_encoding};
  }
  return results;
}

void write(Builder announcement, const MergeLinks& links) {
  auto to = announcement.initMergeLinks();
  to.setMerge(data_of(links.merge.bytes));
  to.setNumber(links.number);
  to.setObserves(links.observes);
  write_numbers(to.initUp(static_cast<kj::uint>(links.up.size())), links.up);
  write_numbers(to.initDown(static_cast<kj::uint>(links.down.size())), links.down);
}
MergeLinks read(schema::MergeLinks::Reader from) {
  const auto member = [](std::uint16_t number) { return number; };
  return {read_id<Digest>(from.getMerge()), from.getNumber(), from.getObserves(),
          read_list(from.getUp(), limits::merge_members_max, member),
          read_list(from.getDown(), limits::merge_members_max, member)};
}

void write(Builder announcement, const MergeRecall& recall) {
  auto to = announcement.initMergeRecall();
  to.setMerge(data_of(recall.merge.bytes));
  to.setMissing(data_of(recall.missing));
  write_numbers(to.initSlices(static_cast<kj::uint>(recall.slices.size())), recall.slices);
}
MergeRecall read(schema::MergeRecall::Reader from) {
  return {read_id<Digest>(from.getMerge()), read_members(from.getMissing()),
          read_list(from.getSlices(), limits::merge_recall_slices_max,
                    [](std::uint32_t slice) { return slice; })};
}

void write(Builder announcement, const MergeClosed& closed) {
  auto to = announcement.initMergeClosed();
  to.setMerge(data_of(closed.merge.bytes));
  to.setModel(data_of(closed.model.bytes));
  to.setMembers(data_of(closed.members));
}
MergeClosed read(schema::MergeClosed::Reader from) {
  return {read_id<Digest>(from.getMerge()), read_id<Digest>(from.getModel()),
          read_members(from.getMembers())};
}

void write(Builder, const VotePacket&) {
  STARLING_CHECK(false);  // it has a body of its own, wire_votes.h
}

void write(Builder, const EquivocationProof&) {
  STARLING_CHECK(false);  // likewise
}

void write(Builder, const UnknownAnnouncement&) {
  STARLING_CHECK(false);  // it is forwarded as bytes, never encoded
}

Announcement read_content(schema::Announcement::Reader from) {
  switch (from.which()) {
    case schema::Announcement::PRESENCE:
      return read(from.getPresence());
    case schema::Announcement::RETIRED_VOTE_PACKET:
      return UnknownAnnouncement{};
    case schema::Announcement::MERGE_PROPOSAL:
      return read(from.getMergeProposal());
    case schema::Announcement::MERGE_COMMITMENT:
      return read(from.getMergeCommitment());
    case schema::Announcement::MERGE_ROSTER:
      return read(from.getMergeRoster());
    case schema::Announcement::MERGE_RESULTS:
      return read(from.getMergeResults());
    case schema::Announcement::MERGE_CLOSED:
      return read(from.getMergeClosed());
    case schema::Announcement::MERGE_LINKS:
      return read(from.getMergeLinks());
    case schema::Announcement::MERGE_RECALL:
      return read(from.getMergeRecall());
  }
  return UnknownAnnouncement{};
}

}  // namespace

Bytes encode_announcement(const SignedAnnouncement& announcement) {
  if (const auto* votes = std::get_if<VotePacket>(&announcement.content)) {
    return wire_detail::encode_votes(announcement.author, *votes);
  }
  if (const auto* proof = std::get_if<EquivocationProof>(&announcement.content)) {
    return wire_detail::encode_proof(proof->first, proof->second);
  }
  return wire_detail::write_root<schema::Announcement>([&](Builder root) {
    root.setAuthor(data_of(announcement.author.bytes));
    root.setSequence(announcement.sequence);
    std::visit([&](const auto& content) { write(root, content); }, announcement.content);
  });
}

std::expected<SignedAnnouncement, RejectReason> decode_announcement(ByteSpan body) {
  if (!body.empty() && body.front() == wire_detail::vote_body_kind) {
    return wire_detail::decode_votes(body);
  }
  if (!body.empty() && body.front() == wire_detail::proof_body_kind) {
    return wire_detail::decode_proof(body);
  }
  return wire_detail::read_root<schema::Announcement>(body, [](schema::Announcement::Reader from) {
    return SignedAnnouncement{read_id<NodeId>(from.getAuthor()), from.getSequence(),
                              read_content(from)};
  });
}

}  // namespace starling::protocol
