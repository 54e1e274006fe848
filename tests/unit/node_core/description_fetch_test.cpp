#include "node/core/description_fetch.h"

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>

#include "tests/support/crypto_keys.h"

namespace starling::node {
namespace {

using namespace std::chrono_literals;

const Bytes description = {'r', 'u', 'n'};

NodeId id_of(std::uint8_t value) {
  NodeId id;
  id.bytes.fill(value);
  return id;
}

/// A fetch at two addresses, and what it asked for.
class Fetching : public ::testing::Test {
 protected:
  Fetching() { take(fetch_.start(now_)); }

  void take(std::vector<Output> outputs) {
    for (Output& output : outputs) {
      if (const auto* connect = std::get_if<Connect>(&output)) dials_[connect->peer.address] += 1;
      if (const auto* send = std::get_if<Send>(&output)) sent_.push_back(*send);
      if (const auto* hang_up = std::get_if<Disconnect>(&output)) hung_up_.push_back(*hang_up);
      if (const auto* notice = std::get_if<Notify>(&output)) {
        told_.push_back(std::get<ContactFailed>(notice->event).problem);
      }
      if (const auto* timer = std::get_if<StartTimer>(&output)) timer_ = timer->at;
    }
  }
  void give(Input input) { take(fetch_.handle(std::move(input), now_)); }
  void answer_at(const std::string& address, const NodeId& id) {
    give(PeerConnected{.peer = {id, address}, .dialled_by_us = true});
  }
  void await_timer() {
    ASSERT_NE(timer_, Instant::never());
    now_ = timer_;
    give(TimerFired{});
  }

  Instant now_;
  DescriptionFetch fetch_{run_of_description(description), {"a:1", "b:1"}};
  std::map<std::string, int> dials_;
  std::vector<Send> sent_;
  std::vector<Disconnect> hung_up_;
  std::vector<std::string> told_;
  Instant timer_ = Instant::never();
};

TEST_F(Fetching, DialsEveryAddressAtOnce) {
  EXPECT_EQ(dials_, (std::map<std::string, int>{{"a:1", 1}, {"b:1", 1}}));
}

TEST_F(Fetching, AsksWhoeverAnswersAndHangsUpOnceItHasTheDescription) {
  answer_at("a:1", id_of(1));
  ASSERT_EQ(sent_.size(), 1U);
  EXPECT_TRUE(std::holds_alternative<protocol::DescriptionRequest>(sent_[0].message));
  give(MessageReceived{id_of(1), protocol::Description{description}});
  EXPECT_EQ(fetch_.description(), description);
  ASSERT_EQ(hung_up_.size(), 1U);
  EXPECT_EQ(hung_up_[0].reason, protocol::CloseReason::normal);
}

TEST_F(Fetching, DialsAgainAndAgainAfterPausesThatGrow) {
  Duration pause_before{0};
  for (int round = 0; round < 4; ++round) {
    give(ConnectFailed{{{}, "a:1"}});
    give(ConnectFailed{{{}, "b:1"}});
    const Instant failed = now_;
    await_timer();
    EXPECT_GT(now_ - failed, pause_before);
    pause_before = now_ - failed;
    EXPECT_EQ(dials_["a:1"], round + 2);
  }
}

TEST_F(Fetching, RefusesADescriptionOfAnotherRunAndAsksElsewhere) {
  answer_at("a:1", id_of(1));
  give(MessageReceived{id_of(1), protocol::Description{{'l', 'i', 'e'}}});
  EXPECT_FALSE(fetch_.description());
  ASSERT_EQ(hung_up_.size(), 1U);
  EXPECT_EQ(hung_up_[0].reason, protocol::CloseReason::misbehaviour);
  answer_at("b:1", id_of(2));
  give(MessageReceived{id_of(2), protocol::Description{description}});
  EXPECT_EQ(fetch_.description(), description);
}

TEST_F(Fetching, TellsWhyNobodyWasReached) {
  give(ConnectFailed{{{}, "a:1"}, protocol::DialProblem::refused});
  give(ConnectFailed{{{}, "b:1"}, protocol::DialProblem::other_run});
  await_timer();
  give(ConnectFailed{{{}, "a:1"}, protocol::DialProblem::refused});
  EXPECT_EQ(told_, (std::vector<std::string>{"refused", "other_run"}));
}

TEST_F(Fetching, TakesNothingFromWhoWasNotAsked) {
  give(MessageReceived{id_of(1), protocol::Description{description}});
  EXPECT_FALSE(fetch_.description());
}

TEST_F(Fetching, DialsAMemberThatIsFoundOnTheLocalNetworkAtOnceAndOnce) {
  for (int i = 0; i < 3; ++i) give(LanContact{{id_of(1), "10.0.0.1:4747"}});
  EXPECT_EQ(dials_["10.0.0.1:4747"], 1);
  answer_at("10.0.0.1:4747", id_of(1));
  give(MessageReceived{id_of(1), protocol::Description{description}});
  EXPECT_EQ(fetch_.description(), description);
}

TEST_F(Fetching, ASilentMemberHoldsUpNobodyFoundOnTheLocalNetwork) {
  answer_at("a:1", id_of(1));  // takes the question, and says nothing
  give(LanContact{{id_of(2), "10.0.0.1:4747"}});
  EXPECT_EQ(dials_["10.0.0.1:4747"], 1);
  EXPECT_EQ(dials_["b:1"], 1) << "those dialled before rest while somebody is asked";
  answer_at("10.0.0.1:4747", id_of(2));
  give(MessageReceived{id_of(2), protocol::Description{description}});
  EXPECT_EQ(fetch_.description(), description);
}

TEST(FetchingWithoutAnAddress, WaitsForAMemberOnTheLocalNetwork) {
  DescriptionFetch fetch(run_of_description(description), {});
  EXPECT_TRUE(fetch.start(Instant{}).empty());
  const auto outputs = fetch.handle(LanContact{{id_of(1), "10.0.0.1:4747"}}, Instant{});
  ASSERT_FALSE(outputs.empty());
  EXPECT_EQ(std::get<Connect>(outputs[0]).peer.address, "10.0.0.1:4747");
}

TEST_F(Fetching, LeavesAMemberThatStaysSilentAndDialsAgain) {
  answer_at("a:1", id_of(1));
  give(ConnectFailed{{{}, "b:1"}});
  await_timer();
  ASSERT_EQ(hung_up_.size(), 1U);
  EXPECT_EQ(hung_up_[0].reason, protocol::CloseReason::timed_out);
  give(PeerDisconnected{id_of(1), protocol::CloseReason::timed_out});
  await_timer();
  EXPECT_GT(dials_["a:1"] + dials_["b:1"], 2);
}

TEST_F(Fetching, DialsAgainWhenTheLinkBreaksBeforeTheAnswer) {
  answer_at("a:1", id_of(1));
  give(PeerDisconnected{id_of(1), protocol::CloseReason::connection_lost});
  give(ConnectFailed{{{}, "b:1"}});
  await_timer();
  await_timer();
  EXPECT_GE(dials_["a:1"], 2);
}

}  // namespace
}  // namespace starling::node
