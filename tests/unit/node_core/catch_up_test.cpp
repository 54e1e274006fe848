// How a joiner of a first-order run gets a state, and how a donor gives it.

#include "node/core/catch_up.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/effects_view.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;
using testing::sent_to;

constexpr Duration patience = protocol::limits::state_time_max;

NodeId peer_of(std::uint8_t number) {
  return crypto::node_key(number).id();
}

protocol::Bulk state_of(std::uint64_t request) {
  return {.kind = protocol::BulkKind::state,
          .number = request,
          .step = 9,
          .degree = 0,
          .context = {},
          .data = {1, 2, 3}};
}

class CatchUpTest : public ::testing::Test {
 protected:
  /// Whom the joiner asks at that moment, and under which number.
  std::vector<std::pair<NodeId, protocol::StateRequest>> ask_at(Duration when) {
    Turn turn(Instant{when});
    joiner_.tick(turn.now);
    joiner_.ask(donors_, turn);
    return sent_to<protocol::StateRequest>(turn.effects);
  }
  /// What becomes of a state: the jobs.
  std::size_t jobs_after(const NodeId& peer, protocol::Bulk state) {
    Turn turn(Instant{});
    joiner_.receive(peer, std::move(state), turn);
    return turn.jobs.size();
  }

  std::vector<NodeId> donors_{peer_of(2), peer_of(3)};
  CatchUp joiner_{Digest{}};
};

TEST_F(CatchUpTest, ASilentDonorIsFollowedByTheNext) {
  const auto first = ask_at(0s);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_TRUE(ask_at(patience - 1s).empty());
  const auto second = ask_at(patience);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_NE(second[0].first, first[0].first);
}

TEST_F(CatchUpTest, ADonorWhoseStateKeepsComingIsNotFollowedByAnother) {
  const auto [donor, request] = ask_at(0s).at(0);
  for (Duration now = 20s; now < 600s; now += 20s) {
    joiner_.progressed({donor, protocol::BulkKind::state, request.request}, Instant{now});
    EXPECT_TRUE(ask_at(now + 5s).empty());
    EXPECT_EQ(joiner_.next_deadline(), Instant{now} + patience);
  }
  EXPECT_EQ(jobs_after(donor, state_of(request.request)), 1U);
}

TEST_F(CatchUpTest, AStateThatComesLateIsTakenAllTheSameAndOnlyOnce) {
  const auto [first, early] = ask_at(0s).at(0);
  const auto [second, late] = ask_at(patience).at(0);
  EXPECT_EQ(jobs_after(first, state_of(early.request)), 1U);
  EXPECT_EQ(jobs_after(second, state_of(late.request)), 0U);
}

TEST_F(CatchUpTest, AStateThatNobodyAskedForIsIgnored) {
  const auto [donor, request] = ask_at(0s).at(0);
  EXPECT_EQ(jobs_after(peer_of(4), state_of(request.request)), 0U);
  EXPECT_EQ(jobs_after(donor, state_of(request.request + 1)), 0U);
}

TEST_F(CatchUpTest, AJoinerThatAsksAgainGetsOneState) {
  CatchUp donor{Digest{}};
  Turn turn(Instant{});
  donor.receive(peer_of(5), protocol::StateRequest{1}, true, turn);
  donor.receive(peer_of(5), protocol::StateRequest{2}, true, turn);
  ASSERT_EQ(turn.jobs.size(), 1U);
  const auto& job = std::get<SaveStateJob>(turn.jobs[0]);
  donor.saved({.for_joiner = true, .request = job.request, .step = 3, .state = {1, 2}}, turn);
  const auto states = sent_to<protocol::Bulk>(turn.effects);
  ASSERT_EQ(states.size(), 1U);
  EXPECT_EQ(states[0].second.number, 2U);
}

}  // namespace
}  // namespace starling::node
