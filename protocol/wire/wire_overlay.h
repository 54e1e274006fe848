#pragma once
// The messages that keep the overlay together: membership, failure detection, broadcast, and the
// proof that one process of a node runs. Internal to the wire.

#include <optional>

#include "protocol/wire/message.h"
#include "protocol/wire/wire_capnp.h"

namespace starling::protocol::wire_detail {

void write(schema::Message::Builder message, const Join& join);
void write(schema::Message::Builder message, const ForwardJoin& join);
void write(schema::Message::Builder message, const NeighbourRequest& request);
void write(schema::Message::Builder message, const NeighbourReply& reply);
void write(schema::Message::Builder message, const LeaveView& leave);
void write(schema::Message::Builder message, const Shuffle& shuffle);
void write(schema::Message::Builder message, const ShuffleReply& reply);
void write(schema::Message::Builder message, const Ping& ping);
void write(schema::Message::Builder message, const Pong& pong);
void write(schema::Message::Builder message, const IndirectPing& ping);
void write(schema::Message::Builder message, const IndirectPong& pong);
void write(schema::Message::Builder message, const Gossip& gossip);
void write(schema::Message::Builder message, const GossipBatch& batch);
void write(schema::Message::Builder message, const IHave& have);
void write(schema::Message::Builder message, const Graft& graft);
void write(schema::Message::Builder message, const Prune&);
void write(schema::Message::Builder message, const IdentityChallenge& challenge);
void write(schema::Message::Builder message, const IdentityProof& proof);

/// Nothing for members that this version does not know.
[[nodiscard]] std::optional<Message> read_overlay_message(schema::Message::Reader message);

}  // namespace starling::protocol::wire_detail
