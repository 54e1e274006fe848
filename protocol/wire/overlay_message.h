#pragma once
// The vocabulary of the overlay as plain values (message.h).

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "starling/ids.h"

namespace starling::protocol {

/// Where a node can be dialled. `address` is "host:port" or "[v6]:port"; empty if not dialable.
struct PeerRecord {
  NodeId id;
  std::string address;
  friend bool operator==(const PeerRecord&, const PeerRecord&) = default;
};

// --- Membership (HyParView) ---

struct Join {
  PeerRecord joiner;
  friend bool operator==(const Join&, const Join&) = default;
};
struct ForwardJoin {
  PeerRecord joiner;
  std::uint8_t hops_left = 0;
  friend bool operator==(const ForwardJoin&, const ForwardJoin&) = default;
};
struct NeighbourRequest {
  PeerRecord sender;
  bool high_priority = false;
  friend bool operator==(const NeighbourRequest&, const NeighbourRequest&) = default;
};
struct NeighbourReply {
  bool accepted = false;
  friend bool operator==(const NeighbourReply&, const NeighbourReply&) = default;
};
/// "You leave my active view"; the link may stay open for other purposes.
struct LeaveView {
  bool alive = true;
  friend bool operator==(const LeaveView&, const LeaveView&) = default;
};
struct Shuffle {
  PeerRecord origin;
  std::uint8_t hops_left = 0;
  std::vector<PeerRecord> peers;
  friend bool operator==(const Shuffle&, const Shuffle&) = default;
};
struct ShuffleReply {
  std::vector<PeerRecord> peers;
  friend bool operator==(const ShuffleReply&, const ShuffleReply&) = default;
};

// --- Failure detection ---

struct Ping {
  std::uint64_t nonce = 0;
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  std::uint64_t nonce = 0;
  friend bool operator==(const Pong&, const Pong&) = default;
};
struct IndirectPing {
  NodeId target;
  std::uint64_t nonce = 0;
  friend bool operator==(const IndirectPing&, const IndirectPing&) = default;
};
struct IndirectPong {
  NodeId target;
  std::uint64_t nonce = 0;
  bool alive = false;
  friend bool operator==(const IndirectPong&, const IndirectPong&) = default;
};

// --- Broadcast (Plumtree) ---

using BroadcastId = std::array<std::uint8_t, 16>;
/// `body` is a signed announcement (announcement.h), forwarded byte for byte.
struct Gossip {
  BroadcastId id{};
  std::uint32_t hops = 0;
  Bytes body;
  friend bool operator==(const Gossip&, const Gossip&) = default;
};
/// Bodies that could wait for each other, and can again.
struct GossipBatch {
  std::vector<Gossip> bodies;
  friend bool operator==(const GossipBatch&, const GossipBatch&) = default;
};
struct IHave {
  std::vector<BroadcastId> ids;
  std::vector<std::uint32_t> hops;
  bool can_wait = false;  ///< Their bodies travel in batches.
  friend bool operator==(const IHave&, const IHave&) = default;
};
struct Graft {
  BroadcastId id{};
  friend bool operator==(const Graft&, const Graft&) = default;
};
struct Prune {
  friend bool operator==(const Prune&, const Prune&) = default;
};

// --- Two processes of one node (identity_watch.h) ---

/// "Somebody else with your key asks me for a link, as the process of this incarnation: do you
/// live?" Answered by IdentityProof.
struct IdentityChallenge {
  std::uint64_t incarnation = 0;
  friend bool operator==(const IdentityChallenge&, const IdentityChallenge&) = default;
};
/// A signed announcement of Presence that names the other process as its rival. Whoever asked
/// passes it on to that process.
struct IdentityProof {
  Bytes presence;
  friend bool operator==(const IdentityProof&, const IdentityProof&) = default;
};

}  // namespace starling::protocol
