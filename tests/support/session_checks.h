#pragma once
// What the tests of Session share: a settled pair, payloads, and how a session ended.

#include <gtest/gtest.h>

#include "tests/support/random_message.h"
#include "tests/support/session_peers.h"

namespace starling::testing {

inline protocol::Bulk bulk_of(std::size_t bytes, std::uint64_t number = 1) {
  RandomValues random(number);
  return {protocol::BulkKind::pair_payload, number, 7, 3, {}, random.bytes(bytes)};
}

inline SessionPair established_pair() {
  SessionPair pair;
  pair.settle();
  return pair;
}

inline void expect_rejected(const Peer& peer, protocol::RejectReason reason) {
  ASSERT_NE(peer.end(), nullptr);
  const auto* why = std::get_if<protocol::RejectReason>(&peer.end()->why);
  ASSERT_NE(why, nullptr) << "closed, not rejected";
  EXPECT_EQ(name_of(*why), name_of(reason));
  EXPECT_TRUE(peer.session.closed());
}

inline void expect_closed(const Peer& peer, protocol::CloseReason reason) {
  ASSERT_NE(peer.end(), nullptr);
  const auto* why = std::get_if<protocol::CloseReason>(&peer.end()->why);
  ASSERT_NE(why, nullptr) << "rejected, not closed";
  EXPECT_EQ(*why, reason);
}

}  // namespace starling::testing
