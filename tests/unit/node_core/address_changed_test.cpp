// A machine that moves tells everyone where it is now.

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "node/core/model_form.h"
#include "node/core/node_core.h"
#include "optim/recipe.h"
#include "protocol/wire/announcement.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

const std::string new_address = "192.0.2.7:4000,[2001:db8::7]:4000";

/// The addresses in the presences that the outputs spread.
std::vector<std::string> told_addresses(const std::vector<Output>& outputs) {
  std::vector<std::string> told;
  for (const Output& output : outputs) {
    const auto* send = std::get_if<Send>(&output);
    const auto* gossip = send != nullptr ? std::get_if<protocol::Gossip>(&send->message) : nullptr;
    if (gossip == nullptr) continue;
    const auto opened = protocol::open_announcement(gossip->body, crypto::run_of(1));
    if (const auto* presence = std::get_if<protocol::Presence>(&opened->content)) {
      told.push_back(presence->address);
    }
  }
  return told;
}

/// A core with one neighbour that asked to be one.
class AddressChangedTest : public ::testing::Test {
 protected:
  AddressChangedTest() : core_(config()) {
    static_cast<void>(core_.start(now_, {}, {}));
    static_cast<void>(core_.handle(PeerConnected{{peer_.id, {}}, false}, now_));
    static_cast<void>(core_.handle(MessageReceived{peer_.id, form_of(config())}, now_));
    static_cast<void>(core_.handle(MessageReceived{peer_.id, protocol::Join{peer_}}, now_));
  }
  static Config config() {
    Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
    config.parameter_count = 4;
    config.nodes_expected = 5;
    return config;
  }
  std::vector<Output> after(Duration wait, Input input) {
    now_ = now_ + wait;
    return core_.handle(std::move(input), now_);
  }

  protocol::PeerRecord peer_{crypto::node_key(2).id(), "127.0.0.1:2"};
  Instant now_;
  NodeCore core_;
};

TEST_F(AddressChangedTest, NeighboursAreToldAtOnce) {
  static_cast<void>(after(std::chrono::milliseconds(10), AddressChanged{new_address}));
  const auto told = told_addresses(after(std::chrono::milliseconds(1), TimerFired{}));
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told.front(), new_address);
}

TEST_F(AddressChangedTest, NothingIsToldWithoutNews) {
  EXPECT_TRUE(told_addresses(after(std::chrono::milliseconds(11), TimerFired{})).empty());
}

}  // namespace
}  // namespace starling::node
