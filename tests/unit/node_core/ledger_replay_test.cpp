#include "node/core/ledger_replay.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/digest.h"
#include "tests/support/vote_ledger.h"

namespace starling::node {
namespace {

using protocol::VotePacket;
using testing::CastVotes;
using testing::sum_of;

class LedgerReplayTest : public ::testing::Test {
 protected:
  static LedgerReplayOptions options() {
    return {testing::ledger_recipe(), crypto::run_of(1), testing::ledger_steps};
  }

  static SavedState start() {
    node::Learner learner = testing::ledger_learner();
    const auto saved = std::get<SaveStateDone>(learner.run(SaveStateJob{}));
    return *decode_saved_state(saved.state);
  }

  static LedgerReplay replay_from(const SavedState& base) {
    return std::move(*LedgerReplay::create(options(), base));
  }

  const std::vector<CastVotes> votes_ = testing::random_votes(60, 1);
};

TEST_F(LedgerReplayTest, RebuildsTheModelOfEveryStepFromVotesInAnyOrder) {
  LedgerReplay replay = replay_from(start());
  auto shuffled = votes_;
  Rng rng(1);
  rng.shuffle(std::span(shuffled));
  for (const CastVotes& vote : shuffled) {
    replay.add(vote.cast());
    replay.add(vote.cast());  // a duplicate changes nothing
  }
  EXPECT_EQ(replay.end(), 20U);
  for (Step step = 0; step <= replay.end(); ++step) {
    replay.advance(step);
    EXPECT_EQ(replay.digest(), sum_of(votes_, step)) << "step " << step;
  }
  std::uint64_t cast = 0;
  for (const CastVotes& vote : votes_) cast += vote.packet.codes.size();
  EXPECT_EQ(replay.votes(), cast);
}

TEST_F(LedgerReplayTest, LeavesOutVoidVotes) {
  LedgerReplay replay = replay_from(start());
  CastVotes vote = votes_.front();
  vote.packet.step = testing::ledger_recipe().ledger().window_steps + 1;  // evaluated at step 0
  replay.add(vote.cast());
  replay.advance(replay.end());
  EXPECT_EQ(replay.votes(), 0U);
  EXPECT_EQ(replay.digest(), sum_of({}, 0));
}

TEST_F(LedgerReplayTest, GoesOnFromASnapshotWithTheTailAlone) {
  // The learner applies everything, then saves the part before step 12.
  node::Learner learner = testing::ledger_learner();
  SaveStateJob save;
  ApplyVotesJob apply;
  save.cut = {.step = 12, .packets = {}, .votes = 0, .without = {}};
  for (const CastVotes& vote : votes_) {
    const VotePacket& packet = vote.packet;
    apply.batches.push_back({vote.author(), packet.step, packet.first_probe, packet.codes});
    if (packet.step >= 12) {
      save.cut.without.push_back(apply.batches.back());
    } else {
      save.cut.votes += packet.codes.size();
    }
  }
  for (std::uint8_t key = 1; key <= 3; ++key) {
    save.cut.packets.push_back({crypto::node_key(key).id(), 12});
  }
  std::ranges::sort(save.cut.packets, {}, &protocol::VoteCount::author);
  static_cast<void>(learner.run(apply));
  const Digest whole = crypto::digest_of(learner.fixed_point());
  const auto saved = std::get<SaveStateDone>(learner.run(save));
  EXPECT_EQ(crypto::digest_of(learner.fixed_point()), whole);  // saving changes nothing
  EXPECT_EQ(saved.model, sum_of(votes_, 12));

  LedgerReplay replay = replay_from(*decode_saved_state(saved.state));
  EXPECT_EQ(replay.digest(), sum_of(votes_, 12));
  for (const CastVotes& vote : votes_) {  // what it contains is not added again
    replay.add(vote.cast());
  }
  EXPECT_FALSE(replay.first_missing());
  replay.advance(replay.end());
  EXPECT_EQ(replay.digest(), whole);
}

TEST_F(LedgerReplayTest, NamesTheFirstPacketThatIsMissing) {
  LedgerReplay replay = replay_from(start());
  replay.add(votes_[0].cast());
  EXPECT_FALSE(replay.first_missing());
  replay.add(votes_[6].cast());
  const auto missing = replay.first_missing();
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->author, votes_[0].author());
  EXPECT_EQ(missing->packets, 1U);
}

TEST_F(LedgerReplayTest, OpensAPacketOnlyIfItsAuthorSignedItForThisRun) {
  const Bytes good = votes_.front().signed_bytes();
  const auto record = open_record(good, crypto::run_of(1));
  ASSERT_TRUE(record);
  const auto& cast = std::get<LedgerPacket>(*record);
  EXPECT_EQ(cast.author, votes_.front().author());
  EXPECT_EQ(cast.packet, votes_.front().packet);
  EXPECT_FALSE(open_record(good, crypto::run_of(2)));
  Bytes forged = votes_.front().signed_bytes();
  forged[forged.size() - 70] ^= 1;  // a code
  const auto opened = open_record(forged, crypto::run_of(1));
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("bad_signature"), std::string::npos);
}

TEST_F(LedgerReplayTest, LeavesOutWhatAProofInTheLogVoidsWhereverItStands) {
  CastVotes forked = votes_[9];  // the fourth packet of key 1
  forked.packet.codes.push_back(7);
  const auto proof = protocol::prove_equivocation(votes_[9].signed_bytes(), forked.signed_bytes());
  ASSERT_TRUE(proof);
  std::vector<LedgerRecord> records{*proof};
  for (const CastVotes& vote : votes_) records.emplace_back(vote.cast());
  records.emplace_back(*proof);
  std::vector<CastVotes> counting = votes_;
  std::erase_if(counting,
                [](const CastVotes& vote) { return vote.key == 1 && vote.packet.packet >= 3; });
  LedgerReplay replay = replay_from(start());
  for (const LedgerPacket& cast : valid_packets(records)) replay.add(cast);
  replay.advance(replay.end());
  EXPECT_EQ(replay.digest(), sum_of(counting));
  EXPECT_EQ(voided_from(records).at(votes_[9].author()), 3U);
}

TEST_F(LedgerReplayTest, RefusesAStateOfAnotherRecipe) {
  SavedState other = start();
  other.recipe = "name = \"other\"\n";
  EXPECT_FALSE(LedgerReplay::create(options(), other));
  EXPECT_FALSE(LedgerReplay::create(
      options(),
      {.recipe = options().recipe.canonical_text(), .step = 0, .values = std::vector{1.0F}}));
}

}  // namespace
}  // namespace starling::node
