// When a node begins to train: with all that are expected, after a wait, or when a neighbour has.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "node/core/model_form.h"
#include "node/core/node_core.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

/// A node of five that has one neighbour and has heard of no other.
class Begin : public ::testing::Test {
 protected:
  Begin() {
    static_cast<void>(core_.start(now_, {}, {}));
    static_cast<void>(core_.handle(PeerConnected{{peer_.id, {}}, false}, now_));
    hear(form_of(config()));
    hear(protocol::Join{peer_});
  }
  static Config config() {
    Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
    config.parameter_count = 4;
    config.steps_total = 1000;
    config.nodes_expected = 5;
    return config;
  }
  std::vector<Output> hear(protocol::Message message) {
    return core_.handle(MessageReceived{peer_.id, std::move(message)}, now_);
  }
  std::vector<Output> hear_hello(Step step) {
    return hear(protocol::EdgeHello{.incarnation = 7, .step = step});
  }
  [[nodiscard]] std::string phase() const { return core_.status(now_).phase; }

  const protocol::PeerRecord peer_{crypto::node_key(2).id(), "127.0.0.1:2"};
  Instant now_ = Instant{} + std::chrono::seconds(1);
  NodeCore core_{config()};
};

TEST_F(Begin, WaitsForTheOthersWhileNoneTrains) {
  EXPECT_EQ(phase(), "joining");
}

TEST_F(Begin, FollowsANeighbourThatHasJustBegun) {
  const auto outputs = hear_hello(3);
  EXPECT_EQ(phase(), "training");
  EXPECT_TRUE(std::ranges::any_of(outputs, [](const Output& output) {
    const auto* job = std::get_if<RunLearner>(&output);
    return job != nullptr && std::holds_alternative<TrainJob>(job->job);
  }));
}

TEST_F(Begin, TakesTheStateOfANeighbourThatIsFarAhead) {
  const auto outputs = hear_hello(300);
  EXPECT_EQ(phase(), "catching_up");
  EXPECT_TRUE(std::ranges::any_of(outputs, [this](const Output& output) {
    const auto* send = std::get_if<Send>(&output);
    return send != nullptr && send->peer == peer_.id &&
           std::holds_alternative<protocol::StateRequest>(send->message);
  }));
}

TEST_F(Begin, DoesNotFollowAPeerThatIsNoNeighbourAnyMore) {
  static_cast<void>(
      core_.handle(PeerDisconnected{peer_.id, protocol::CloseReason::connection_lost}, now_));
  hear_hello(3);
  EXPECT_EQ(phase(), "joining");
}

}  // namespace
}  // namespace starling::node
