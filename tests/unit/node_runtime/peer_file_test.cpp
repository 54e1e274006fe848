#include "node/runtime/peer_file.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "protocol/limits.h"

namespace starling::runtime {
namespace {

NodeId id_of(std::uint8_t value) {
  NodeId id;
  id.bytes.fill(value);
  return id;
}

node::RememberedPeers some_peers() {
  return {.records = {{id_of(9), "192.0.2.7:4747"}, {id_of(2), "[2001:db8::7]:1,host:2"}},
          .seen = {id_of(2), id_of(5), id_of(9)}};
}

TEST(PeerFile, IsReadBackInOrder) {
  const ReadPeers read = read_peer_file(peer_file_text(some_peers()));
  EXPECT_EQ(read.peers, some_peers());
  EXPECT_EQ(read.bad_lines, 0U);
}

TEST(PeerFile, LosesNoMoreThanTheLineThatWasDamaged) {
  const std::string text = peer_file_text(some_peers());
  const std::size_t facts = some_peers().records.size() + some_peers().seen.size();
  for (std::size_t at = text.find('\n') + 1; at < text.size(); ++at) {
    if (text[at] == '\n') continue;
    std::string damaged = text;
    damaged[at] = damaged[at] == 'x' ? 'y' : 'x';
    const ReadPeers read = read_peer_file(damaged);
    EXPECT_EQ(read.bad_lines, 1U) << at;
    EXPECT_EQ(read.peers.records.size() + read.peers.seen.size(), facts - 1) << at;
  }
}

TEST(PeerFile, CutAnywhereKeepsTheLinesBefore) {
  const std::string text = peer_file_text(some_peers());
  for (std::size_t size = 0; size < text.size(); ++size) {
    const ReadPeers read = read_peer_file(std::string_view(text).substr(0, size));
    const auto whole = std::ranges::count(std::string_view(text).substr(0, size), '\n');
    const std::size_t facts = read.peers.records.size() + read.peers.seen.size();
    // The line break itself may be missing.
    EXPECT_GE(facts + 1, static_cast<std::size_t>(whole)) << size;
    EXPECT_LE(facts, static_cast<std::size_t>(whole)) << size;
    EXPECT_LE(read.bad_lines, 1U) << size;
  }
}

TEST(PeerFile, OfAnotherProgramHasNoPeers) {
  const ReadPeers read = read_peer_file("hello\nworld\n");
  EXPECT_EQ(read.peers, node::RememberedPeers());
  EXPECT_EQ(read.bad_lines, 2U);
}

TEST(PeerFile, HoldsNoMoreThanItsBounds) {
  node::RememberedPeers many;
  for (std::size_t i = 0; i < protocol::limits::remembered_peers_max + 5; ++i) {
    many.records.push_back({id_of(static_cast<std::uint8_t>(i)), "host:1"});
  }
  EXPECT_EQ(read_peer_file(peer_file_text(many)).peers.records.size(),
            protocol::limits::remembered_peers_max);
}

}  // namespace
}  // namespace starling::runtime
