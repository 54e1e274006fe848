// A replica is a function of the set of votes alone: however they arrive at a node, and however
// often it is restarted meanwhile.

#include <gtest/gtest.h>

#include <vector>

#include "protocol/ledger/ledger_sync.h"
#include "vote_hearer.h"

namespace starling::node {
namespace {

using test::Hearer;
using test::Packet;
using testing::CastVotes;

/// Thirty steps of three authors, some evaluated on a replica that lags behind; what is void among
/// them counts for nothing in expected_.
class VoteArrival : public ::testing::Test {
 protected:
  VoteArrival() {
    std::vector<CastVotes> votes = testing::random_votes(90, 5);
    const Step window = testing::ledger_recipe().ledger().window_steps;
    for (std::size_t i = 0; i < votes.size(); ++i) {
      protocol::VotePacket& packet = votes[i].packet;
      packet.step += window + 1;
      packet.replica_step = i % 7 == 0 ? packet.step - window : packet.step;
      if (i % 10 == 0) packet.replica_step = packet.step - window - 1;  // void
    }
    for (const CastVotes& vote : votes) {
      const Bytes bytes = vote.signed_bytes();
      packets_.emplace_back(*protocol::open_announcement(bytes, crypto::run_of(1)), bytes);
    }
    std::erase_if(
        votes, [window](const CastVotes& vote) { return protocol::is_void(vote.packet, window); });
    EXPECT_EQ(votes.size(), 81U);
    expected_ = testing::sum_of(votes);
  }

  std::vector<Packet> packets_;
  Digest expected_;
};

TEST_F(VoteArrival, GivesOneModelInAHundredOrdersWithDuplicates) {
  auto twice = packets_;
  twice.insert(twice.end(), packets_.begin(), packets_.end());
  Rng rng(3);
  for (int order = 0; order < 100; ++order) {
    rng.shuffle(std::span(twice));
    Hearer node;
    for (const Packet& packet : twice) node.hear(packet);
    ASSERT_EQ(node.model(), expected_) << "order " << order;
    ASSERT_EQ(node.log().size(), packets_.size()) << "each once, void or not";
  }
}

TEST_F(VoteArrival, GivesOneModelWhereverARestartFromTheLogCutsIt) {
  Rng rng(4);
  rng.shuffle(std::span(packets_));
  for (std::size_t cut = 0; cut <= packets_.size(); cut += 9) {
    Hearer before;
    for (std::size_t i = 0; i < cut; ++i) before.hear(packets_[i]);
    Hearer after;
    after.restore(before.log());
    for (const Packet& packet : packets_) after.hear(packet);  // what it had comes again
    ASSERT_EQ(after.model(), expected_) << "cut at " << cut;
  }
}

}  // namespace
}  // namespace starling::node
