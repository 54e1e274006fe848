// Ids and bodies wait for company on one link.

#include "protocol/overlay/gossip_outbox.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "tests/support/effects_view.h"
#include "tests/support/instants.h"
#include "tests/support/overlay_node.h"

namespace starling::protocol {
namespace {

using namespace std::chrono_literals;
using testing::at;
using testing::sent;
using testing::test_id;

Gossip body_of(std::uint8_t number, std::size_t size = 100) {
  return {.id = {number}, .hops = 1, .body = Bytes(size, number)};
}

/// What the outbox sends at `now`.
template <class Kind>
std::vector<Kind> sent_at(GossipOutbox& outbox, Instant now) {
  Effects effects;
  outbox.tick(test_id(1), now, effects);
  return sent<Kind>(effects);
}

TEST(GossipOutbox, GathersBodiesFromTheFirstOn) {
  GossipOutbox outbox;
  EXPECT_EQ(outbox.next_deadline(), Instant::never());
  outbox.gather(body_of(1), 500ms, at(1s));
  outbox.gather(body_of(2), 500ms, at(1400ms));
  EXPECT_EQ(outbox.next_deadline(), at(1500ms));
  EXPECT_TRUE(sent_at<GossipBatch>(outbox, at(1499ms)).empty());
  const auto batches = sent_at<GossipBatch>(outbox, at(1500ms));
  ASSERT_EQ(batches.size(), 1U);
  EXPECT_EQ(batches[0].bodies, (std::vector<Gossip>{body_of(1), body_of(2)}));
  EXPECT_EQ(outbox.next_deadline(), Instant::never());
}

TEST(GossipOutbox, AFullBatchWaitsForNobody) {
  GossipOutbox many;
  for (std::size_t i = 0; i < limits::gossip_batch_bodies_max; ++i) {
    EXPECT_GT(many.next_deadline(), at(0s));
    many.gather(body_of(static_cast<std::uint8_t>(i), 10), 500ms, at(0s));
  }
  EXPECT_EQ(many.next_deadline(), at(0s));
  GossipOutbox large;
  large.gather(body_of(1, limits::gossip_batch_bytes_max), 500ms, at(0s));
  EXPECT_EQ(large.next_deadline(), at(0s));
}

TEST(GossipOutbox, SendsNoBatchThatNoMessageHolds) {
  GossipOutbox outbox;
  for (std::uint8_t i = 0; i < 100; ++i) outbox.gather(body_of(i, 1000), 500ms, at(0s));
  std::size_t bodies = 0;
  for (const GossipBatch& batch : sent_at<GossipBatch>(outbox, at(1s))) {
    std::size_t bytes = 0;
    for (const Gossip& gossip : batch.bodies) bytes += gossip.body.size();
    EXPECT_LE(bytes, limits::gossip_batch_bytes_max);
    EXPECT_LE(batch.bodies.size(), limits::gossip_batch_bodies_max);
    bodies += batch.bodies.size();
  }
  EXPECT_EQ(bodies, 100U);
}

TEST(GossipOutbox, TellsApartTheIdsOfBodiesThatCanWait) {
  GossipOutbox outbox;
  outbox.announce({.id = {1}, .hops = 2}, false, 20ms, at(0s));
  outbox.announce({.id = {2}, .hops = 3}, true, 500ms, at(0s));
  const auto prompt = sent_at<IHave>(outbox, at(20ms));
  ASSERT_EQ(prompt.size(), 1U);
  EXPECT_EQ(prompt[0], (IHave{.ids = {{1}}, .hops = {2}, .can_wait = false}));
  const auto patient = sent_at<IHave>(outbox, at(500ms));
  ASSERT_EQ(patient.size(), 1U);
  EXPECT_EQ(patient[0], (IHave{.ids = {{2}}, .hops = {3}, .can_wait = true}));
}

TEST(GossipOutbox, SendsNothingThatTheNeighbourHas) {
  GossipOutbox outbox;
  outbox.announce({.id = {1}, .hops = 2}, true, 500ms, at(0s));
  outbox.gather(body_of(2), 500ms, at(0s));
  outbox.gather(body_of(3), 500ms, at(0s));
  outbox.forget({1});
  outbox.forget({2});
  EXPECT_TRUE(sent_at<IHave>(outbox, at(500ms)).empty());
  outbox.gather(body_of(3), 500ms, at(1s));
  outbox.forget({3});
  Effects effects;
  outbox.flush(test_id(1), effects);
  EXPECT_TRUE(effects.items.empty());
}

TEST(GossipOutbox, AFlushSendsEverythingAtOnce) {
  GossipOutbox outbox;
  outbox.announce({.id = {1}, .hops = 2}, false, 20ms, at(0s));
  outbox.gather(body_of(2), 500ms, at(0s));
  Effects effects;
  outbox.flush(test_id(1), effects);
  EXPECT_EQ(sent<IHave>(effects).size(), 1U);
  EXPECT_EQ(sent<GossipBatch>(effects).size(), 1U);
  EXPECT_EQ(outbox.next_deadline(), Instant::never());
}

}  // namespace
}  // namespace starling::protocol
