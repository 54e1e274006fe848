#include "node/core/peer_memory.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "protocol/limits.h"
#include "tests/support/instants.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::at;
namespace limits = protocol::limits;

NodeId id_of(std::uint32_t number) {
  NodeId id;
  for (std::size_t i = 0; i < 4; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return id;
}

protocol::PeerRecord record_of(std::uint32_t number) {
  return {id_of(number), "host" + std::to_string(number) + ":1"};
}

std::vector<NodeId> ids_of(const RememberedPeers& peers) {
  std::vector<NodeId> ids;
  for (const auto& record : peers.records) ids.push_back(record.id);
  return ids;
}

PeerMemory memory_of(const std::vector<NodeId>& seen = {}) {
  return PeerMemory(id_of(0), seen, 10s);
}

TEST(PeerMemory, SavesNeighboursFirstThenTheNewest) {
  PeerMemory memory = memory_of();
  memory.heard(record_of(1), at(1s));
  memory.neighbour_up(record_of(2), at(2s));
  memory.heard(record_of(3), at(3s));
  memory.heard(record_of(4), at(4s));
  EXPECT_EQ(ids_of(memory.take(at(5s))),
            (std::vector<NodeId>{id_of(2), id_of(4), id_of(3), id_of(1)}));
  memory.neighbour_down(id_of(2));
  EXPECT_EQ(ids_of(memory.take(at(6s))),
            (std::vector<NodeId>{id_of(4), id_of(3), id_of(2), id_of(1)}));
}

TEST(PeerMemory, IsDueOnlyWhenSomethingHasChangedAndThePauseIsOver) {
  PeerMemory memory = memory_of();
  EXPECT_FALSE(memory.is_due(at(100s)));
  memory.heard(record_of(1), at(100s));
  EXPECT_TRUE(memory.is_due(at(100s)));
  static_cast<void>(memory.take(at(100s)));
  memory.heard(record_of(1), at(101s));  // nothing new
  EXPECT_FALSE(memory.is_due(at(200s)));
  memory.heard({id_of(1), "moved:1"}, at(102s));
  EXPECT_FALSE(memory.is_due(at(109s)));
  EXPECT_EQ(memory.next_deadline(), at(110s));
  EXPECT_TRUE(memory.is_due(at(110s)));
  EXPECT_EQ(memory.take(at(110s)).records.front().address, "moved:1");
}

TEST(PeerMemory, ANewNeighbourIsOnDiskSoonWhateverThePause) {
  PeerMemory memory = memory_of();
  memory.heard(record_of(1), at(0s));
  static_cast<void>(memory.take(at(0s)));
  memory.neighbour_up(record_of(1), at(1s));
  EXPECT_EQ(memory.next_deadline(), at(1s + limits::save_neighbour_delay));
  static_cast<void>(memory.take(memory.next_deadline()));
  memory.neighbour_down(id_of(1));
  memory.neighbour_up(record_of(1), at(2s));  // links that flap do not wear out the disk
  EXPECT_GE(memory.next_deadline(), at(10s));
}

TEST(PeerMemory, RemembersEverybodyEverSeenButItself) {
  PeerMemory memory = memory_of({id_of(7), id_of(0)});
  memory.heard({id_of(3), ""}, at(1s));  // cannot be dialled, and is seen all the same
  memory.heard(record_of(0), at(1s));
  const RememberedPeers peers = memory.take(at(1s));
  EXPECT_EQ(peers.seen, (std::vector<NodeId>{id_of(3), id_of(7)}));
  EXPECT_TRUE(peers.records.empty());
}

TEST(PeerMemory, StaysBoundedAndForgetsWhoWasHeardLongestAgoBeforeANeighbour) {
  PeerMemory memory = memory_of();
  memory.neighbour_up(record_of(1), at(0s));
  for (std::uint32_t i = 2; i < limits::nodes_seen_max + 10; ++i) {
    memory.heard(record_of(i), at(std::chrono::seconds(i)));
  }
  const RememberedPeers peers = memory.take(at(0s));
  EXPECT_EQ(peers.records.size(), limits::remembered_peers_max);
  EXPECT_EQ(peers.records.front().id, id_of(1));
  EXPECT_EQ(peers.records[1].id, id_of(limits::nodes_seen_max + 9));
  EXPECT_EQ(peers.seen.size(), limits::nodes_seen_max);
}

TEST(PeerMemory, KeepsNoAddressThatCouldBreakALine) {
  PeerMemory memory = memory_of();
  memory.heard({id_of(1), "host:1\nseen"}, at(1s));
  memory.heard({id_of(2), "\033[2Jhost:1"}, at(1s));
  EXPECT_TRUE(memory.take(at(1s)).records.empty());
}

}  // namespace
}  // namespace starling::node
