// Peers whose models or data have another form are refused before anything is mixed.

#include "node/core/model_form.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

#include "node/core/node_core.h"
#include "tests/support/node_config.h"

namespace starling::node {
namespace {

using protocol::ModelForm;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// Softmax regression on `features` numbers of `classes` kinds.
Config softmax_config(std::size_t features, std::size_t classes) {
  Config config = testing::node_config(1, *optim::builtin_recipe("gossip"));
  config.bootstrap = {{{}, "127.0.0.1:2"}};
  config.segments = {{"layers.0.weight", 0, {classes, features}},
                     {"layers.0.bias", classes * features, {classes}}};
  config.parameter_count = classes * (features + 1);
  config.data_form = {.features = static_cast<std::uint32_t>(features),
                      .classes = static_cast<std::uint32_t>(classes)};
  config.nodes_expected = 5;
  config.steps_total = 10;
  return config;
}

ModelForm softmax_form(std::size_t features, std::size_t classes) {
  return form_of(softmax_config(features, classes));
}

TEST(ModelForm, OfTheSameModelAndDataDoesNotDiffer) {
  EXPECT_EQ(difference_between(softmax_form(4, 3), softmax_form(4, 3)), std::nullopt);
}

TEST(ModelForm, OfOtherDataDiffersInBothValues) {
  EXPECT_EQ(difference_between(softmax_form(4, 3), softmax_form(5, 3)),
            "5 features there and 4 here, 18 parameters there and 15 here");
  EXPECT_EQ(difference_between(softmax_form(4, 3), softmax_form(4, 2)),
            "2 classes there and 3 here, 10 parameters there and 15 here");
}

/// 3 (3 + 1) = 4 (2 + 1): a payload of one has the size of the other's.
TEST(ModelForm, OfAsManyParametersFromOtherDataDiffers) {
  EXPECT_EQ(difference_between(softmax_form(3, 3), softmax_form(2, 4)),
            "2 features there and 3 here, 4 classes there and 3 here");
}

TEST(ModelForm, OfAsManyParametersInOtherPlacesDiffers) {
  const Config own = softmax_config(4, 3);
  const std::vector<std::function<void(Config&)>> changes = {
      [](Config& config) { config.segments[0].name = "weight"; },
      [](Config& config) { config.segments[0].shape = {4, 3}; },
      [](Config& config) { config.segments[0].shape = {12}; },
      [](Config& config) { config.segments[1].offset = 0; },
      [](Config& config) { std::swap(config.segments[0], config.segments[1]); },
      [](Config& config) { config.segments.pop_back(); }};
  for (const auto& change : changes) {
    Config other = own;
    change(other);
    const auto difference = difference_between(form_of(own), form_of(other));
    ASSERT_TRUE(difference);
    EXPECT_THAT(*difference,
                AllOf(HasSubstr("laid out as"), HasSubstr(form_of(own).layout.short_text()),
                      HasSubstr(form_of(other).layout.short_text())));
  }
}

/// A node on 4 features and 3 classes, which hears of peers what the test says.
class FormJudge : public ::testing::Test {
 protected:
  FormJudge() { static_cast<void>(core_.start(now_, {}, {})); }

  std::vector<Output> connect(const protocol::PeerRecord& peer, bool dialled_by_us) {
    return core_.handle(PeerConnected{.peer = peer, .dialled_by_us = dialled_by_us}, now_);
  }
  std::vector<Output> hear(const protocol::PeerRecord& peer, protocol::Message message) {
    return core_.handle(MessageReceived{peer.id, std::move(message)}, now_);
  }
  /// Has become a neighbour by these outputs.
  static bool has_joined(const std::vector<Output>& outputs, const protocol::PeerRecord& peer) {
    return std::ranges::any_of(outputs, [&](const Output& output) {
      const auto* told = std::get_if<Notify>(&output);
      const auto* joined = told != nullptr ? std::get_if<PeerJoined>(&told->event) : nullptr;
      return joined != nullptr && joined->peer == peer.id;
    });
  }
  static std::vector<std::string> warnings(const std::vector<Output>& outputs) {
    std::vector<std::string> texts;
    for (const Output& output : outputs) {
      const auto* told = std::get_if<Notify>(&output);
      const auto* warned = told != nullptr ? std::get_if<Warned>(&told->event) : nullptr;
      if (warned != nullptr) texts.push_back(warned->text);
    }
    return texts;
  }
  static bool is_refused(const std::vector<Output>& outputs, const protocol::PeerRecord& peer) {
    return std::ranges::any_of(outputs, [&](const Output& output) {
      const auto* ended = std::get_if<Disconnect>(&output);
      return ended != nullptr && ended->peer == peer.id &&
             ended->reason == protocol::CloseReason::other_model;
    });
  }
  [[nodiscard]] std::uint64_t rejected(const std::string& reason) const {
    const auto counts = core_.status(now_).rejected;
    return counts.contains(reason) ? counts.at(reason) : 0;
  }

