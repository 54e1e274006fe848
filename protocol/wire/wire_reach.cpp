#include "protocol/wire/wire_reach.h"

#include "protocol/wire/wire.h"

namespace starling::protocol::wire_detail {

namespace {

std::string read_address(capnp::Text::Reader text) {
  return read_text(text, limits::address_characters_max);
}

ObservedAddress read(schema::ObservedAddress::Reader from) {
  return {read_address(from.getAddress())};
}
DialBackRequest read(schema::DialBackRequest::Reader from) {
  return {from.getNonce(), read_address(from.getAddress())};
}
DialBackReply read(schema::DialBackReply::Reader from) {
  if (from.getOutcome() > static_cast<std::uint8_t>(DialBackOutcome::reached)) {
    throw Rejected{RejectReason::bad_encoding};
  }
  return {from.getNonce(), static_cast<DialBackOutcome>(from.getOutcome())};
}
Rendezvous read(schema::Rendezvous::Reader from) {
  if (from.getStep() > static_cast<std::uint8_t>(RendezvousStep::refused)) {
    throw Rejected{RejectReason::bad_encoding};
  }
  return {static_cast<RendezvousStep>(from.getStep()), read_id<NodeId>(from.getOrigin()),
          read_id<NodeId>(from.getTarget()), read_address(from.getAddress())};
}
CircuitOpen read(schema::CircuitOpen::Reader from) {
  return {from.getCircuit(), read_id<NodeId>(from.getOrigin()), read_id<NodeId>(from.getTarget())};
}
CircuitData read(schema::CircuitData::Reader from) {
  return {from.getCircuit(), read_bytes(from.getData(), limits::circuit_data_bytes_max)};
}
CircuitCredit read(schema::CircuitCredit::Reader from) {
  return {from.getCircuit(), from.getBytes()};
}
CircuitClose read(schema::CircuitClose::Reader from) {
  const auto reason = static_cast<CircuitEnd>(from.getReason());
  // One that only newer versions know ends the circuit as well.
  return {from.getCircuit(), reason <= CircuitEnd::broken_rule ? reason : CircuitEnd::closed};
}

}  // namespace

void write(schema::Message::Builder message, const ObservedAddress& observed) {
  message.initObservedAddress().setAddress(observed.address.c_str());
}
void write(schema::Message::Builder message, const DialBackRequest& request) {
  auto to = message.initDialBackRequest();
  to.setNonce(request.nonce);
  to.setAddress(request.address.c_str());
}
void write(schema::Message::Builder message, const DialBackReply& reply) {
  auto to = message.initDialBackReply();
  to.setNonce(reply.nonce);
  to.setOutcome(static_cast<std::uint8_t>(reply.outcome));
}
void write(schema::Message::Builder message, const Rendezvous& rendezvous) {
  auto to = message.initRendezvous();
  to.setStep(static_cast<std::uint8_t>(rendezvous.step));
  to.setOrigin(data_of(rendezvous.origin.bytes));
  to.setTarget(data_of(rendezvous.target.bytes));
  to.setAddress(rendezvous.address.c_str());
}
void write(schema::Message::Builder message, const CircuitOpen& open) {
  auto to = message.initCircuitOpen();
  to.setCircuit(open.circuit);
  to.setOrigin(data_of(open.origin.bytes));
  to.setTarget(data_of(open.target.bytes));
}
void write(schema::Message::Builder message, const CircuitData& data) {
  auto to = message.initCircuitData();
  to.setCircuit(data.circuit);
  to.setData(data_of(data.data));
}
void write(schema::Message::Builder message, const CircuitCredit& credit) {
  auto to = message.initCircuitCredit();
  to.setCircuit(credit.circuit);
  to.setBytes(credit.bytes);
}
void write(schema::Message::Builder message, const CircuitClose& close) {
  auto to = message.initCircuitClose();
  to.setCircuit(close.circuit);
  to.setReason(static_cast<std::uint8_t>(close.reason));
}

std::optional<Message> read_reach_message(schema::Message::Reader message) {
  switch (message.which()) {
    case schema::Message::OBSERVED_ADDRESS:
      return read(message.getObservedAddress());
    case schema::Message::DIAL_BACK_REQUEST:
      return read(message.getDialBackRequest());
    case schema::Message::DIAL_BACK_REPLY:
      return read(message.getDialBackReply());
    case schema::Message::RENDEZVOUS:
      return read(message.getRendezvous());
    case schema::Message::CIRCUIT_OPEN:
      return read(message.getCircuitOpen());
    case schema::Message::CIRCUIT_DATA:
      return read(message.getCircuitData());
    case schema::Message::CIRCUIT_CREDIT:
      return read(message.getCircuitCredit());
    case schema::Message::CIRCUIT_CLOSE:
      return read(message.getCircuitClose());
    default:
      return std::nullopt;
  }
}

}  // namespace starling::protocol::wire_detail
