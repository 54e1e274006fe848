// An author that signs two packets under one number: whatever order packets and proof come in, all
// replicas end with the same votes.

#include <gtest/gtest.h>

#include <algorithm>

#include "node/core/saved_state.h"
#include "vote_hearer.h"

namespace starling::node {
namespace {

using test::Hearer;
using test::Packet;
using test::packet_of;
using testing::CastVotes;

constexpr std::uint64_t forked_number = 12;

template <class Kind>
std::size_t count(const std::vector<Event>& events) {
  return static_cast<std::size_t>(std::ranges::count_if(
      events, [](const Event& event) { return std::holds_alternative<Kind>(event); }));
}

/// Thirty packets of each of three authors; key 1 has signed two with number 12.
class Equivocation : public ::testing::Test {
 protected:
  Equivocation() : votes_(testing::random_votes(90, 5)) {
    const auto honest = std::ranges::find_if(votes_, is_forked);
    CastVotes fork = *honest;
    fork.packet.codes.assign(3, 0x35);
    for (const CastVotes& vote : votes_) packets_.push_back(packet_of(vote.signed_bytes()));
    fork_ = packet_of(fork.signed_bytes());
    auto proof = protocol::prove_equivocation(honest->signed_bytes(), fork.signed_bytes());
    proof_ = packet_of(protocol::sign_announcement({proof->author, 0, *proof}, crypto::run_of(1),
                                                   crypto::node_key(9)));
    std::vector<CastVotes> counting = votes_;
    std::erase_if(counting, [](const CastVotes& vote) {
      return vote.key == 1 && vote.packet.packet >= forked_number;
    });
    expected_ = testing::sum_of(counting);
  }

  static bool is_forked(const CastVotes& vote) {
    return vote.key == 1 && vote.packet.packet == forked_number;
  }

  std::vector<CastVotes> votes_;
  std::vector<Packet> packets_;
  Packet fork_;
  Packet proof_;
  Digest expected_;
};

TEST_F(Equivocation, EndsInOneModelInAHundredOrdersOfBothPacketsAndTheProof) {
  auto all = packets_;
  all.push_back(fork_);
  all.push_back(proof_);
  Rng rng(3);
  for (int order = 0; order < 100; ++order) {
    rng.shuffle(std::span(all));
    Hearer node;
    for (const Packet& packet : all) node.hear(packet);
    ASSERT_EQ(node.model(), expected_) << "order " << order;
    ASSERT_EQ(count<Equivocated>(node.events()), 1U) << "order " << order;
    ASSERT_EQ(node.status().equivocators, 1U);
  }
}

TEST_F(Equivocation, IsFoundByTheTwoPacketsAlone) {
  Hearer node;
  for (const Packet& packet : packets_) node.hear(packet);
  node.hear(fork_);
  EXPECT_EQ(node.model(), expected_);
  EXPECT_EQ(node.announced(), 1U) << "the proof is for everyone";
}

TEST_F(Equivocation, IsLookedForWhereANeighbourHoldsOtherVotesBelowACut) {
  const NodeId peer = crypto::node_key(7).id();
  Hearer node;
  node.meet(peer);
  for (const Packet& packet : packets_) node.hear(packet);
  node.finish_steps();
  const auto cuts = node.sent<protocol::CutDigest>();
  ASSERT_FALSE(cuts.empty());
  protocol::CutDigest theirs = cuts.back();
  EXPECT_TRUE(node.hear(peer, theirs).empty()) << "the same votes";
  theirs.votes.bytes[0] ^= 1U;
  const auto asked = node.hear(peer, theirs);
  ASSERT_EQ(asked.size(), 3U) << "for the packets of each author";
  node.hear(peer, protocol::VoteRange{{fork_.second}});
  EXPECT_EQ(node.model(), expected_);
}

TEST_F(Equivocation, IsBelievedWithoutEitherPacket) {
  Hearer node;
  node.hear(proof_);
  for (const Packet& packet : packets_) node.hear(packet);
  EXPECT_EQ(node.model(), expected_);
  EXPECT_EQ(node.announced(), 0U);
}

TEST_F(Equivocation, SurvivesARestartFromTheLogWhereverTheProofCame) {
  for (std::size_t cut = 0; cut <= packets_.size(); cut += 15) {
    Hearer before;
    for (std::size_t i = 0; i < cut; ++i) before.hear(packets_[i]);
    before.hear(proof_);
    for (std::size_t i = cut; i < packets_.size(); ++i) before.hear(packets_[i]);
    Hearer after;
    after.restore(before.log());
    for (const Packet& packet : packets_) after.hear(packet);
    EXPECT_EQ(after.model(), expected_) << "cut at " << cut;
    EXPECT_EQ(after.status().equivocators, 1U);
  }
}

/// What a node saves that holds all of the packets, the void ones too.
protocol::SharedBytes snapshot_with_void_votes(const std::vector<CastVotes>& votes) {
  Learner learner = testing::ledger_learner();
  std::vector<VoteBatch> batches;
  std::map<NodeId, std::uint64_t> counts;
  VoteCut cut{.step = 30, .packets = {}, .votes = 0, .without = {}};
  for (const CastVotes& vote : votes) {
    batches.push_back({vote.author(), vote.packet.step, vote.packet.first_probe, vote.packet.codes,
                       vote.packet.packet});
    counts[vote.author()] += 1;
    cut.votes += vote.packet.codes.size();
  }
  for (const auto& [author, packets] : counts) cut.packets.push_back({author, packets});
  static_cast<void>(learner.run(ApplyVotesJob{std::move(batches)}));
  return std::get<SaveStateDone>(
             learner.run(SaveStateJob{.for_joiner = false, .request = 0, .cut = cut}))
      .state;
}

TEST_F(Equivocation, IsTakenOutOfASnapshotByReplayingThePackets) {
  const protocol::SharedBytes snapshot = snapshot_with_void_votes(votes_);
  Hearer joiner;
  joiner.load(snapshot);
  EXPECT_EQ(joiner.model(), testing::sum_of(votes_));
  joiner.hear(proof_);
  for (const Packet& packet : packets_) joiner.hear(packet);  // fetched again
  EXPECT_EQ(joiner.model(), expected_);
}

TEST_F(Equivocation, MakesASnapshotOfVoidVotesUselessAtARestart) {
  Hearer before;
  before.hear(proof_);
  for (const Packet& packet : packets_) before.hear(packet);
  Hearer after;
  after.load_and_restore(snapshot_with_void_votes(votes_), before.log());
  EXPECT_EQ(after.model(), expected_);
}

TEST_F(Equivocation, EndsTheVotingOfTheNodeWhoseKeyItIs) {
  Hearer self(1);
  for (const Packet& packet : packets_) self.hear(packet);
  EXPECT_FALSE(self.complete());
  self.hear(proof_);
  EXPECT_TRUE(self.complete());
  EXPECT_EQ(count<Warned>(self.events()), 1U);
}

}  // namespace
}  // namespace starling::node
