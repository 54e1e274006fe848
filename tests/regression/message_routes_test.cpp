// A catch-all arm that took messages by mutable reference was a closer match than the arms for
// const ones, and swallowed them all: no join was ever answered, no ping, no graft.

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>

#include "node/core/model_form.h"
#include "node/core/node_core.h"
#include "tests/support/crypto_keys.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

TEST(MessageRoutes, APingIsAnsweredByAPong) {
  Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
  config.parameter_count = 4;
  config.steps_total = 10;
  NodeCore core(config);
  const Instant now{std::chrono::seconds(1)};
  const NodeId peer = crypto::node_key(2).id();
  static_cast<void>(core.start(now, {}, {}));
  static_cast<void>(core.handle(PeerConnected{{peer, "127.0.0.1:2"}, false}, now));
  static_cast<void>(core.handle(MessageReceived{peer, form_of(config)}, now));
  const auto outputs = core.handle(MessageReceived{peer, protocol::Ping{7}}, now);
  const bool answered = std::ranges::any_of(outputs, [&](const Output& output) {
    const auto* send = std::get_if<Send>(&output);
    const auto* pong = send != nullptr ? std::get_if<protocol::Pong>(&send->message) : nullptr;
    return pong != nullptr && pong->nonce == 7;
  });
  EXPECT_TRUE(answered);
}

}  // namespace
}  // namespace starling::node
