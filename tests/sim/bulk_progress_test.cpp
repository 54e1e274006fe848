// What a simulated node hears of bulk that takes its time, as a session tells it.

#include <gtest/gtest.h>

#include "tests/support/simulated_performer.h"

namespace starling::sim {
namespace {

constexpr std::size_t a = 0;
constexpr std::size_t b = 1;

template <class T>
std::size_t count(const testing::Performer& hosts, std::size_t host) {
  std::size_t found = 0;
  for (const node::Input& input : hosts.heard(host)) found += std::holds_alternative<T>(input);
  return found;
}

void link(testing::Performer& hosts) {
  hosts.connect(a, hosts.record(b));
  ASSERT_TRUE(hosts.run_until([&] { return count<node::PeerConnected>(hosts, b) == 1; }));
}

protocol::Bulk bulk_of(std::size_t bytes) {
  protocol::Bulk bulk;
  bulk.number = 5;
  bulk.data = Bytes(bytes);
  return bulk;
}

// 1 MiB takes 0.84 s over the uplink of 10 Mbit/s.
TEST(BulkProgress, IsToldOnceASecondWhileAMessageComes) {
  testing::SimulatedPerformer hosts(2);
  link(hosts);
  for (int i = 0; i < 4; ++i) hosts.send(a, hosts.record(b).id, bulk_of(1U << 20U));
  ASSERT_TRUE(hosts.run_until([&] { return count<node::MessageReceived>(hosts, b) == 4; }));
  // The messages arrive after 0.9, 1.7, 2.5 and 3.4 s.
  EXPECT_EQ(count<node::BulkProgressed>(hosts, b), 0U + 1U + 2U + 3U);
  for (const node::Input& input : hosts.heard(b)) {
    const auto* progress = std::get_if<node::BulkProgressed>(&input);
    if (progress == nullptr) continue;
    EXPECT_EQ(progress->peer, hosts.record(a).id);
    EXPECT_EQ(progress->kind, protocol::BulkKind::pair_payload);
    EXPECT_EQ(progress->number, 5U);
  }
}

TEST(BulkProgress, IsNotToldOfWhatComesAtOnceOrNeverArrives) {
  testing::SimulatedPerformer hosts(2);
  link(hosts);
  hosts.send(a, hosts.record(b).id, bulk_of(1U << 20U));
  hosts.send(a, hosts.record(b).id, bulk_of(1U << 20U));
  hosts.disconnect(a, hosts.record(b).id, protocol::CloseReason::normal);
  ASSERT_TRUE(hosts.run_until([&] { return count<node::PeerDisconnected>(hosts, b) == 1; }));
  ASSERT_FALSE(hosts.run_until([&] { return count<node::MessageReceived>(hosts, b) > 0; }));
  EXPECT_EQ(count<node::BulkProgressed>(hosts, b), 0U);
}

}  // namespace
}  // namespace starling::sim
