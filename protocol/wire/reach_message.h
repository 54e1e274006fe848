#pragma once
// The vocabulary of nodes that reach each other as plain values (message.h).

#include <cstdint>
#include <string>

#include "starling/ids.h"

namespace starling::protocol {

// --- Reaching each other (docs/REACHABILITY.md) ---

/// "This is the address at which I see you": after a link has come about, unless it is relayed.
struct ObservedAddress {
  std::string address;
  friend bool operator==(const ObservedAddress&, const ObservedAddress&) = default;
};
/// "Dial me at this address, from another port than that of our link." Answered by DialBackReply.
struct DialBackRequest {
  std::uint64_t nonce = 0;
  std::string address;
  friend bool operator==(const DialBackRequest&, const DialBackRequest&) = default;
};
enum class DialBackOutcome : std::uint8_t {
  refused,  ///< It was not tried: another machine's address, or asked too often.
  failed,
  reached
};
struct DialBackReply {
  std::uint64_t nonce = 0;
  DialBackOutcome outcome = DialBackOutcome::refused;
  friend bool operator==(const DialBackReply&, const DialBackReply&) = default;
};

enum class RendezvousStep : std::uint8_t {
  reverse,       ///< "Dial me."
  punch,         ///< "Let us dial each other at once."
  punch_answer,  ///< "Agreed."
  punch_now,     ///< "Now." The other end dials half a round trip after it has sent this.
  refused        ///< "I cannot", or "I have no link there" of the member between.
};
/// From origin to target over a member that both are linked with. address: where the member sees
/// the origin; it fills it in itself.
struct Rendezvous {
  RendezvousStep step = RendezvousStep::reverse;
  NodeId origin;
  NodeId target;
  std::string address;
  friend bool operator==(const Rendezvous&, const Rendezvous&) = default;
};

/// Asks for a circuit to target over the receiver, which passes the question on if it is a relay
/// between two links of its own (relay.h). circuit: a random number, chosen by the origin.
struct CircuitOpen {
  std::uint64_t circuit = 0;
  NodeId origin;
  NodeId target;
  friend bool operator==(const CircuitOpen&, const CircuitOpen&) = default;
};
/// Bytes of the stream between the two ends: their session, sealed for each other.
struct CircuitData {
  std::uint64_t circuit = 0;
  Bytes data;
  friend bool operator==(const CircuitData&, const CircuitData&) = default;
};
/// From the relay: so many bytes more may be sent. To the relay: so many have been taken up.
struct CircuitCredit {
  std::uint64_t circuit = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const CircuitCredit&, const CircuitCredit&) = default;
};
enum class CircuitEnd : std::uint8_t {
  closed,       ///< By one of its ends.
  no_link,      ///< The relay has no link to the target.
  too_many,     ///< The relay, or the target, has as many circuits as it takes.
  link_lost,    ///< Between the relay and the other end.
  idle,         ///< Nothing was sent for long.
  broken_rule,  ///< More was sent than granted.
};
struct CircuitClose {
  std::uint64_t circuit = 0;
  CircuitEnd reason = CircuitEnd::closed;
  friend bool operator==(const CircuitClose&, const CircuitClose&) = default;
};

}  // namespace starling::protocol
