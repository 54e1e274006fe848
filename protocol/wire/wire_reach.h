#pragma once
// The messages by which nodes reach each other. Internal to the wire.

#include <optional>

#include "protocol/wire/message.h"
#include "protocol/wire/wire_capnp.h"

namespace starling::protocol::wire_detail {

void write(schema::Message::Builder message, const ObservedAddress& observed);
void write(schema::Message::Builder message, const DialBackRequest& request);
void write(schema::Message::Builder message, const DialBackReply& reply);
void write(schema::Message::Builder message, const Rendezvous& rendezvous);
void write(schema::Message::Builder message, const CircuitOpen& open);
void write(schema::Message::Builder message, const CircuitData& data);
void write(schema::Message::Builder message, const CircuitCredit& credit);
void write(schema::Message::Builder message, const CircuitClose& close);

/// Nothing for members that this version does not know.
[[nodiscard]] std::optional<Message> read_reach_message(schema::Message::Reader message);

}  // namespace starling::protocol::wire_detail
