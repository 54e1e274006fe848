// Control messages. For each: `write` into its union member, `read` back, the limits checked there.

#include "protocol/wire/wire.h"
#include "protocol/wire/wire_capnp.h"
#include "protocol/wire/wire_overlay.h"
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

// --- What is trained ---

void write(Builder message, const ModelForm& form) {
  auto to = message.initModelForm();
  to.setParameters(form.parameters);
  to.setLayout(data_of(form.layout.bytes));
  to.setFeatures(form.features);
  to.setClasses(form.classes);
}
ModelForm read(schema::ModelForm::Reader from) {
  return {from.getParameters(), read_id<Digest>(from.getLayout()), from.getFeatures(),
          from.getClasses()};
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

/// The messages of newcomers, of reachability, and of the overlay.
std::optional<Message> read_newcomer_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::DESCRIPTION_REQUEST:
      return DescriptionRequest{};
    case schema::Message::DESCRIPTION:
      return read(message.getDescription());
    default:
      break;
  }
  auto reach = wire_detail::read_reach_message(message);
  return reach ? std::move(reach) : wire_detail::read_overlay_message(message);
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
    case schema::Message::MODEL_FORM:
      return read(message.getModelForm());
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
