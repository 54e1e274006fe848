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

void write(Builder announcement, const Presence& presence) {
  auto to = announcement.initPresence();
  to.setAddress(presence.address.c_str());
  to.setIncarnation(presence.incarnation);
  to.setStep(presence.step);
  to.setFinished(presence.finished);
  to.setLeaving(presence.leaving);
  to.setRival(presence.rival);
}
Presence read(schema::Presence::Reader from) {
  return {read_address(from.getAddress()),
          from.getIncarnation(),
          from.getStep(),
          from.getFinished(),
          from.getLeaving(),
          from.getRival()};
}

void write(Builder announcement, const MergeProposal& proposal) {
  auto to = announcement.initMergeProposal();
  to.setMerge(data_of(proposal.merge.bytes));
  to.setCutOff(proposal.cut_off);
  to.setDeadlineMs(proposal.deadline_ms);
}
MergeProposal read(schema::MergeProposal::Reader from) {
  return {read_id<Digest>(from.getMerge()), from.getCutOff(), from.getDeadlineMs()};
}

/// To: a MergeCommitment or a RosterMember, which share these fields.
template <class To>
void write_terms(To to, const MergeCommitment& commitment) {
  to.setAddress(commitment.address.c_str());
  to.setWeight(commitment.weight);
  to.setStep(commitment.step);
  to.setDigest(data_of(commitment.digest.bytes));
}
template <class From>
MergeCommitment read_terms(From from, const Digest& merge) {
  return {merge, read_address(from.getAddress()), from.getWeight(), from.getStep(),
          read_id<Digest>(from.getDigest())};
}

void write(Builder announcement, const MergeCommitment& commitment) {
  auto to = announcement.initMergeCommitment();
  to.setMerge(data_of(commitment.merge.bytes));
  write_terms(to, commitment);
}
MergeCommitment read(schema::MergeCommitment::Reader from) {
  return read_terms(from, read_id<Digest>(from.getMerge()));
}

void write(Builder announcement, const MergeRoster& roster) {
  STARLING_CHECK(roster.members.size() == roster.commitments.size());
  auto to = announcement.initMergeRoster();
  to.setMerge(data_of(roster.merge.bytes));
  auto members = to.initMembers(static_cast<kj::uint>(roster.members.size()));
  for (kj::uint i = 0; i < members.size(); ++i) {
    members[i].setId(data_of(roster.members[i].bytes));
    write_terms(members[i], roster.commitments[i]);
  }
}
MergeRoster read(schema::MergeRoster::Reader from) {
  const auto members = from.getMembers();
  const auto merge = read_id<Digest>(from.getMerge());
  return {merge,
          read_list(
              members, limits::merge_members_max,
              [](schema::RosterMember::Reader member) { return read_id<NodeId>(member.getId()); }),
          read_list(members, limits::merge_members_max, [&](schema::RosterMember::Reader member) {
            return read_terms(member, merge);
          })};
}

void write(Builder announcement, const MergeSliceDone& done) {
  auto to = announcement.initMergeSliceDone();
  to.setMerge(data_of(done.merge.bytes));
  to.setSlice(done.slice);
  auto contributors = to.initContributors(static_cast<kj::uint>(done.contributors.size()));
  for (kj::uint i = 0; i < contributors.size(); ++i) contributors.set(i, done.contributors[i]);
  to.setDigest(data_of(done.digest.bytes));
}
MergeSliceDone read(schema::MergeSliceDone::Reader from) {
  return {read_id<Digest>(from.getMerge()), from.getSlice(),
          read_list(from.getContributors(), limits::merge_members_max,
                    [](bool contributed) { return contributed; }),
          read_id<Digest>(from.getDigest())};
}

void write(Builder announcement, const MergeAdopted& adopted) {
  auto to = announcement.initMergeAdopted();
  to.setMerge(data_of(adopted.merge.bytes));
  to.setModel(data_of(adopted.model.bytes));
}
MergeAdopted read(schema::MergeAdopted::Reader from) {
  return {read_id<Digest>(from.getMerge()), read_id<Digest>(from.getModel())};
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
    case schema::Announcement::MERGE_SLICE_DONE:
      return read(from.getMergeSliceDone());
    case schema::Announcement::MERGE_ADOPTED:
      return read(from.getMergeAdopted());
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