  const protocol::PeerRecord contact_{crypto::node_key(2).id(), "127.0.0.1:2"};
  const protocol::PeerRecord caller_{crypto::node_key(3).id(), {}};
  const protocol::Join join_{{caller_.id, "127.0.0.1:3"}};
  Instant now_ = Instant{} + std::chrono::seconds(1);
  NodeCore core_{softmax_config(4, 3)};
};

TEST_F(FormJudge, SaysWhatItTrainsBeforeAnythingElse) {
  for (const Output& output : connect(caller_, false)) {
    const auto* send = std::get_if<Send>(&output);
    if (send == nullptr) continue;
    const auto* form = std::get_if<ModelForm>(&send->message);
    ASSERT_NE(form, nullptr);
    EXPECT_EQ(*form, softmax_form(4, 3));
    return;
  }
  FAIL() << "it said nothing";
}

TEST_F(FormJudge, TakesAPeerThatTrainsTheSame) {
  connect(caller_, false);
  EXPECT_TRUE(warnings(hear(caller_, softmax_form(4, 3))).empty());
  EXPECT_TRUE(has_joined(hear(caller_, join_), caller_));
}

TEST_F(FormJudge, HearsNothingOfAPeerThatHasNotSaidWhatItTrains) {
  connect(caller_, false);
  EXPECT_FALSE(has_joined(hear(caller_, join_), caller_));
  EXPECT_EQ(rejected("unexpected"), 1U);
  hear(caller_, softmax_form(4, 3));
  EXPECT_TRUE(has_joined(hear(caller_, join_), caller_));
}

TEST_F(FormJudge, AnswersANewcomerThatAsksWhatTheRunIs) {
  connect(caller_, false);
  const auto outputs = hear(caller_, protocol::DescriptionRequest{});
  EXPECT_TRUE(std::ranges::any_of(outputs, [](const Output& output) {
    const auto* send = std::get_if<Send>(&output);
    return send != nullptr && std::holds_alternative<protocol::Description>(send->message);
  }));
}

TEST_F(FormJudge, HearsTheProofOfAnotherProcessBeforeAnythingElse) {
  connect(caller_, false);
  hear(caller_, protocol::IdentityProof{{1, 2, 3}});
  EXPECT_EQ(rejected("unexpected"), 0U);  // it was looked at
  EXPECT_EQ(rejected("bad_encoding"), 1U);
}

TEST_F(FormJudge, RefusesACallerOfAnotherFormAndSaysSoOnce) {
  connect(caller_, false);
  const auto outputs = hear(caller_, softmax_form(5, 3));
  EXPECT_TRUE(is_refused(outputs, caller_));
  ASSERT_EQ(warnings(outputs).size(), 1U);
  EXPECT_THAT(warnings(outputs)[0],
              AllOf(HasSubstr(caller_.id.short_text()), HasSubstr("5 features there and 4 here"),
                    HasSubstr("18 parameters there and 15 here")));
  EXPECT_EQ(rejected("other_model"), 1U);
  EXPECT_EQ(core_.status(now_).phase, "joining");
  static_cast<void>(
      core_.handle(PeerDisconnected{caller_.id, protocol::CloseReason::other_model}, now_));
  connect(caller_, false);
  const auto again = hear(caller_, softmax_form(5, 3));
  EXPECT_TRUE(is_refused(again, caller_));
  EXPECT_TRUE(warnings(again).empty());
  static_cast<void>(
      core_.handle(PeerDisconnected{caller_.id, protocol::CloseReason::other_model}, now_));
  connect(caller_, false);  // with other data
  hear(caller_, softmax_form(4, 3));
  EXPECT_TRUE(has_joined(hear(caller_, join_), caller_));
}

TEST_F(FormJudge, ANewcomerEndsWhereTheRunsAddressTrainsAnotherModel) {
  connect(contact_, true);
  const auto outputs = hear(contact_, softmax_form(5, 3));
  EXPECT_TRUE(is_refused(outputs, contact_));
  const auto* told = std::get_if<Notify>(&outputs.back());
  const auto* stopped = told != nullptr ? std::get_if<Stopped>(&told->event) : nullptr;
  ASSERT_NE(stopped, nullptr);
  EXPECT_THAT(stopped->error,
              AllOf(HasSubstr("5 features there and 4 here"), HasSubstr("Start with data")));
}

TEST_F(FormJudge, ANodeThatIsDialledByAnotherFormGoesOn) {
  connect({contact_.id, {}}, false);
  hear(contact_, softmax_form(5, 3));
  EXPECT_EQ(core_.status(now_).phase, "joining");
}

TEST_F(FormJudge, AFormIsToldOnce) {
  connect(caller_, false);
  hear(caller_, softmax_form(4, 3));
  hear(caller_, softmax_form(4, 3));
  EXPECT_EQ(rejected("unexpected"), 1U);
}

}  // namespace
}  // namespace starling::node
