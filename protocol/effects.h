#pragma once
// What a protocol state machine asks of its owner. Machines append; the owner performs in order.
//
// Every machine of this folder has the same shape: inputs are methods that take `now` and an
// Effects&, `next_deadline()` says when it wants to be called without input, and `tick(now,
// effects)` is that call. Nothing waits, nothing blocks, nothing reads a clock.

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/overlay/path_kind.h"
#include "protocol/wire/message.h"

namespace starling::protocol {

struct SendTo {
  NodeId peer;
  Message message;
};
/// path: what is tried; unknown: the path book (path_book.h) chooses. via: the relay.
struct Dial {
  PeerRecord peer;
  PathKind path = PathKind::unknown;
  NodeId via = {};
};
/// Whether this very node can be dialled there, from a port that no link uses; no link comes of it.
struct ProbeAddress {
  PeerRecord peer;
  std::uint64_t nonce = 0;
};
struct HangUp {
  NodeId peer;
  CloseReason reason = CloseReason::normal;
};

using Effect = std::variant<SendTo, Dial, HangUp, ProbeAddress>;

struct Effects {
  std::vector<Effect> items;

  void send(const NodeId& peer, Message message) {
    items.emplace_back(SendTo{peer, std::move(message)});
  }
  void dial(PeerRecord peer, PathKind path = PathKind::unknown, const NodeId& via = {}) {
    items.emplace_back(Dial{std::move(peer), path, via});
  }
  void probe(PeerRecord peer, std::uint64_t nonce) {
    items.emplace_back(ProbeAddress{std::move(peer), nonce});
  }
  void hang_up(const NodeId& peer, CloseReason reason) { items.emplace_back(HangUp{peer, reason}); }
};

}  // namespace starling::protocol
